"""The text of every benchmark's questions, literally, the place of its pictures, its tiles and its answer length."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_files import FORMS, drawn

from internvl.eval.kinds import layout, prompts
from internvl.eval.sample import Sample
from internvl.eval.tasks import task_named
from internvl.media.image import image_size
from internvl.messages import Image, Message

EVALKIT = ("vlmevalkit-2024", "vlmevalkit")
ALL = ("internvl", *EVALKIT)
SHORT = "Answer the question using a single word or phrase."
LETTER = "Answer with the option's letter from the given choices directly."
LETTER_CN = "请直接回答选项字母。"


def written(message: Message) -> str:
    """The message with `<image>` for each picture, as the original's templates write it."""
    return "".join(part if isinstance(part, str) else "<image>" for part in message.parts)


def read(name: str, form: str, variant: str, root: Path) -> list[Sample]:
    FORMS[name][form](root)
    task = task_named(name)
    return list(task.samples(root, task.splits[0], variant))


def first(name: str, form: str, variant: str, root: Path) -> str:
    return written(read(name, form, variant, root)[0].messages[-1])


@pytest.mark.parametrize("name", ["docvqa", "infovqa", "ocrvqa"])
def test_short_questions(name: str, tmp_path: Path) -> None:
    assert first(name, "jsonl", "internvl", tmp_path) == f"<image>\nWhat is the total? {SHORT}"
    for variant in EVALKIT:
        assert first(name, "tsv", variant, tmp_path) == f"<image>\nWhat is the total?\n{SHORT}"


def test_chartqa_and_textvqa(tmp_path: Path) -> None:
    assert first("chartqa", "jsonl", "internvl", tmp_path) == f"<image>\nHow many? {SHORT}"
    assert first("chartqa", "tsv", "vlmevalkit", tmp_path) == f"<image>\nHow many?\n{SHORT}"
    assert first("textvqa", "annotated", "internvl", tmp_path) == f"<image>\nWhat is the total? {SHORT}"
    assert first("textvqa", "tsv", "vlmevalkit", tmp_path) == f"<image>\nWhat is the total?\n{SHORT}"


def test_ocrbench(tmp_path: Path) -> None:
    for variant in EVALKIT:
        assert first("ocrbench", "tsv", variant, tmp_path) == f"<image>\nWhat is written?\n{SHORT}"


def test_questions_that_hold_their_options_are_asked_as_they_are(tmp_path: Path) -> None:
    ready = f"<image>\nWhat is it?\nA. a dog\nB. two cats\n{LETTER}"
    assert first("ai2d", "jsonl", "internvl", tmp_path) == ready
    assert first("seed", "jsonl", "internvl", tmp_path) == ready


@pytest.mark.parametrize(("name", "variant"), [("realworldqa", "vlmevalkit"), ("ai2d", "vlmevalkit-2024"), ("seed", "vlmevalkit")])
def test_options_as_vlmevalkit_lists_them(name: str, variant: str, tmp_path: Path) -> None:
    asked = [written(sample.messages[-1]) for sample in read(name, "tsv", variant, tmp_path)]
    assert asked == [
        f"<image>\nWhat is it?\nA. a dog\nB. two cats\nC. bird\nD. nothing\n{LETTER}",
        f"<image>\nLook up.\nLit?\nA. on\nB. off\n{LETTER}",
        f"<image>\n图中是什么?\nA. 猫\nB. 狗\n{LETTER_CN}",
    ]


@pytest.mark.parametrize(
    ("name", "variant", "tail"),
    [
        *(("mmbench_en", variant, LETTER) for variant in ALL),
        ("mmbench_cn", "internvl", LETTER_CN),
        ("ccbench", "internvl", LETTER_CN),
        ("mmbench_cn", "vlmevalkit", LETTER),
        ("ccbench", "vlmevalkit-2024", LETTER),
    ],
)
def test_the_original_chooses_the_language_by_benchmark_and_vlmevalkit_by_text(
    name: str, variant: str, tail: str, tmp_path: Path
) -> None:
    asked = [written(sample.messages[-1]) for sample in read(name, "original", variant, tmp_path)]
    assert asked[0] == f"<image>\nLook.\nWhat is it?\nA. a dog\nB. two cats\nC. bird\nD. nothing\n{tail}"
    assert asked[1] == f"<image>\nLook.\nWhat is it?\nA. nothing\nB. a dog\nC. two cats\nD. bird\n{tail}"
    assert asked[-1] == f"<image>\nIs it on?\nA. off\nB. on\n{tail}"


def test_mmbench_takes_options_to_e_in_the_original_and_all_in_vlmevalkit() -> None:
    options = {letter: letter.lower() for letter in "ABCDEF"}
    assert prompts.letter_internvl("q", "", options, chinese=False) == f"q\nA. a\nB. b\nC. c\nD. d\nE. e\n{LETTER}"
    assert prompts.letter_evalkit("q", "", options) == f"q\nA. a\nB. b\nC. c\nD. d\nE. e\nF. f\n{LETTER}"
    assert prompts.letter_evalkit("q", "h", {}) == "h\nq\nAnswer the question directly."
    assert prompts.letter_evalkit("几个?", "", {}) == "几个?\n请直接回答问题。"


def test_yes_or_no(tmp_path: Path) -> None:
    for form, variant in (("folder", "internvl"), ("tsv", "vlmevalkit-2024"), ("tsv", "vlmevalkit")):
        assert first("mme", form, variant, tmp_path / form) == f"<image>\nIs it Yes? Please answer yes or no. {SHORT}"
    samples = read("hallusionbench", "tsv", "vlmevalkit", tmp_path)
    assert written(samples[0].messages[-1]) == f"<image>\nIs 0 right? Please answer yes or no. {SHORT}"
    assert written(samples[3].messages[-1]) == f"Is 3 right? Please answer yes or no. {SHORT}", "a question without a picture"


@pytest.mark.parametrize("form", ["folder", "tsv"])
def test_mmmu_in_the_original(form: str, tmp_path: Path) -> None:
    style, compare, count = read("mmmu", form, "internvl", tmp_path)
    assert written(style.messages[-1]) == f"<image>\n<image 1> Which style?\nA. Cubism\nB. Fauvism\n{LETTER}"
    assert written(compare.messages[-1]) == f"<image><image>\nCompare <image 2> with <image 1>.\nA. same\nB. other\n{LETTER}"
    assert written(count.messages[-1]) == f"<image>\nHow many in <image 1>?\n{SHORT}"
    assert [picture.max_tiles for picture in compare.messages[-1].media] == [None, 1]


@pytest.mark.parametrize("form", ["folder", "tsv"])
def test_mmmu_in_vlmevalkit(form: str, tmp_path: Path) -> None:
    for variant, header in (
        ("vlmevalkit-2024", "<image-1>: <image> <image-2>: <image>\nCompare <image-1> with <image-2>."),
        ("vlmevalkit", "Image-1: <image>\nImage-2: <image>\nCompare <Image-1> with <Image-2>."),
    ):
        style, compare, count = read("mmmu", form, variant, tmp_path / variant)
        assert written(style.messages[-1]) == f"<image>\n\n Which style?\nA. Cubism\nB. Fauvism\n{LETTER}"
        assert written(compare.messages[-1]) == f"{header}\nA. same\nB. other\n{LETTER}"
        assert written(count.messages[-1]) == "<image>\nHow many in \n?\nAnswer the question directly."


def test_mmmu_doubles_the_first_picture_of_the_order_it_is_shown_in(tmp_path: Path) -> None:
    sizes = {}
    for variant in ALL:
        compare = read("mmmu", "folder", variant, tmp_path / variant)[1]
        sizes[variant] = [image_size(picture.source) for picture in compare.messages[-1].media]
    # image_1 is 40 x 30, image_2 is 50 x 20; VLMEvalKit shows them in the order of the marks, <image 2> first.
    assert sizes == {"internvl": [(80, 60), (50, 20)], "vlmevalkit-2024": [(100, 40), (40, 30)], "vlmevalkit": [(100, 40), (40, 30)]}


def test_headers_of_many_pictures() -> None:
    pictures = [Image(drawn(str(number))) for number in range(3)]
    assert written(layout.cited_2024(pictures, "All.")) == (
        "<image-1>: <image> <image-2>: <image> <image-3>: <image>\nAll.<image-1><image-2><image-3>"
    )
    assert written(layout.cited_head(pictures, "All.")) == "Image-1: <image>\nImage-2: <image>\nImage-3: <image>\nAll."
    assert layout.in_order_of_marks(pictures, "<image 3> and <image 1>, <image 3>") == (pictures[2], pictures[0], pictures[2])
    with pytest.raises(IndexError):
        layout.in_order_of_marks(pictures, "<image 4>")


@pytest.mark.parametrize(("pictures", "limits"), [(1, None), (5, None), (6, 10), (7, 9)])
def test_today_pictures_share_64_tiles(pictures: int, limits: int | None) -> None:
    shared = layout.share_tiles([Image("a.png")] * pictures, 12)
    assert {picture.max_tiles for picture in shared} == {limits}


@pytest.mark.parametrize(
    ("name", "internvl", "evalkit_2024", "evalkit"),
    [
        ("docvqa", (18, 100), 18, 18),
        ("chartqa", (12, 100), 12, 12),
        ("infovqa", (24, 100), 24, 24),
        ("textvqa", (6, 10), 6, 6),
        ("ai2d", (6, 10), 6, 6),
        ("ocrvqa", (6, 100), 6, 12),
        ("ocrbench", None, 24, 24),
        ("mme", (6, 20), 6, 6),
        ("mmmu", (6, 10), 12, 12),
        ("mmbench_en", (6, 100), 6, 6),
        ("mmbench_cn", (6, 100), 6, 6),
        ("ccbench", (6, 100), 6, 6),
        ("seed", (6, 100), 6, 6),
        ("realworldqa", None, 6, 6),
        ("hallusionbench", None, 6, 6),
    ],
)
def test_tiles_and_answer_lengths(name: str, internvl: tuple[int, int] | None, evalkit_2024: int, evalkit: int) -> None:
    variants = task_named(name).variants
    expected = {"vlmevalkit-2024": (evalkit_2024, 1024), "vlmevalkit": (evalkit, 4096)}
    expected = expected if internvl is None else {"internvl": internvl, **expected}
    assert {key: (each.max_tiles, each.decoding.max_new_tokens) for key, each in variants.items()} == expected
    assert next(iter(variants)) == ("vlmevalkit-2024" if internvl is None else "internvl"), "what the published number was made with"
    assert all(each.dynamic and each.decoding.num_beams == 1 and each.decoding.temperature == 0 for each in variants.values())
