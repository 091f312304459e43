"""The parts of the model one by one: pixel shuffle, positions, layers read, rotary scalings, the key cache."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_sizes import tiny

from internvl.errors import MediaError, PlaceholderCountError
from internvl.models.attention import attend
from internvl.models.build import build_model
from internvl.models.config import RopeConfig
from internvl.models.fusion import fuse
from internvl.models.language.rope import inverse_frequencies
from internvl.models.language.rows import Rows
from internvl.models.projector import pixel_shuffle
from internvl.models.vision.block import Block
from internvl.models.vision.embeddings import stretch_positions


def cells(size: int) -> torch.Tensor:
    """A grid whose cell (r, c) holds the vector (r, c)."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([rows, columns], dim=-1)[None]


def test_pixel_shuffle_joins_squares_of_cells() -> None:
    second = pixel_shuffle(cells(4), 2, transposed=False)[0, 0, 1].view(4, 2).tolist()
    assert second == [[0, 2], [0, 3], [1, 2], [1, 3]]


def test_version_1_mirrors_the_grid_at_its_diagonal() -> None:
    second = pixel_shuffle(cells(4), 2, transposed=True)[0, 0, 1].view(4, 2).tolist()
    assert second == [[2, 0], [2, 1], [3, 0], [3, 1]]
    v1, v2 = (pixel_shuffle(cells(8), 2, transposed=flag) for flag in (True, False))
    assert torch.equal(v1, v2.transpose(1, 2))


def test_positions_of_the_same_size_are_the_table_itself() -> None:
    table = torch.randn(1, 17, 8)
    assert stretch_positions(table, 4, 4, 4) is table


def test_positions_stretch_in_float32_and_keep_the_class_position() -> None:
    table = torch.randn(1, 5, 8, dtype=torch.bfloat16)
    stretched = stretch_positions(table, 2, 4, 6)
    assert stretched.shape == (1, 25, 8)
    assert stretched.dtype == torch.bfloat16
    assert torch.equal(stretched[:, :1], table[:, :1])


def test_tiles_that_are_no_multiple_of_the_patch_are_refused() -> None:
    with pytest.raises(MediaError, match="multiple of 14"):
        build_model(tiny()).encode_tiles(torch.zeros(1, 3, 56, 60))


def test_select_layer_counts_hidden_states_from_the_embeddings() -> None:
    for select, used in ((-1, 3), (-2, 2), (-4, 0), (0, 0), (3, 3)):
        assert tiny(select_layer=select).vision_layers_used == used
    model = build_model(tiny(select_layer=-3)).eval()
    pixels = torch.randn(1, 3, 56, 56)
    expected = model.vision_encoder.blocks[0](model.vision_encoder.embeddings(pixels))
    assert torch.equal(model.vision_encoder(pixels, layers=model.config.vision_layers_used), expected)


def test_drop_path_keeps_the_mean_and_is_off_in_evaluation() -> None:
    torch.manual_seed(0)
    block = Block(tiny().vision, drop_path=0.4)
    x = torch.randn(4000, 1, 32)
    block.eval()
    whole = block(x) - x
    block.train()
    branch = block._drop(torch.ones(4000, 1, 1))
    assert branch.unique().tolist() == pytest.approx([0.0, 1 / 0.6])
    assert float(branch.mean()) == pytest.approx(1.0, abs=0.05)
    assert not torch.equal(block(x) - x, whole)


def test_drop_path_grows_linearly_from_zero() -> None:
    model = build_model(tiny(vision=replace(tiny().vision, drop_path_rate=0.2)))
    assert [block.drop_path for block in model.vision_encoder.blocks] == pytest.approx([0.0, 0.1, 0.2])


def test_fusing_names_both_counts() -> None:
    ids = torch.tensor([[1, 9, 9, 2]])
    with pytest.raises(PlaceholderCountError, match=r"2 placeholders.* 3 visual") as caught:
        fuse(torch.zeros(1, 4, 8), ids, torch.zeros(1, 3, 8), 9)
    assert (caught.value.expected, caught.value.given) == (2, 3)


def test_fusing_fills_the_slots_in_order() -> None:
    ids = torch.tensor([[9, 1, 9], [2, 9, 2]])
    fused = fuse(torch.zeros(2, 3, 1), ids, torch.tensor([[[1.0], [2.0], [3.0]]]), 9)
    assert fused[..., 0].tolist() == [[1, 0, 2], [0, 3, 0]]


@pytest.mark.parametrize("queries", [1, 5])
@pytest.mark.parametrize("masked", [False, True])
def test_grouped_attention_equals_repeated_keys(queries: int, masked: bool) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 6, queries, 8), torch.randn(2, 2, 7, 8), torch.randn(2, 2, 7, 8)
    mask = torch.rand(2, 1, queries, 7) > 0.3 if masked else None
    if mask is not None:
        mask[..., 0] = True
    expected = torch.nn.functional.scaled_dot_product_attention(q, k.repeat_interleave(3, 1), v.repeat_interleave(3, 1), attn_mask=mask)
    torch.testing.assert_close(attend(q, k, v, mask=mask), expected, atol=1e-6, rtol=1e-5)


def test_dynamic_rope_is_plain_up_to_the_trained_length_and_leaves_no_trace() -> None:
    rope = RopeConfig(theta=1e6, kind="dynamic", factor=2.0)
    plain = inverse_frequencies(RopeConfig(theta=1e6), 16, 100, 100)
    assert torch.equal(inverse_frequencies(rope, 16, 100, 100), plain)
    base = 1e6 * (2.0 * 150 / 100 - 1.0) ** (16 / 14)
    expected = 1.0 / base ** (torch.arange(0, 16, 2).float() / 16)
    torch.testing.assert_close(inverse_frequencies(rope, 16, 100, 150), expected)
    assert torch.equal(inverse_frequencies(rope, 16, 100, 80), plain)


def test_longrope_takes_the_long_factors_beyond_the_original_length() -> None:
    rope = RopeConfig(kind="longrope", original_max_positions=8, short_factor=(1.0, 2.0), long_factor=(4.0, 8.0))
    plain = inverse_frequencies(RopeConfig(), 4, 64, 1)
    torch.testing.assert_close(inverse_frequencies(rope, 4, 64, 8), plain / torch.tensor([1.0, 2.0]))
    torch.testing.assert_close(inverse_frequencies(rope, 4, 64, 9), plain / torch.tensor([4.0, 8.0]))


@torch.inference_mode()
def test_reading_in_parts_equals_reading_at_once() -> None:
    model = build_model(tiny()).eval()
    ids = torch.randint(0, 50, (1, 12))
    whole = model(ids)
    cache = model.new_cache()
    parts = [model(ids[:, a:b], cache=cache) for a, b in ((0, 5), (5, 6), (6, 11), (11, 12))]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-4)
    cache.truncate(4)
    torch.testing.assert_close(model(ids[:, 4:9], cache=cache), whole[:, 4:9], atol=1e-5, rtol=1e-4)


@torch.inference_mode()
def test_rows_of_unequal_length_decode_as_they_would_alone() -> None:
    model = build_model(tiny()).eval()
    ids = torch.randint(0, 50, (3, 20))
    lengths = (3, 11, 7)
    caches = []
    for row, length in enumerate(lengths):
        caches.append(model.new_cache())
        model(ids[row : row + 1, :length], cache=caches[-1])
    batch = Rows(caches)
    for step in range(5):
        logits = model(torch.stack([ids[row, n + step] for row, n in enumerate(lengths)])[:, None], cache=batch)
        for row, length in enumerate(lengths):
            alone = model(ids[row : row + 1, : length + step + 1], last_only=True)
            torch.testing.assert_close(logits[row : row + 1], alone, atol=1e-5, rtol=1e-4)
    assert [cache.length for cache in caches] == [8, 16, 12]


@torch.inference_mode()
def test_a_copy_of_a_cache_goes_its_own_way() -> None:
    model = build_model(tiny()).eval()
    ids = torch.randint(0, 50, (1, 12))
    cache = model.new_cache()
    whole = model(ids, cache=cache)
    copied = cache.copy(6)
    model(ids[:, :5].flip(1), cache=cache)
    torch.testing.assert_close(model(ids[:, 6:], cache=copied), whole[:, 6:], atol=1e-5, rtol=1e-4)
    assert (cache.length, copied.length) == (17, 12)


@torch.inference_mode()
def test_a_cache_grows_beyond_its_blocks() -> None:
    model = build_model(tiny()).eval()
    cache = model.new_cache()
    ids = torch.randint(0, 50, (1, 700))
    for start in range(0, 700, 100):
        part = model(ids[:, start : start + 100], cache=cache)
    torch.testing.assert_close(part, model(ids)[:, 600:], atol=1e-5, rtol=1e-4)
    assert cache.length == 700
    assert cache.bytes > 0
