"""Zero-shot classification of pictures: ImageNet, its variants A, R, V2, Sketch, and ObjectNet, in five languages.

    pictures --encode, "crop"--> [n, D]      class names x templates --encode--> [C, D]      100 x cosine -> acc1, acc5, per class

Files, prompts and the choice of classes are those of the CLIP benchmark with InternVL's additions (InternVL 1.0, section 4.3; Radford
et al. 2021 for templates). ImageNet-A and -R compare with their own 200 classes only, ObjectNet with the 113 it shares with ImageNet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from internvl.eval.class_prompts import LANGUAGES, Prompts, class_weights, prompt_files, read_class_names, read_templates
from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Outcome, Picture, Work, first
from internvl.eval.errors import BenchmarkFileError
from internvl.eval.image_folders import class_folders, first_folder, pictures_by_class
from internvl.eval.imagenet_classes import FOLDERS, TABLES, pictures_of
from internvl.eval.readers import find_file, read_json
from internvl.eval.zero_shot import classify, single_label

SET = "imagenet1k"
OBJECTS = ("objectnet-1.0/images", "objectnet-1.0/objectnet-1.0/images", "objectnet/images")
MAPPINGS = ("objectnet-1.0/mappings/", "objectnet-1.0/", "objectnet-1.0/objectnet-1.0/mappings/", "objectnet/mappings/")
OWN_CLASSES = ("imagenet_a", "imagenet_r")


@dataclass(frozen=True, kw_only=True)
class ZeroShotImages(EmbeddingTask):
    """One set of pictures. `published` and `languages` are rows of the published tables."""

    name: str
    title: str
    languages: tuple[str, ...] = ("en",)
    published: Mapping[str, str] = field(default_factory=dict)

    splits = ("test",)
    metric = "acc1"

    @property
    def files(self) -> Mapping[str, tuple[str, ...]]:  # type: ignore[override]
        """The folder of pictures, then tables of classes, names and templates."""
        objects = self.name == "objectnet"
        folders = OBJECTS if objects else FOLDERS[self.name]
        tables = tuple(f"{place}objectnet_to_imagenet_1k.json" for place in MAPPINGS) if objects else TABLES
        prompts = (prompt_files(kind, *self.languages) for kind in ("classnames", "zeroshot_classification_templates"))
        return {"test": (*folders, *tables, *(name for names in prompts for name in names))}

    @property
    def variants(self) -> Mapping[str, EmbeddingProtocol]:  # type: ignore[override]
        """One for each language, English first."""
        return {language: EmbeddingProtocol(language=language, mode="crop") for language in self.languages}

    def evaluate(self, work: Work) -> Outcome:
        """Top-1, top-5 and the mean recall of the classes."""
        protocol = self.variants[work.variant]
        pictures, prompts = self._read(work.root, protocol.language)
        chosen = first(pictures, work.limit)
        images, texts = work.encode(chosen, prompts.sentences(), mode=protocol.mode)
        return classify(chosen, images, class_weights(texts, len(prompts.names)), prompts.names, total=len(pictures))

    def _read(self, root: Path, language: str) -> tuple[list[Picture], Prompts]:
        if self.name == "objectnet":
            return object_net(root, language)
        prompts = Prompts(read_class_names(root, language, SET), read_templates(root, language, SET))
        pictures = pictures_of(root, self.name, len(prompts.names))
        return only_own_classes(pictures, prompts) if self.name in OWN_CLASSES else (pictures, prompts)


def only_own_classes(pictures: list[Picture], prompts: Prompts) -> tuple[list[Picture], Prompts]:
    """The same with no other classes to choose from than those that occur."""
    own = sorted({single_label(picture) for picture in pictures})
    places = {label: place for place, label in enumerate(own)}
    return [replace(picture, label=places[single_label(picture)]) for picture in pictures], prompts.only(own)


def object_net(root: Path, language: str) -> tuple[list[Picture], Prompts]:
    """The folders of ObjectNet that the published mapping gives an ImageNet class, by its own lower-cased names."""
    folder = first_folder(root, OBJECTS)
    names = _object_names(root)
    wanted = [name for name in class_folders(folder) if name in names]
    if not wanted:
        raise BenchmarkFileError(f"{folder}: no folder is named in the published mapping to ImageNet's classes")
    prompts = Prompts(tuple(names[name].lower() for name in wanted), read_templates(root, language, "objectnet"))
    return pictures_by_class(folder, {name: place for place, name in enumerate(wanted)}), prompts


def _object_names(root: Path) -> dict[str, str]:
    """Folder -> ObjectNet's name, for the classes that ImageNet has too."""
    labels = _object(find_file(root, [f"{place}folder_to_objectnet_label.json" for place in MAPPINGS]))
    shared = _object(find_file(root, [f"{place}objectnet_to_imagenet_1k.json" for place in MAPPINGS]))
    folders = {label: folder for folder, label in labels.items()}
    if lost := sorted(name for name in shared if name not in folders):
        raise BenchmarkFileError(f"below {root}: ObjectNet's mappings disagree, {lost[0]!r} has no folder, and {len(lost) - 1} more")
    return {folders[name]: name for name in shared}


def _object(path: Path) -> dict[str, Any]:
    values = read_json(path)
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise BenchmarkFileError(f"{path}: an object of texts is expected")
    return values


_ZERO_SHOT = (
    ZeroShotImages(
        name="imagenet",
        title="ImageNet-1K zero-shot",
        languages=tuple(LANGUAGES),
        published={"test": "ImageNet-1K zero-shot"}
        | {f"test/{language}": f"ImageNet-1K zero-shot {language.upper()}" for language in LANGUAGES if language != "en"},
    ),
    *(
        ZeroShotImages(name=name, title=f"{title} zero-shot", published={"test": f"{title} zero-shot"})
        for name, title in (
            ("imagenet_a", "ImageNet-A"),
            ("imagenet_r", "ImageNet-R"),
            ("imagenet_v2", "ImageNet-V2"),
            ("imagenet_sketch", "ImageNet-Sketch"),
            ("objectnet", "ObjectNet"),
        )
    ),
)
TASKS: dict[str, ZeroShotImages] = {task.name: task for task in _ZERO_SHOT}
