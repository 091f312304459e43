"""From records to examples: tiles, labels, stills, limits, and every reason for which a record is left out."""

from __future__ import annotations

import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import PIL.Image
import pytest
import torch

from internvl import Image
from internvl.checkpoint.checkpoint import read_config
from internvl.checkpoint.fields import read_json
from internvl.data.builder import ExampleBuilder, Measure
from internvl.data.config import DataConfig
from internvl.data.example import Example
from internvl.data.frames import CARD_FRAME_TAG, FrameDraw
from internvl.data.manifest import DatasetSpec
from internvl.data.record import MediaSource, Origin, Record, RecordError, Utterance
from internvl.errors import MediaError
from internvl.messages import Video, system, user
from internvl.processor import Processor
from internvl.prompt.tokenizer import load_tokenizer

FIXTURES = Path(__file__).parents[2] / "parity" / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
SPEC = DatasetSpec(name="set", annotation=Path("set.jsonl"), root=FIXTURES)
AUGMENTED = DatasetSpec(name="set", annotation=Path("set.jsonl"), root=FIXTURES, data_augment=True)


@cache
def processor(kind: str = KINDS[0]) -> Processor:
    config = read_config(read_json(FIXTURES / kind / "config.json"), "config.json")
    return Processor.of(config, load_tokenizer(FIXTURES / kind))


def builder(kind: str = KINDS[0], *, config: dict[str, Any] | None = None, **options: Any) -> ExampleBuilder:
    return ExampleBuilder(processor(kind), DataConfig(**(config or {})), **options)


def record(*texts: str, images: tuple[MediaSource, ...] = (), **fields: Any) -> Record:
    said = tuple(Utterance("user" if n % 2 == 0 else "assistant", text) for n, text in enumerate(texts))
    return Record(origin=Origin("set", "set.jsonl", 1), utterances=said, images=images, **fields)


def picture(number: int) -> Path:
    return FIXTURES / f"image{number}.png"


def learnt(example: Example, kind: str = KINDS[0], *, rejected: bool = False) -> str:
    labels = example.rejected_labels if rejected else example.labels
    assert labels is not None
    return processor(kind).tokenizer.decode(labels[labels != -100].tolist(), skip_special=False)


def shown(example: Example) -> str:
    text = processor().tokenizer.decode(example.ids.tolist(), skip_special=False)
    return text.replace("<IMG_CONTEXT>" * processor().tokens_per_tile, "[tile]")


def write_clip(path: Path, frames: int = 40) -> Path:
    """Frame n is grey of level 6n: its number can be read back from its pixels."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 64, 48, "yuv420p", 4_000_000
        for number in range(frames):
            grey = np.full((48, 64, 3), 6 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4")


@pytest.mark.parametrize("kind", KINDS)
def test_prompt_and_tiles_are_those_of_chat(kind: str) -> None:
    example = builder(kind).build(record("<image>\nWhat is this?", "A sign.", images=(picture(0),)), SPEC, seed=0)
    chat = processor(kind).prepare(user(Image(picture(0)), "\nWhat is this?"))
    answer_starts = int((example.labels != -100).nonzero()[0])
    assert example.ids[:answer_starts].tolist() == chat.ids.tolist()
    assert torch.equal(example.pixels, chat.pixels)
    assert "A sign." in learnt(example, kind)
    assert example.ids.dtype == example.labels.dtype == torch.int64


def test_the_models_system_message_is_trained_with() -> None:
    plain = processor()
    chatty = Processor(
        plain.tokenizer, plain.template, policy=plain.policy, tokens_per_tile=plain.tokens_per_tile, system_message="Be kind."
    )
    example = ExampleBuilder(chatty, DataConfig()).build(record("Q", "A"), SPEC, seed=0)
    assert shown(example).startswith("<|im_start|>system\nBe kind.<|im_end|>")


def test_a_systems_turn_stays_the_first() -> None:
    said = (Utterance("system", "Be brief."), Utterance("user", "Q"), Utterance("assistant", "A"))
    example = builder().build(Record(origin=Origin("s", "f", 1), utterances=said), SPEC, seed=0)
    chat = processor().prepare([system("Be brief."), user("Q")])
    assert example.ids[: chat.tokens].tolist() == chat.ids.tolist()
    assert (example.pixels, example.tiles, example.origin) == (None, 0, Origin("s", "f", 1))


@pytest.mark.parametrize(
    ("config_limit", "own_limit", "images"), [(12, None, 1), (6, None, 1), (12, 6, 2), (12, None, 5), (3, None, 5)]
)
def test_pictures_share_the_tile_limit(config_limit: int, own_limit: int | None, images: int) -> None:
    share = max(1, (own_limit or config_limit) // images)
    spec = DatasetSpec(name="set", annotation=Path("a"), root=FIXTURES, max_tiles=own_limit)
    sources = tuple(picture(number) for number in range(images))
    example = builder(config={"max_tiles": config_limit}).build(record("<image>\n" * images + "Q", "A", images=sources), spec, seed=0)
    policy = processor().policy.with_max_tiles(share)
    grids = [policy.grid(*PIL.Image.open(source).size) for source in sources]
    assert all(grid.tiles <= share for grid in grids)
    assert example.tiles == sum(grid.tiles + (grid.tiles > 1) for grid in grids)


def test_pictures_are_opened_as_in_chat(tmp_path: Path) -> None:
    """The EXIF orientation is honoured, and sizes that the record tells are not believed."""
    turned = PIL.Image.open(picture(0)).convert("RGB").crop((0, 0, 120, 40))
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.jpg", exif=exif)
    item = record("<image>\nQ", "A", images=(tmp_path / "turned.jpg",), sizes=((120, 40),))
    example = builder().build(item, SPEC, seed=0)
    assert torch.equal(example.pixels, processor().prepare(user(Image(tmp_path / "turned.jpg"), "Q")).pixels)
    assert builder().measure(item, SPEC).tiles == example.tiles


def test_pixels_follow_the_marks_not_the_kinds(clip: Path) -> None:
    item = record("<video>\nthen <image>", "A", images=(picture(0),), videos=(clip,))
    example = builder(config={"video_frames": (2, 2)}).build(item, SPEC, seed=1)
    chat = processor().prepare(user(Image(picture(0))))
    assert torch.equal(example.pixels[2:], chat.pixels)
    assert torch.equal(example.pixels[0, 0].std(), torch.tensor(0.0)) or example.pixels[0, 0].std() < 0.05  # a grey still


def records(clip: Path) -> list[Record]:
    bytes_of_image = picture(3).read_bytes()
    return [
        record("Q", "A"),
        record("<image>\nQ", "A", "Q2", "A2", images=(picture(4),)),
        record("<image><image>", "A", images=(picture(0), bytes_of_image)),
        record("<video>\nQ", "A", videos=(clip,)),
        record("<video> and\n<video>", "A", videos=(clip, clip), clip=(1.0, 2.0)),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_measuring_is_building(kind: str, clip: Path) -> None:
    ours = builder(kind, config={"video_frames": (2, 12)})
    for item in records(clip):
        for seed in (0, 1, 2):
            example = ours.build(item, SPEC, seed=seed)
            assert ours.measure(item, SPEC, seed=seed) == Measure(example.tokens, example.tiles)
            assert int((example.ids == processor(kind).placeholder_id).sum()) == example.tiles * processor(kind).tokens_per_tile
            most = ours.measure(item, SPEC)
            assert most.tokens >= example.tokens
            assert (most == Measure(example.tokens, example.tiles)) or item.videos


def test_measuring_decodes_nothing(tmp_path: Path) -> None:
    """A picture whose end is missing can be measured, but not built."""
    whole = picture(4).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    item = record("<image>", "A", images=(tmp_path / "cut.png",))
    assert builder().measure(item, SPEC).tiles > 1
    with pytest.raises(RecordError, match=r"cut\.png"):
        builder().build(item, SPEC, seed=0)


def test_stills_stand_in_lines_of_their_own(clip: Path) -> None:
    item = record("<video>\nWhat happens?", "A", videos=(clip,))
    trained = builder(config={"video_frames": (2, 2)}).build(item, SPEC, seed=0)
    assert "user\nFrame-1: <img>[tile]</img>\nFrame-2: <img>[tile]</img>\nWhat happens?<|im_end|>" in shown(trained)
    as_in_chat = builder(config={"video_frames": (2, 2)}, frame_tag=CARD_FRAME_TAG).build(item, SPEC, seed=0)
    chat = processor().prepare(user(Video(clip, frames=2), "What happens?"))
    assert as_in_chat.ids[: chat.tokens].tolist() == chat.ids.tolist()


def still_numbers(example: Example) -> list[int]:
    """Which frames of the clip the stills are, from their grey."""
    red = example.pixels[:, 0].mean(dim=(1, 2)) * 0.229 + 0.485
    return [round(float(value) * 255 / 6) for value in red]


def test_the_seed_decides_how_many_stills_and_which(clip: Path) -> None:
    ours, item = builder(config={"video_frames": (3, 9)}), record("<video>\nQ", "A", videos=(clip,))
    examples = [ours.build(item, SPEC, seed=seed) for seed in range(12)]
    numbers = [still_numbers(example) for example in examples]
    assert numbers[0] == still_numbers(ours.build(item, SPEC, seed=0))
    assert all(found == sorted(set(found)) and 3 <= len(found) <= 9 for found in numbers)
    assert len({len(found) for found in numbers}) > 3
    assert len({tuple(found) for found in numbers}) == 12


def test_a_part_of_a_clip_and_its_middles(clip: Path) -> None:
    ours = builder(config={"video_frames": (2, 2)}, frame_method="middle")
    item = record("<video>\nQ", "A", videos=(clip,), clip=(1.0, 2.9))
    assert still_numbers(ours.build(item, SPEC, seed=0)) == [14, 24]


def test_a_short_clip_gives_each_frame_once(clip: Path, tmp_path: Path) -> None:
    item = record("<video>\nQ", "A", videos=(write_clip(tmp_path / "short.mp4", frames=3),))
    assert still_numbers(builder(config={"video_frames": (8, 8)}).build(item, SPEC, seed=0)) == [0, 1, 2]


def test_a_folder_of_frames(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        PIL.Image.new("RGB", (30, 20), (6 * number,) * 3).save(tmp_path / f"clip_{number}.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    item = record("<video>\nQ", "A", videos=(tmp_path,))
    ours = builder(config={"video_frames": (3, 3)})
    assert still_numbers(ours.build(item, SPEC, seed=0)) == [1, 2, 10]
    assert ours.measure(item, SPEC).tiles == 3
    with pytest.raises(RecordError, match="folder of frames, which have no times"):
        ours.build(record("<video>", "A", videos=(tmp_path,), clip=(0.0, 1.0)), SPEC, seed=0)


def test_every_frame_can_be_drawn() -> None:
    """Both ends of each stretch too; ten frames in three stretches of 3, 3 and 4."""
    drawn = [FrameDraw(limits=(3, 3), seed=str(seed)).indices(10, 1.0) for seed in range(200)]
    assert [sorted({indices[place] for indices in drawn}) for place in range(3)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8, 9]]
    assert {len(FrameDraw(limits=(8, 11), seed=str(seed)).indices(100, 1.0)) for seed in range(100)} == {8, 9, 10, 11}


def test_a_part_that_a_clip_does_not_have() -> None:
    draw = FrameDraw(limits=(3, 3), seed="", clip=(9.0, 12.0))
    assert draw.indices(100, 10.0)[0] >= 90
    with pytest.raises(MediaError, match=r"8\.00 s long: 9 s to 12 s holds none"):
        draw.indices(80, 10.0)
    with pytest.raises(MediaError, match="0 frames"):
        draw.indices(0, 10.0)


def test_augmentation_is_for_data_sets_that_ask_for_it() -> None:
    item = record("<image>\n<image>", "A", images=(picture(0), picture(0)))
    plain, first, again, other = (
        builder().build(item, spec, seed=seed).pixels for spec, seed in ((SPEC, 0), (AUGMENTED, 0), (AUGMENTED, 0), (AUGMENTED, 1))
    )
    assert torch.equal(plain, builder().build(item, SPEC, seed=1).pixels)
    assert torch.equal(first, again)
    assert not torch.equal(first, plain)
    assert not torch.equal(first, other)
    assert not torch.equal(*first.chunk(2))  # each picture has a quality of its own
    assert first.shape == plain.shape


def test_a_worse_answer() -> None:
    item = record("<image>\nQ1", "A1", "Q2", "good", images=(picture(0),), rejected="bad answer")
    example = builder(preference=True).build(item, SPEC, seed=0)
    assert (learnt(example), learnt(example, rejected=True)) == ("good<|im_end|>", "bad answer<|im_end|>")
    start = int((example.labels != -100).nonzero()[0])
    assert torch.equal(example.ids[:start], example.rejected_ids[:start])
    assert builder().build(item, SPEC, seed=0).rejected_ids is None
    # Both answers must fit into a pack, so the longer one counts.
    assert builder(preference=True).measure(item, SPEC) == Measure(len(example.rejected_ids), example.tiles)
    assert len(example.rejected_ids) > example.tokens


def test_too_long_is_refused_never_cut() -> None:
    item = record("<image>\nQ", "A", images=(picture(0),))
    tokens = builder().build(item, SPEC, seed=0).tokens
    assert builder(config={"max_tokens": tokens}).build(item, SPEC, seed=0).tokens == tokens
    for call in (lambda short: short.measure(item, SPEC), lambda short: short.build(item, SPEC, seed=0)):
        with pytest.raises(RecordError, match=f"^{tokens} tokens, limit {tokens - 1}$"):
            call(builder(config={"max_tokens": tokens - 1}))
    worse = record("Q", "A", rejected="A much longer answer than the other one")
    with pytest.raises(RecordError, match="tokens, limit 75"):
        builder(config={"max_tokens": 75}, preference=True).build(worse, SPEC, seed=0)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (record("<image>", "A", images=(Path("none.png"),)), r"none\.png.*No such file"),
        (record("<image>", "A", images=(b"no picture",)), "image 1.*no known format"),
        (record("<video>", "A", videos=(Path("none.mp4"),)), r"none\.mp4.*No such file"),
        (record("<video>", "A", videos=(b"no clip",)), "video 1"),
        (record("Q", "A", images=(picture(0),)), "0 <image> marks, but 1 pictures"),
        (record("<image> <image>", "A", images=(picture(0),)), "2 <image> marks, but 1 pictures"),
        (record("<video>", "A"), "1 <video> marks, but 0 videos"),
        (record("Q"), "must end with an answer"),
        (record("Q", "  "), "answer 1 of the conversation is empty"),
        (record("Q\ud800", "A"), "surrogate"),
    ],
)
def test_what_can_not_be_used(item: Record, reason: str) -> None:
    for call in (lambda ours: ours.build(item, SPEC, seed=0), lambda ours: ours.measure(item, SPEC)):
        with pytest.raises(RecordError, match=reason):
            call(builder())


def test_preference_needs_two_answers() -> None:
    with pytest.raises(RecordError, match="no rejected answer"):
        builder(preference=True).build(record("Q", "A"), SPEC, seed=0)


@pytest.mark.parametrize("kind", KINDS)
def test_pickling(kind: str) -> None:
    item = record("<image>\nQ 你好", "A\n好", images=(picture(0),))
    ours, copy = builder(kind), pickle.loads(pickle.dumps(builder(kind)))
    mine, theirs = ours.build(item, AUGMENTED, seed=3), copy.build(item, AUGMENTED, seed=3)
    assert torch.equal(mine.ids, theirs.ids)
    assert torch.equal(mine.pixels, theirs.pixels)


def length_elsewhere(ours: ExampleBuilder, item: Record) -> tuple[int, float]:
    torch.set_num_threads(1)  # as in a loader's worker: OpenMP's threads don't survive a fork
    example = ours.build(item, AUGMENTED, seed=5)
    return example.tokens, float(example.pixels.sum())


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_build_the_same(method: str) -> None:
    item = record("<image>\nQ", "A", images=(picture(0),))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert pool.submit(length_elsewhere, builder(), item).result(timeout=120) == length_elsewhere(builder(), item)
