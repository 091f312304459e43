"""Semantic segmentation of ADE20K by heads on a vision encoder: linear, UperNet, few-shot and full (InternVL 1.0, section 4.2).

    training scenes --crops--> Segmenter.loss, recipe by recipe --> head on disk
    validation pictures --windows of 504 px--> class maps --areas summed--> mIoU, aAcc, mAcc in percent

A variant is a row of `heads.segmentation_recipes`. Scenes that are done stay done when a run is killed, as do training steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Outcome, Work, first
from internvl.eval.errors import EvalError
from internvl.eval.heads.segmentation_recipes import RECIPES, SegmentationRecipe
from internvl.eval.metrics.segmentation import SegmentationTotals
from internvl.eval.sample import Scored

if TYPE_CHECKING:
    from torch import Tensor

    from internvl.eval.ade20k_files import Scene
    from internvl.eval.heads.segmenter import Segmenter

CLASSES = 150
PARTS = ("images/training", "annotations/training", "images/validation", "annotations/validation")
AREAS = "areas"
FILES = {"validation": tuple(f"ADEChallengeData2016/{part}" for part in PARTS)}
VARIANTS = {name: EmbeddingProtocol(note=f"{recipe.decoder} decoder, {recipe.steps} steps") for name, recipe in RECIPES.items()}
PUBLISHED = {"validation": "ADE20K"} | {
    f"validation/{name}": "ADE20K few-shot" if name.startswith("few_shot") else "ADE20K" for name in RECIPES
}


class Ade20K(EmbeddingTask):
    """The validation set after training one of the recipes."""

    name = "ade20k"
    title = "ADE20K"
    splits = ("validation",)
    files = FILES
    variants = VARIANTS
    metric = "mIoU"
    scale = 1.0
    published = PUBLISHED
    needs = "features"
    shardable = False
    recipes: Mapping[str, SegmentationRecipe] = RECIPES
    classes: int = CLASSES
    save_every: int = 500

    def evaluate(self, work: Work) -> Outcome:
        """Train what is not trained yet, then segment what is not segmented yet."""
        from internvl.eval.ade20k_files import read_scenes

        scenes = read_scenes(work.root, "validation")
        chosen = first(scenes, work.limit)
        model = self._trained(work)
        rows = self._segmented(work, model, chosen)
        totals = SegmentationTotals(self.classes)
        for row in rows:
            totals.areas += _dense(row.extra[AREAS], self.classes)
            totals.maps += 1
        return Outcome(scores=totals.result(), rows=rows, total=len(scenes))

    def _trained(self, work: Work) -> Segmenter:
        from internvl.eval.ade20k_files import read_scenes
        from internvl.eval.heads.segmenter import Segmenter, segmentation_optimizer
        from internvl.eval.heads.training import HeadRun, train_head

        if work.extractor is None:
            raise EvalError(f"{self.name} needs the feature maps of a vision encoder, not an embedder")
        recipe = self.recipes[work.variant]
        scenes = read_scenes(work.root, "training")
        scenes = scenes[: max(1, len(scenes) // recipe.part)]
        model = Segmenter(work.extractor, recipe, self.classes).to(_device(work))
        run = HeadRun(
            module=model,
            optimizer=segmentation_optimizer(model),
            rate=recipe.rate,
            loss=lambda step: model.loss(*_batch(scenes, recipe, self.classes, step)),
            steps=recipe.steps,
            file=work.folder / f"{work.variant}.safetensors",
            facts={"recipe": asdict(recipe), "model": work.extractor.describe(), "scenes": len(scenes), "classes": self.classes},
            seed=recipe.seed,
            save_every=self.save_every,
        )
        train_head(run, lambda done, total: work.report(done, total, "training steps"))
        return model

    def _segmented(self, work: Work, model: Segmenter, scenes: Sequence[Scene]) -> list[Scored]:
        from internvl.eval.journal import Journal, finished_rows, journal_path

        folder = work.folder / f"{work.variant}_validation"
        folder.mkdir(parents=True, exist_ok=True)
        rows = finished_rows(folder)
        with Journal(journal_path(folder, (0, 1))) as journal:
            for done, scene in enumerate(scenes, start=1):
                if scene.id not in rows:
                    rows[scene.id] = _scored(model, scene, self.classes)
                    journal.append([rows[scene.id]])
                work.report(done, len(scenes), "scenes")
        return [rows[scene.id] for scene in scenes]


def _device(work: Work) -> Any:
    return next(work.extractor.module.parameters()).device if work.extractor is not None else "cpu"


def _batch(scenes: Sequence[Scene], recipe: SegmentationRecipe, classes: int, step: int) -> tuple[Tensor, Tensor]:
    """float32[b,3,S,S] and int64[b,S,S] of a step."""
    import torch

    from internvl.eval.ade20k_files import open_scene, reduced
    from internvl.eval.heads.training import draw_of, rows_of_step
    from internvl.eval.segmentation_views import train_view

    views = []
    for epoch, row in rows_of_step(step, batch_size=recipe.batch_size, rows=len(scenes), seed=recipe.seed):
        image, labels = open_scene(scenes[row], classes)
        views.append(train_view(image, reduced(labels), recipe, draw_of(recipe.seed, epoch, row)))
    pixels, labels_of = zip(*views, strict=True)
    return torch.stack(pixels), torch.stack(labels_of)


def _scored(model: Segmenter, scene: Scene, classes: int) -> Scored:
    from internvl.eval.ade20k_files import open_scene
    from internvl.eval.heads.segmenter import segment
    from internvl.eval.segmentation_views import whole_view

    image, labels = open_scene(scene, classes)
    pixels = whole_view(image, model.recipe, model.extractor.patch_size)
    own = SegmentationTotals(classes, reduce_zero_label=True)
    own.update(segment(model, pixels, (image.height, image.width)).numpy(), labels)
    known = bool(own.areas[2].any())
    extra = {AREAS: {str(index): own.areas[:, index].tolist() for index in range(classes) if own.areas[:, index].any()}}
    score = {"score": own.result()["mIoU"] / 100 if known else 0.0, "prediction": None}
    return Scored(id=scene.id, row=scene.row, answers=(), reference=None, extra=extra, score=score)


def _dense(areas: Mapping[str, Sequence[int]], classes: int) -> Any:
    """int64[3, classes] from the classes that occur."""
    import numpy as np

    dense = np.zeros((3, classes), dtype=np.int64)
    for index, column in areas.items():
        dense[:, int(index)] = column
    return dense


TASK = Ade20K
