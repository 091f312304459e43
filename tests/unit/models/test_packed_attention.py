"""Several sequences in a row read as if each stood alone: logits and gradients, in every family and on every way through attention."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from internvl.models import attention
from internvl.models.attention import attend, packed_mask
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig
from internvl.models.internvl import InternVL
from internvl.models.language.packing import packed_step
from internvl.models.language.rope import Rotary

VISION = VisionConfig(hidden_size=16, intermediate_size=24, num_layers=2, num_heads=2, image_size=28, norm="layer_norm", qk_norm=False)
PLAIN = LanguageConfig(
    family="llama", vocab_size=60, hidden_size=32, intermediate_size=48, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8,
    max_positions=10,
)  # fmt: skip
LONG = RopeConfig(kind="longrope", original_max_positions=6, short_factor=(1.0, 1.1, 1.2, 1.3), long_factor=(2.0, 2.5, 3.0, 4.0))
FAMILIES = {
    "llama": PLAIN,
    "qwen2": replace(PLAIN, family="qwen2", qkv_bias=True, tie_embeddings=True),
    "qwen3": replace(PLAIN, family="qwen3", qk_norm=True),
    "internlm2": replace(PLAIN, family="internlm2", rope=RopeConfig(kind="dynamic", factor=2.0)),
    "phi3": replace(PLAIN, family="phi3", num_kv_heads=4, rope=LONG),
}
ROWS = ((5, 14, 1, 3), (12,), (11, 12))  # tokens of the sequences of each row; both scalings have sequences on either side
PADDED = 25


def model_of(name: str) -> InternVL:
    config = InternVLConfig(vision=VISION, language=FAMILIES[name], template="Hermes-2", image_size=28)
    return build_model(config, seed=1, init_std=0.2)


def layout(rows: tuple[tuple[int, ...], ...], length: int) -> tuple[Tensor, Tensor]:
    """positions and segments [B,L] of rows, padded on the right."""
    positions, segments = torch.zeros(len(rows), length, dtype=torch.long), torch.full((len(rows), length), -1)
    for row, sizes in enumerate(rows):
        start = 0
        for number, size in enumerate(sizes):
            positions[row, start : start + size] = torch.arange(size)
            segments[row, start : start + size] = number
            start += size
    return positions, segments


def sequences(ids: Tensor, segments: Tensor) -> list[Tensor]:
    """The rows of ids [B,L,...] cut into their sequences [l,...]."""
    return [ids[row][segments[row] == number] for row in range(len(ids)) for number in range(int(segments[row].max()) + 1)]


def gradients(model: InternVL, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.language_model.named_parameters() if p.grad is not None}


def assert_packed_is_unpacked(model: InternVL, rows: tuple[tuple[int, ...], ...], length: int) -> None:
    positions, segments = layout(rows, length)
    ids = torch.randint(0, 60, segments.shape, generator=torch.Generator().manual_seed(0))
    together = sequences(model(ids, step=packed_step(positions, segments)), segments)
    alone = [model(part[None])[0] for part in sequences(ids, segments)]
    for found, expected in zip(together, alone, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    wanted = gradients(model, sum(part.square().mean() for part in alone))  # type: ignore[arg-type]
    given = gradients(model, sum(part.square().mean() for part in together))  # type: ignore[arg-type]
    assert given.keys() == wanted.keys()
    for name, gradient in given.items():
        torch.testing.assert_close(gradient, wanted[name], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_packed_rows_equal_their_sequences(name: str) -> None:
    assert_packed_is_unpacked(model_of(name), ROWS, PADDED)


@pytest.mark.parametrize("name", ["internlm2", "phi3"])
def test_one_sequence_a_row_needs_no_borders(name: str) -> None:
    rows = ((4,), (13,), (7,))
    step = packed_step(*layout(rows, 13))
    assert (step.packed, step.causal, step.total) == (None, True, 13)
    assert_packed_is_unpacked(model_of(name), rows, 13)


def test_a_pack_is_no_long_text_to_the_rotary_scaling() -> None:
    positions, segments = layout(((9, 9, 9),), 27)
    step = packed_step(positions, segments)
    assert step.total == 9
    rotary = Rotary(FAMILIES["internlm2"])
    packed, _ = rotary(positions, step.total, torch.float32, step.lengths)
    plain, _ = rotary(positions[:, :9], 9, torch.float32)
    assert torch.equal(packed[:, :, :9], plain)


def test_the_mixed_scalings_of_a_pack_are_those_of_the_lengths() -> None:
    for name in ("internlm2", "phi3"):
        rotary = Rotary(FAMILIES[name])
        positions, segments = layout(((5, 14),), 20)
        step = packed_step(positions, segments)
        cos, _ = rotary(positions, step.total, torch.float32, step.lengths)
        for start, size in ((0, 5), (5, 14)):
            assert torch.equal(cos[:, :, start : start + size], rotary(torch.arange(size)[None], size, torch.float32)[0])
        assert not torch.equal(cos[:, :, :5], rotary(torch.arange(5)[None], 14, torch.float32)[0])


def test_a_neighbour_changes_nothing() -> None:
    model = model_of("llama").eval()
    positions, segments = layout(((6, 5),), 11)
    ids = torch.randint(0, 60, (1, 11))
    other = ids.clone()
    other[:, :6] = (ids[:, :6] + 7) % 60
    with torch.no_grad():
        first, second = (model(each, step=packed_step(positions, segments)) for each in (ids, other))
    assert torch.equal(first[:, 6:], second[:, 6:])
    assert not torch.equal(first[:, :6], second[:, :6])


def heads(groups: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
    """q, k, v [B,H,L,D] of ROWS, laid out as the decoder has them."""
    generator = torch.Generator().manual_seed(3)
    shapes = ((len(ROWS), PADDED, count, 8) for count in (4, 4 // groups, 4 // groups))
    q, k, v = (torch.randn(shape, generator=generator).to(dtype).transpose(1, 2) for shape in shapes)
    return q, k, v


@pytest.mark.parametrize("groups", [1, 2])
def test_pieces_equal_a_mask(groups: int) -> None:
    q, k, v = heads(groups)
    segments = layout(ROWS, PADDED)[1]
    step = packed_step(*layout(ROWS, PADDED))
    pieces, masked = attend(q, k, v, packed=step.packed), attend(q, k, v, mask=packed_mask(segments))
    real = segments >= 0
    torch.testing.assert_close(pieces.transpose(1, 2)[real], masked.transpose(1, 2)[real], atol=1e-6, rtol=1e-5)
    assert torch.isfinite(pieces).all()


def test_compiled_attention_is_one_graph_for_all_borders() -> None:
    q, k, v = heads(2)
    compiled = torch.compile(attend, backend="eager", fullgraph=True)
    for rows in (ROWS, ((25,), (10, 10), (1, 2, 3))):
        segments = layout(rows, PADDED)[1]
        packed = packed_step(*layout(rows, PADDED)).packed
        with torch.compiler.set_stance("default" if rows is ROWS else "fail_on_recompile"):
            found = compiled(q, k, v, packed=packed)
        real = segments >= 0
        expected = attend(q, k, v, packed=packed)
        torch.testing.assert_close(found.transpose(1, 2)[real], expected.transpose(1, 2)[real], atol=1e-6, rtol=1e-5)


def plain_varlen(q: Tensor, k: Tensor, v: Tensor, starts: Tensor, _: Tensor, longest: int, __: int, **options: Any) -> Tensor:
    """What torch's flash kernel computes on q, k, v [B*L,H,D], stretch by stretch."""
    assert options["window_size"] == (-1, 0)
    assert starts.dtype == torch.int32
    borders = starts.tolist()
    assert max(b - a for a, b in pairwise(borders)) == longest
    pieces = []
    for a, b in pairwise(borders):
        parts = [part[None, a:b].transpose(1, 2) for part in (q, k, v)]
        pieces.append(attend(*parts, causal=True)[0].transpose(0, 1))
    return torch.cat(pieces)


def test_the_flash_way_hands_over_rows_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    varlen = pytest.importorskip("torch.nn.attention.varlen")
    monkeypatch.setattr(varlen, "varlen_attn", plain_varlen)
    q, k, v = heads(2, torch.bfloat16)
    packed = packed_step(*layout(ROWS, PADDED)).packed
    assert packed is not None
    real = packed.segments >= 0
    found = attend(q.float(), k.float(), v, packed=replace(packed, flash=True))  # wider q and k, as under autocast
    assert found.dtype == torch.bfloat16
    expected = attend(q, k, v, packed=packed)
    torch.testing.assert_close(found.transpose(1, 2)[real], expected.transpose(1, 2)[real], atol=1e-2, rtol=1e-2)


def test_float32_never_takes_the_flash_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_attend_flash", None)
    packed = packed_step(*layout(ROWS, PADDED)).packed
    assert packed is not None
    attend(*heads(2), packed=replace(packed, flash=True))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_flash_on_a_gpu_equals_pieces() -> None:
    positions, segments = (part.cuda() for part in layout(ROWS, PADDED))
    packed = packed_step(positions, segments).packed
    assert packed is not None
    results = []
    for flash in (packed.flash, False):
        q, k, v = (part.cuda().requires_grad_() for part in heads(2, torch.bfloat16))
        seen = attend(q, k, v, packed=replace(packed, flash=flash)).transpose(1, 2)[segments >= 0]
        seen.float().square().sum().backward()
        results.append((seen, q.grad, k.grad, v.grad))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, atol=2e-2, rtol=2e-2)


@pytest.mark.parametrize("packed", [False, True])
def test_recomputed_activations_give_the_same_gradients(packed: bool) -> None:
    model = model_of("internlm2").train()
    model.vision_encoder.set_drop_path(0.5)
    positions, segments = layout(((6, 8),), 14)
    ids, pixels = torch.randint(0, 50, (1, 14)), torch.randn(6, 3, 28, 28)
    ids[0, 1:7] = 55
    step = packed_step(positions, segments) if packed else None
    results = []
    for enabled in (False, True):
        model.set_activation_checkpointing(enabled)
        torch.manual_seed(5)  # of drop path
        logits = model(ids, model.encode_tiles(pixels), placeholder_id=55, step=step)
        model.zero_grad()
        logits.square().mean().backward()
        results.append((logits.detach(), [p.grad for p in model.parameters()]))
    (plain, expected), (again, found) = results
    assert torch.equal(plain, again)
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(other, one, atol=1e-7, rtol=1e-6)


def test_recomputing_keeps_less() -> None:
    model = model_of("llama").train()
    ids = torch.randint(0, 60, (1, 64))
    kept = []
    for enabled in (False, True):
        model.set_activation_checkpointing(enabled)
        sizes: list[int] = []

        def count(tensor: Tensor, sizes: list[int] = sizes) -> Tensor:
            sizes.append(tensor.numel())
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            model.language_model(model.embed(ids))
        kept.append(sum(sizes))
    assert kept[1] < kept[0] / 2


def test_a_model_that_answers_recomputes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from internvl.models.language import block

    model = model_of("llama").train()
    model.set_activation_checkpointing(True)
    monkeypatch.setattr(block, "checkpoint", None)
    ids = torch.randint(0, 60, (1, 4))
    model(ids, cache=model.new_cache())
    with torch.no_grad():
        model(ids)
    model.eval()(ids)


def test_compiled_blocks_share_their_graphs() -> None:
    """One graph for all layers of a kind, whatever their drop path, borders, numbers of tiles: torch gives up after eight."""
    from torch._dynamo.utils import counters

    config = InternVLConfig(
        vision=replace(VISION, num_layers=9), language=replace(PLAIN, num_layers=9), template="Hermes-2", image_size=28
    )
    model = build_model(config).train()
    model.vision_encoder.set_drop_path(0.3)
    torch.compiler.reset()
    counters.clear()
    for block in (*model.vision_encoder.blocks, *model.language_model.blocks):
        block.compile(backend="eager", fullgraph=True)
    for tiles, sizes in ((2, (5, 6)), (3, (4, 3, 9)), (7, (2, 8, 1, 1)), (4, (10, 10, 10, 5))):
        positions, segments = layout((sizes,), sum(sizes))
        model(torch.zeros_like(positions), step=packed_step(positions, segments))
        model.encode_tiles(torch.zeros(tiles, 3, 28, 28))
    assert counters["stats"]["unique_graphs"] <= 6
