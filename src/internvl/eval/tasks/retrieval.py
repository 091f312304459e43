"""Retrieval of pictures by captions and of captions by pictures: Flickr30K, COCO, their Chinese versions, and XTD in eight languages.

    captions --clean-up--> encode --> [Q, D]     pictures --encode, "squash"--> [P, D]     cosine -> recall at 1, 5, 10 both ways

Files, picture shape and clean-up are those of the CLIP benchmark as InternVL ran it (InternVL 1.0, section 4.3): pictures are squashed
to a square; captions are lower-cased and cleaned, XTD's are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from internvl.eval.caption_files import Captioned, read_caption_json, read_caption_lines, read_caption_list, read_coco_captions
from internvl.eval.embedding_task import EmbeddingProtocol, EmbeddingTask, Outcome, Work
from internvl.eval.errors import EvalError
from internvl.eval.image_folders import first_folder
from internvl.eval.readers import find_file
from internvl.eval.retrieval_scores import retrieve
from internvl.prompt.captions import cleaned_caption

FLICKR_PICTURES = ("flickr30k/Images", "flickr30k/images", "flickr30k/flickr30k-images")
COCO_FOLDERS = ("coco/val2014", "coco/train2014", "coco/test2015", "coco/images", "coco", "coco-cn", "mscoco_captions")
XTD_FOLDERS = ("multilingual_mscoco_captions", "xtd", "coco")
XTD_LISTS = ("multilingual_coco_images.txt", "test_image_names.txt")
XTD_LANGUAGES = ("en", "es", "fr", "zh", "it", "ko", "ru", "jp")

Reader = Callable[[Path, str, tuple[str, ...]], Captioned]


def flickr(root: Path, language: str, files: tuple[str, ...]) -> Captioned:
    """Lines of picture and caption."""
    del language
    return read_caption_lines(find_file(root, files), first_folder(root, FLICKR_PICTURES))


def coco(root: Path, language: str, files: tuple[str, ...]) -> Captioned:
    """COCO's caption JSON."""
    del language
    return read_coco_captions(find_file(root, files), [root / folder for folder in COCO_FOLDERS])


def xtd(root: Path, language: str, files: tuple[str, ...]) -> Captioned:
    """A list of 1,000 pictures and one of captions for each language, or the JSON that the CLIP benchmark makes of both."""
    folders = [root / parent / name for parent in XTD_FOLDERS for name in ("", "val2014", "train2014", "images")]
    for parent in XTD_FOLDERS:
        made = root / parent / f"multilingual_mscoco_captions-{language}.json"
        if made.is_file():
            return read_caption_json(made, folders)
    names = find_file(root, [f"{parent}/{name}" for parent in XTD_FOLDERS for name in XTD_LISTS])
    captions = find_file(root, [name.format(language) for name in files if name.endswith(".txt")])
    return read_caption_list(names, captions, folders)


@dataclass(frozen=True, kw_only=True)
class Retrieval(EmbeddingTask):
    """One set of captioned pictures. clean: whether captions are cleaned up before they are encoded."""

    name: str
    title: str
    read: Reader
    paths: tuple[str, ...]
    metric: str = "mean_recall"  # type: ignore[misc]
    languages: tuple[str, ...] = ("en",)
    clean: bool = True
    published: Mapping[str, str] = field(default_factory=dict)

    splits = ("test",)

    @property
    def files(self) -> Mapping[str, tuple[str, ...]]:  # type: ignore[override]
        """Where captions may lie."""
        return {"test": self.paths}

    @property
    def variants(self) -> Mapping[str, EmbeddingProtocol]:  # type: ignore[override]
        """One for each language."""
        note = "captions cleaned up" if self.clean else "captions as they are"
        return {language: EmbeddingProtocol(language=language, mode="squash", note=note) for language in self.languages}

    def hashed_files(self, split: str, variant: str) -> tuple[str, ...]:
        """The caption files of the language, and XTD's list of pictures."""
        del split
        lists = (f"{parent}/{name}" for parent in XTD_FOLDERS for name in XTD_LISTS) if self.read is xtd else ()
        return (*(path.format(variant) for path in self.paths), *lists)

    def evaluate(self, work: Work) -> Outcome:
        """Recall both ways."""
        if work.limit is not None and work.limit < 1:
            raise EvalError(f"a limit is at least 1 picture, not {work.limit}")
        protocol = self.variants[work.variant]
        whole = self.read(work.root, protocol.language, self.paths)
        captioned = whole.first(work.limit)
        texts = [cleaned_caption(text) if self.clean else text for text in captioned.captions]
        pictures, captions = work.encode(captioned.pictures, texts, mode=protocol.mode)
        return retrieve(captioned, pictures, captions, total=whole.queries)


_RETRIEVAL = (
    Retrieval(
        name="flickr30k_retrieval",
        title="Flickr30K retrieval",
        read=flickr,
        paths=("flickr30k/flickr30k_test_karpathy.txt",),
        published={"test": "Flickr30K retrieval"},
    ),
    Retrieval(
        name="coco_retrieval",
        title="COCO retrieval",
        read=coco,
        paths=("coco/coco_test_karpathy.json", "mscoco_captions/coco_test_karpathy.json"),
        published={"test": "COCO retrieval"},
    ),
    Retrieval(
        name="flickr30k_cn",
        title="Flickr30K-CN retrieval",
        read=flickr,
        languages=("zh",),
        paths=("flickr30k/flickr30k_cn_test.txt",),
        published={"test": "Flickr30K-CN retrieval"},
    ),
    Retrieval(
        name="coco_cn",
        title="COCO-CN retrieval",
        read=coco,
        languages=("zh",),
        paths=("coco/coco-cn_test.json", "coco-cn/coco-cn_test.json", "mscoco_captions/coco-cn_test.json"),
        published={"test": "COCO-CN retrieval"},
    ),
    Retrieval(
        name="xtd",
        title="XTD retrieval",
        read=xtd,
        languages=XTD_LANGUAGES,
        clean=False,
        metric="text_retrieval_recall@10",
        paths=tuple(
            f"{parent}/{name}"
            for parent in XTD_FOLDERS
            for name in ("multilingual_mscoco_captions-{}.json", "raw_multilingual_coco_captions_{}.txt", "test_1kcaptions_{}.txt")
        ),
        published={"test": "XTD retrieval"},
    ),
)
TASKS: dict[str, Retrieval] = {task.name: task for task in _RETRIEVAL}
