"""From messages to model inputs, and what they cost before a pixel is opened."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest
import torch

from internvl import Image, Video
from internvl.checkpoint.checkpoint import read_config
from internvl.checkpoint.fields import read_json
from internvl.errors import ConfigError, MediaError, PlaceholderCountError, PromptError
from internvl.media.tiling import TilePolicy
from internvl.messages import assistant, system, user
from internvl.processor import Processor, Tiled, compose, frame_labels, policy_of
from internvl.prompt.tokenizer import load_tokenizer

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
FOLDER = FIXTURES / "internvl2-qwen2"
CONFIG = read_config(read_json(FOLDER / "config.json"), "config.json")
TOKENS = CONFIG.tokens_per_tile


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor.of(CONFIG, load_tokenizer(FOLDER))


def picture(number: int, **options: int) -> Image:
    return Image(FIXTURES / f"image{number}.png", **options)


def prompt(processor: Processor, question: object) -> str:
    """The prompt as text, each run of placeholders as its length."""
    text = processor.tokenizer.decode(processor.prepare(question).ids.tolist(), skip_special=False)
    parts = text.split("<IMG_CONTEXT>")
    shown, run = parts[0], 0
    for part in parts[1:]:
        run += 1
        if part:
            shown, run = f"{shown}[{run}]{part}", 0
    return shown


def last_turn(processor: Processor, question: object) -> str:
    return prompt(processor, question).rpartition("<|im_start|>user\n")[2].partition("<|im_end|>")[0]


def test_one_picture_stands_in_front(processor: Processor) -> None:
    tiles = processor.count(user(picture(0))).media[0].tiles
    assert last_turn(processor, compose("Hi", [picture(0)])) == f"<img>[{TOKENS * tiles}]</img>\nHi"


def test_several_pictures_are_numbered(processor: Processor) -> None:
    counts = [TOKENS * processor.count(user(picture(i))).media[0].tiles for i in (0, 3)]
    expected = f"Image-1: <img>[{counts[0]}]</img>\nImage-2: <img>[{counts[1]}]</img>\nHi"
    assert last_turn(processor, compose("Hi", [picture(0), picture(3)])) == expected


def test_marks_say_where_pictures_go(processor: Processor) -> None:
    small = [picture(0, max_tiles=1), picture(1, max_tiles=1)]
    assert last_turn(processor, compose("a <image> b<image>", small)) == f"a <img>[{TOKENS}]</img> b<img>[{TOKENS}]</img>"


def test_whole_conversation(processor: Processor) -> None:
    messages = [system("Be brief."), user(picture(0, max_tiles=1), "\nHi"), assistant("Hello"), user("Why?")]
    assert prompt(processor, messages) == (
        f"<|im_start|>system\nBe brief.<|im_end|><|im_start|>user\n<img>[{TOKENS}]</img>\nHi<|im_end|>"
        "<|im_start|>assistant\nHello<|im_end|><|im_start|>user\nWhy?<|im_end|><|im_start|>assistant\n"
    )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.gif"
    frames = [PIL.Image.new("RGB", (120, 60), (20 * i, 0, 90)) for i in range(6)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100)
    return path


def test_a_clip_is_lines_of_frames(processor: Processor, clip: Path) -> None:
    still = f"<img>[{TOKENS}]</img>\n"
    expected = f"Frame1: {still}Frame2: {still}Hi"
    assert last_turn(processor, compose("Hi", [Video(clip, frames=2)])) == expected
    assert last_turn(processor, compose("<video>\nHi", [Video(clip, frames=2)])) == expected
    assert last_turn(processor, compose("<video>Hi", [Video(clip, frames=2)])) == expected
    assert frame_labels(2) == ("Frame1: ", "Frame2: ")


def test_several_clips_are_named(processor: Processor, clip: Path) -> None:
    still = f"<img>[{TOKENS}]</img>\n"
    two = compose("Hi", [Video(clip, frames=1), Video(clip, frames=1)])
    assert last_turn(processor, two) == f"Video-1:\nFrame1: {still}Video-2:\nFrame1: {still}Hi"


def test_stills_of_several_tiles(processor: Processor, clip: Path) -> None:
    message = compose("Hi", [Video(clip, frames=2, max_tiles=4)])
    counted = processor.count(message)
    assert {item.grid for item in counted.media} == {"2x1"}
    assert counted.visual == processor.prepare(message).visual_tokens == 2 * 3 * TOKENS


def test_counting_opens_no_pixel(processor: Processor, tmp_path: Path) -> None:
    whole = picture(4).source.read_bytes()
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[: len(whole) // 2])
    message = compose("Hi", [Image(cut)])
    assert processor.count(message).total == processor.count(compose("Hi", [picture(4)])).total
    with pytest.raises(MediaError):
        processor.prepare(message)


def test_counts_equal_what_is_prepared(processor: Processor, clip: Path) -> None:
    for media in ([], [picture(0)], [picture(0), picture(1), Video(clip, frames=3)], [picture(2, max_tiles=2)]):
        counted, inputs = processor.count(compose("Hi", media)), processor.prepare(compose("Hi", media))
        assert (counted.total, counted.visual) == (inputs.tokens, inputs.visual_tokens)
        assert counted.text + counted.visual == counted.total
        assert sum(item.tiles for item in counted.media) == inputs.tiles == len(inputs.tile_keys)


def test_a_budget_is_shared(processor: Processor) -> None:
    budget = processor.with_policy(TilePolicy(tile_size=56, max_tiles=12, budget=6))
    alone = budget.count(compose("Hi", [picture(4)])).media[0].tiles
    three = compose("Hi", [picture(4), picture(4), picture(4)])
    shared = [item.tiles for item in budget.count(three).media]
    assert max(shared) < alone
    assert budget.prepare(three).tiles == sum(shared) <= 6


def test_pictures_are_cut_once(processor: Processor) -> None:
    image = picture(0)
    tiled: dict[int, Tiled] = {}
    first = processor.prepare(user(image, "Hi"), tiled=tiled)
    kept = tiled[id(image)]
    again = processor.prepare([user(image, "Hi"), assistant("Hello"), user("Why?")], tiled=tiled)
    assert tiled[id(image)] is kept
    assert again.tile_keys == first.tile_keys
    assert torch.equal(again.pixels, first.pixels)


def test_equal_tiles_have_equal_keys_whatever_they_came_from(processor: Processor) -> None:
    path = FIXTURES / "image0.png"
    by_path, by_bytes = (processor.prepare(user(Image(source))) for source in (path, path.read_bytes()))
    other = processor.prepare(user(picture(1)))
    assert by_path.tile_keys == by_bytes.tile_keys
    assert set(by_path.tile_keys).isdisjoint(other.tile_keys)


def test_the_policy_of_a_checkpoint() -> None:
    policy = policy_of(CONFIG)
    assert (policy.tile_size, policy.min_tiles, policy.max_tiles, policy.thumbnail) == (56, 1, 12, True)


def test_what_does_not_fit_the_model(processor: Processor) -> None:
    with pytest.raises(ConfigError, match="448 px"):
        processor.with_policy(TilePolicy())
    with pytest.raises(ConfigError, match="448 px"):
        Processor.of(CONFIG, processor.tokenizer, policy=TilePolicy())
    with pytest.raises(ConfigError, match="2613 entries"):
        Processor.of(CONFIG, load_tokenizer(FIXTURES / "internvl2-phi3"))


def test_wrong_counts_and_wrong_things(processor: Processor) -> None:
    with pytest.raises(PlaceholderCountError):
        compose("<image><image>", [picture(0)])
    with pytest.raises(PlaceholderCountError, match="0 <video> marks, but 1 videos"):
        compose("<image>", [picture(0), Video("a.mp4")])
    with pytest.raises(PromptError, match="as str"):
        compose("Hi", ["a.png"])  # type: ignore[list-item]
    with pytest.raises(PromptError, match="not dict"):
        processor.prepare([{"role": "user"}])  # type: ignore[list-item]
    with pytest.raises(PromptError, match="end with a user"):
        processor.prepare([])
