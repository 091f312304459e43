"""The linear probe of a frozen vision encoder on ImageNet, tested on ImageNet, ReaL, V2, A, R and Sketch (InternVL 1.0, section 4.2).

    training pictures --random parts, encoder--> [b, 2D] --ProbeHead, SGD--> head on disk
    test pictures --"crop", encoder, store--> [n, 2D] --head--> logits [n, classes] --mask--> accuracy

ReaL counts any of a picture's labels and leaves out pictures without one (Beyer et al. 2020). A and R choose among their own classes.
Variant "internvl" is the published recipe and runs the encoder on fresh random parts in each epoch; "cached" encodes the middle of
each training picture once, which takes a tenth of the time and is not comparable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Features, Outcome, Picture, Work, first
from internvl.eval.errors import BenchmarkFileError, EvalError
from internvl.eval.image_folders import class_folders, first_folder, pictures_by_class
from internvl.eval.imagenet_classes import FOLDERS, TABLES, class_indices, known, pictures_of
from internvl.eval.readers import find_file, read_json
from internvl.eval.sample import Scored

if TYPE_CHECKING:
    from torch import Tensor, nn

    from internvl.eval.feature_extractor import FeatureExtractor, ProbeEmbedder
    from internvl.eval.heads.probe import Classify, ProbeRecipe

TRAINING = ("imagenet-1k/train", "imagenet/train")
REAL = ("real.json", "imagenet-1k/real.json", "imagenet-1k/meta/real.json", "meta_data/real.json")
SETS = {
    "imagenet": "imagenet",
    "real": "imagenet",
    "v2": "imagenet_v2",
    "a": "imagenet_a",
    "r": "imagenet_r",
    "sketch": "imagenet_sketch",
}
FILES = {split: (*TRAINING, *FOLDERS[name], *TABLES, *(REAL if split == "real" else ())) for split, name in SETS.items()}
VARIANTS = {
    "internvl": EmbeddingProtocol(note="random parts of the training pictures, encoded anew in each epoch"),
    "cached": EmbeddingProtocol(augment=False, note="the middle of the training pictures, encoded once"),
}
PUBLISHED = dict.fromkeys(SETS, "Linear probe")
OWN_CLASSES = ("a", "r")
ROWS_AT_ONCE = 4096
_NUMBER = re.compile(r"ILSVRC2012_val_([0-9]{8})\.")


class LinearProbe(EmbeddingTask):
    """One split for each test set; all share the head."""

    name = "linear_probe"
    title = "Linear probe"
    splits = tuple(SETS)
    files = FILES
    variants = VARIANTS
    metric = "acc1"
    published = PUBLISHED
    needs = "features"
    shardable = False
    recipe: ProbeRecipe | None = None
    save_every: int = 500

    def hashed_files(self, split: str, variant: str) -> Sequence[str]:
        """All but the million training pictures."""
        return [name for name in super().hashed_files(split, variant) if name not in TRAINING]

    def evaluate(self, work: Work) -> Outcome:
        """Train the head if there is none yet, then test it."""
        extractor_of(work)
        folder = first_folder(work.root, TRAINING)
        classes = len(class_folders(folder))
        pictures = evaluation_pictures(work.root, work.split, classes)
        chosen = first(pictures, work.limit)
        self.look_at(work, chosen)
        head = self._trained(work, pictures_by_class(folder, known(folder, class_indices(work.root, classes))), classes)
        features, classify = self.tested(work, chosen, head)
        mask = sorted({label for picture in pictures for label in labels_of(picture)}) if work.split in OWN_CLASSES else None
        predictions = _predictions(classify, features, mask)
        rows = [_row(picture, best) for picture, best in zip(chosen, predictions, strict=True)]
        return Outcome(scores={"acc1": sum(row.score["score"] for row in rows) / len(rows)}, rows=rows, total=len(pictures))

    def look_at(self, work: Work, pictures: Sequence[Picture]) -> None:
        """What can be done before the head is trained, so that a damaged picture is found early: encode the test set."""
        work.encode(pictures, (), mode="crop")

    def new_head(self, work: Work, classes: int) -> tuple[nn.Module, ProbeRecipe]:
        """The head before training, and how it is trained."""
        from internvl.eval.heads.probe import ProbeHead, ProbeRecipe

        recipe = self.recipe or ProbeRecipe()
        return ProbeHead(2 * extractor_of(work).width, classes, recipe), recipe

    def embedder(self, work: Work) -> ProbeEmbedder:
        """What the head is shown of a training picture."""
        from internvl.eval.feature_extractor import ProbeEmbedder

        return ProbeEmbedder(extractor_of(work))

    def tested(self, work: Work, pictures: Sequence[Picture], head: nn.Module) -> tuple[Features, Classify]:
        """The stored features of the test set, and what gives their logits."""
        features, _ = work.encode(pictures, (), mode="crop")
        return features, head

    def _trained(self, work: Work, pictures: Sequence[Picture], classes: int) -> nn.Module:
        import torch.nn.functional as F

        from internvl.eval.heads.probe import probe_optimizer
        from internvl.eval.heads.training import HeadRun, rows_of_step, train_head

        head, recipe = self.new_head(work, classes)
        batch_size, per_epoch = recipe.sized(len(pictures))
        encode = self._training_features(work, pictures, recipe)

        def loss(step: int) -> Tensor:
            rows = rows_of_step(step, batch_size=batch_size, rows=len(pictures), seed=recipe.seed)
            return F.cross_entropy(head(encode(rows)), _targets(pictures, rows))

        run = HeadRun(
            module=head,
            optimizer=probe_optimizer(head, recipe, batch_size),
            rate=lambda step: recipe.rate(step, per_epoch),
            loss=loss,
            steps=recipe.epochs * per_epoch,
            file=work.folder / f"{work.variant}.safetensors",
            facts={"recipe": asdict(recipe), "variant": work.variant, "pictures": len(pictures), "classes": classes},
            seed=recipe.seed,
            save_every=self.save_every,
        )
        train_head(run, lambda done, total: work.report(done, total, "training steps"))
        return head

    def _training_features(self, work: Work, pictures: Sequence[Picture], recipe: ProbeRecipe) -> Any:
        """rows [(epoch, row)] -> features float32[b, ...]: made anew from random parts, or read from the store."""
        import torch

        if not self.variants[work.variant].augment:
            stored, _ = work.encode(pictures, (), mode="crop")
            return lambda rows: torch.cat([stored.block(row, row + 1) for _, row in rows])
        embedder = self.embedder(work)
        return lambda rows: _encoded_anew(embedder, [(pictures[row], epoch, row) for epoch, row in rows], recipe.seed)


def evaluation_pictures(root: Path, split: str, classes: int) -> list[Picture]:
    """The pictures of a test set with their labels; those without any, which only ReaL has, are left out."""
    pictures = pictures_of(root, SETS[split], classes)
    if split != "real":
        return pictures
    labels = _real_labels(find_file(root, REAL), classes)
    found = [replace(picture, label=_real_label(picture, labels)) for picture in pictures]
    return [picture for picture in found if labels_of(picture)]


def labels_of(picture: Picture) -> tuple[int, ...]:
    """All classes that are right for a picture."""
    return (picture.label,) if isinstance(picture.label, int) else picture.label


def _real_labels(path: Path, classes: int) -> list[tuple[int, ...]]:
    values = read_json(path)
    if not isinstance(values, list) or not values:
        raise BenchmarkFileError(f"{path}: a list with the labels of each validation picture is expected")
    for number, value in enumerate(values, start=1):
        if not isinstance(value, list) or not all(type(label) is int and 0 <= label < classes for label in value):
            raise BenchmarkFileError(f"{path}, entry {number}: a list of classes 0...{classes - 1} is expected, not {value!r:.80}")
    return [tuple(value) for value in values]


def _real_label(picture: Picture, labels: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The labels of the picture whose number is in its name: ILSVRC2012_val_00000001.JPEG is the first."""
    match = _NUMBER.search(picture.path.name)
    if match is None or not 1 <= int(match[1]) <= len(labels):
        raise BenchmarkFileError(
            f"row {picture.row} ({picture.id}): ReaL has labels for ILSVRC2012_val_00000001...{len(labels):08d}, not for this name"
        )
    return labels[int(match[1]) - 1]


def extractor_of(work: Work) -> FeatureExtractor:
    """The vision encoder that is probed. EvalError when there is none."""
    if work.extractor is None:
        raise EvalError("a probe needs the tokens of a vision encoder, not an embedder")
    return work.extractor


def _encoded_anew(embedder: ProbeEmbedder, items: Sequence[tuple[Picture, int, int]], seed: int) -> Tensor:
    import torch

    from internvl.eval.encoding import ahead, open_stills
    from internvl.eval.heads.training import draw_of
    from internvl.media.views import random_view
    from internvl.messages import Image

    def view(item: tuple[Picture, int, int]) -> Image:
        picture, epoch, row = item
        return Image(random_view(open_stills(picture)[0], draw_of(seed, epoch, row)))

    images = list(ahead(view, items))
    step = max(1, embedder.batch_size)
    parts = [embedder.encode_images(images[start : start + step], "squash").cpu() for start in range(0, len(images), step)]
    return torch.cat(parts)


def _targets(pictures: Sequence[Picture], rows: Sequence[tuple[int, int]]) -> Tensor:
    import torch

    return torch.tensor([labels_of(pictures[row])[0] for _, row in rows])


def _predictions(classify: Classify, features: Features, mask: Sequence[int] | None) -> list[int]:
    """The best class of each row, among those of the mask where there is one."""
    import torch

    found: list[int] = []
    with torch.inference_mode():
        for start in range(0, len(features), ROWS_AT_ONCE):
            logits = classify(features.block(start, min(len(features), start + ROWS_AT_ONCE)))
            best = logits.argmax(dim=1) if mask is None else torch.tensor(mask)[logits[:, list(mask)].argmax(dim=1)]
            found += best.tolist()
    return found


def _row(picture: Picture, best: int) -> Scored:
    right = labels_of(picture)
    score = {"score": float(best in right), "prediction": best}
    return Scored(id=picture.id, row=picture.row, answers=(str(best),), reference=list(right), extra={}, score=score)


TASK = LinearProbe
