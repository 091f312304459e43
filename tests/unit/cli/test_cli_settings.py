"""`--set` and the files named on the command line."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from internvl.cli.attachments import attach, clip_fields
from internvl.cli.console import UsageError
from internvl.cli.settings import parse_settings, policy_with
from internvl.errors import ConfigError, MediaError
from internvl.media.tiling import TilePolicy
from internvl.messages import Image, Video


def test_values_take_the_type_of_their_field() -> None:
    values = parse_settings(["max_new_tokens=5", "temperature=1", "seed=none", "show_marks=yes", "budget=24", "fps=0.5"])
    assert values.sampling == {"max_new_tokens": 5, "temperature": 1.0, "seed": None, "show_marks": True}
    assert isinstance(values.sampling["temperature"], float)
    assert values.policy == {"budget": 24}
    assert values.clip == {"fps": 0.5}


def test_every_stop_string_is_kept_and_the_last_other_value_counts() -> None:
    values = parse_settings(["stop=a=b", "stop=\n", "top_k=1", "top_k=2"])
    assert values.sampling == {"stop": ("a=b", "\n"), "top_k": 2}


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("temprature=1", "known are budget, choice, dynamic"),
        ("tile_size=28", "knows no 'tile_size'"),
        ("top_k=many", "top_k must be a whole number, not 'many'"),
        ("seed=1.5", "seed must be a whole number or none"),
        ("thumbnail=2", "thumbnail must be true or false"),
        ("top_p", "needs key=value"),
    ],
)
def test_wrong_settings_say_what_was_expected(pair: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        parse_settings([pair])


def test_max_tiles_lowers_min_tiles_with_it() -> None:
    policy = TilePolicy(min_tiles=6, max_tiles=12)
    assert policy_with(policy, {}, 4) == TilePolicy(min_tiles=4, max_tiles=4)
    assert policy_with(policy, {"min_tiles": 13}, 20) == TilePolicy(min_tiles=13, max_tiles=20)
    assert policy_with(policy, {"max_tiles": 2}, 4).max_tiles == 2
    assert policy_with(policy, {}, None) == policy


def test_a_limit_that_would_be_ignored_is_refused() -> None:
    with pytest.raises(ConfigError, match="needs dynamic=True"):
        policy_with(TilePolicy(dynamic=False, max_tiles=1), {}, 6)
    assert policy_with(TilePolicy(dynamic=False, max_tiles=1), {"dynamic": True}, 6).max_tiles == 6


def test_media_are_told_apart(tmp_path: Path) -> None:
    still, moving, clip = tmp_path / "still.GIF", tmp_path / "moving.gif", tmp_path / "clip.MP4"
    frames = [PIL.Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(still)
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    clip.write_bytes(b"opened later")
    found = attach([str(still), str(moving), str(clip)], clip=clip_fields(4, {"fps": 2.0}))
    assert [type(item) for item in found] == [Image, Video, Video]
    assert isinstance(found[2], Video)
    assert (found[2].sampling.frames, found[2].sampling.fps) == (4, 2.0)


def test_what_set_says_counts_before_the_flag() -> None:
    assert clip_fields(4, {"frames": 9}) == {"frames": 9}
    assert clip_fields(None, {}) == {}


def test_files_are_checked_before_a_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(MediaError, match="of no known format"):
        attach([str(tmp_path / "text.png")], clip={})
    with pytest.raises(UsageError, match="there is no file"):
        attach([str(tmp_path / "nope.png")], clip={})
    with pytest.raises(UsageError, match=r"is a folder; .* --model"):
        attach([str(tmp_path)], clip={})
