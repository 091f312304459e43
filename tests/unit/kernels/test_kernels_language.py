"""The language pass as C++ takes it: one layer against torch's own arithmetic, in all widths of heads, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels.language import LanguageWeights, LayerWeights, Matrix, NativeLanguage, NewTokens
from internvl.kernels.library import native
from internvl.kernels.packed import pack, unpack

pytestmark = pytest.mark.skipif(native() is None, reason="no native kernels here")
WIDTH, WORDS, MLP = 40, 53, 24


def numbers(*shape: int, seed: int = 0, scale: float = 0.3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape))) * scale


def weights(heads: int, key_heads: int, head_width: int) -> LanguageWeights:
    """One layer, as torch keeps it."""
    seen, cached = heads * head_width, key_heads * head_width
    layer = LayerWeights(
        norm1=1 + numbers(WIDTH),
        norm2=1 + numbers(WIDTH, seed=1),
        qkv=Matrix(weight=numbers(seen + 2 * cached, WIDTH), bias=numbers(seen + 2 * cached)),
        out=Matrix(weight=numbers(WIDTH, seen)),
        gate_up=Matrix(weight=numbers(2 * MLP, WIDTH, seed=2)),
        down=Matrix(weight=numbers(WIDTH, MLP, seed=3)),
    )
    return LanguageWeights(
        layers=[layer], norm=1 + numbers(WIDTH, seed=4), head=Matrix(weight=numbers(WORDS, WIDTH)),
        embedding=Matrix(weight=numbers(WORDS, WIDTH, seed=5)), embeds=torch.float32,
        heads=heads, key_heads=key_heads, head_width=head_width, mlp_width=MLP, eps=1e-6,
    )  # fmt: skip


def new_tokens(of: LanguageWeights, start: int, tokens: int, dtype: torch.dtype = torch.float32) -> NewTokens:
    """Behind `start` random cached ones."""
    shape = (1, of.key_heads, start + tokens + 3, of.head_width)
    angles = numbers(tokens, of.head_width // 2, scale=3.0)
    stored = (numbers(*shape, seed=6, scale=1.0).to(dtype), numbers(*shape, seed=7, scale=1.0).to(dtype))
    return NewTokens([stored[0]], [stored[1]], start, tokens, angles.cos().contiguous(), angles.sin().contiguous())


def expected(of: LanguageWeights, hidden: Tensor, new: NewTokens) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, and the cache's keys and values as they are afterwards, by torch."""
    [layer], total = of.layers, new.start + new.tokens
    assert new.keys[0] is not None
    assert new.values[0] is not None
    x = F.rms_norm(hidden, (WIDTH,), layer.norm1, of.eps)
    parts = F.linear(x, layer.qkv.weight, layer.qkv.bias).unflatten(-1, (-1, of.head_width)).transpose(0, 1)
    q, k, v = parts.split((of.heads, of.key_heads, of.key_heads))
    cos, sin = (torch.cat([part, part], -1) for part in (new.cosines, new.sines))

    def turned(heads: Tensor) -> Tensor:
        first, second = heads.chunk(2, -1)
        return heads * cos + torch.cat([-second, first], -1) * sin

    keys, values = new.keys[0].clone(), new.values[0].clone()
    keys[0, :, new.start : total], values[0, :, new.start : total] = turned(k).to(keys.dtype), v.to(values.dtype)
    mask = torch.ones(new.tokens, total, dtype=torch.bool).tril(new.start)
    seen = F.scaled_dot_product_attention(
        turned(q)[None], keys[:, :, :total].float(), values[:, :, :total].float(), attn_mask=mask, enable_gqa=True
    )
    hidden = hidden + F.linear(seen[0].transpose(0, 1).flatten(1), layer.out.weight)
    gate, up = F.linear(F.rms_norm(hidden, (WIDTH,), layer.norm2, of.eps), layer.gate_up.weight).chunk(2, -1)
    hidden = hidden + F.linear(F.silu(gate) * up, layer.down.weight)
    return F.linear(F.rms_norm(hidden, (WIDTH,), of.norm, of.eps), of.head.weight), keys, values


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tokens", [1, 5, 40])
@pytest.mark.parametrize("heads", [(1, 1, 6), (4, 2, 16), (14, 2, 64), (9, 1, 32), (3, 3, 128), (2, 1, 320)])
def test_a_layer(heads: tuple[int, int, int], tokens: int, dtype: torch.dtype) -> None:
    of = weights(*heads)
    hidden, tolerance = numbers(tokens, WIDTH, seed=8, scale=1.0), 2e-5 if dtype == torch.float32 else 2e-2
    for start in (0, 127, 300):
        new = new_tokens(of, start, tokens, dtype)
        logits, keys, values = expected(of, hidden, new)
        found = NativeLanguage(of)(hidden.clone(), [new])
        torch.testing.assert_close(found, logits, atol=tolerance * float(logits.abs().max()), rtol=0)
        torch.testing.assert_close(new.keys[0], keys, atol=1e-5, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)
        torch.testing.assert_close(new.values[0], values, atol=1e-5, rtol=1e-2 if dtype == torch.bfloat16 else 1e-5)


@pytest.mark.parametrize("group", [0, 32])
@pytest.mark.parametrize("embeds", [torch.float32, torch.bfloat16])
def test_words_are_looked_up(group: int, embeds: torch.dtype) -> None:
    of = weights(4, 2, 16)
    table = of.embedding.weight
    assert isinstance(table, Tensor)
    packed = pack(table, "int8", group=group)
    vectors = {"plain": (Matrix(weight=table.to(embeds)), table.to(embeds).float())}
    vectors["packed"] = (Matrix(weight=packed), unpack(packed).to(embeds).float())
    words = [0, 52, 17, 17, 31]
    for matrix, numbers_of_words in vectors.values():
        run = NativeLanguage(replace(of, embedding=matrix, embeds=embeds))
        found, truth = (new_tokens(of, 9, len(words)) for _ in range(2))
        assert torch.equal(run.words(words, [found]), run(numbers_of_words[words].clone(), [truth]))


def test_a_word_that_is_none() -> None:
    of = weights(4, 2, 16)
    for word in (-1, WORDS, 1 << 40):
        with pytest.raises(IndexError, match=f"0...{WORDS - 1}"):
            NativeLanguage(of).words([3, word], [new_tokens(of, 4, 2)])


def test_a_number_that_is_none_is_not_hidden() -> None:
    of = weights(4, 2, 16)
    hidden = numbers(2, WIDTH)
    hidden[1, 3] = float("nan")
    logits = NativeLanguage(of)(hidden, [new_tokens(of, 4, 2)])
    assert logits[0].isfinite().all()
    assert logits[1].isnan().all()


def test_only_the_last_token_of_each_sequence_is_told() -> None:
    of = weights(14, 2, 64)
    counts, starts = (3, 250, 1, 30), (0, 5, 200, 40)
    hidden = numbers(sum(counts), WIDTH, scale=1.0)
    all_of_them = NativeLanguage(of)(hidden.clone(), [new_tokens(of, *pair) for pair in zip(starts, counts, strict=True)])
    last = NativeLanguage(of)(hidden.clone(), [new_tokens(of, *pair) for pair in zip(starts, counts, strict=True)], last_only=True)
    ends = torch.tensor(counts).cumsum(0) - 1
    torch.testing.assert_close(last, all_of_them[ends], atol=1e-4, rtol=0)


def _no_room(new: NewTokens) -> NewTokens:
    return new._replace(tokens=new.tokens + 4, cosines=numbers(new.tokens + 4, 8), sines=numbers(new.tokens + 4, 8))


def _empty(new: NewTokens) -> NewTokens:
    return new._replace(values=[None])


def _two_types(new: NewTokens) -> NewTokens:
    return new._replace(values=[value.bfloat16() for value in new.values if value is not None])


def _turned(new: NewTokens) -> NewTokens:
    return new._replace(keys=[key.transpose(1, 2).contiguous().transpose(1, 2) for key in new.keys if key is not None])


def _few_angles(new: NewTokens) -> NewTokens:
    return new._replace(sines=new.sines[:-1])


def _two_layers(new: NewTokens) -> NewTokens:
    return new._replace(keys=[*new.keys, *new.keys], values=[*new.values, *new.values])


@pytest.mark.parametrize("change", [_no_room, _empty, _two_types, _turned, _few_angles, _two_layers])
def test_what_would_be_read_or_written_beyond_its_end_is_refused(change: Callable[[NewTokens], NewTokens]) -> None:
    of = weights(4, 2, 16)
    new = change(new_tokens(of, 4, 2))
    with pytest.raises(ConfigError):
        NativeLanguage(of)(numbers(new.tokens, WIDTH), [new])


@pytest.mark.parametrize("hidden", [numbers(3, WIDTH), numbers(2, WIDTH + 1), numbers(2, WIDTH).double(), numbers(WIDTH, 2).T])
def test_embeddings_that_are_none_are_refused(hidden: Tensor) -> None:
    of = weights(4, 2, 16)
    with pytest.raises(ConfigError, match="embeddings"):
        NativeLanguage(of)(hidden, [new_tokens(of, 4, 2)])


def test_weights_that_do_not_fit_each_other_are_refused() -> None:
    of = weights(4, 2, 16)
    [layer] = of.layers
    for wrong in (
        replace(of, mlp_width=MLP + 1),
        replace(of, heads=3),
        replace(of, norm=numbers(WIDTH + 1)),
        replace(of, layers=[replace(layer, out=Matrix(weight=numbers(WIDTH, 64).half()))]),
        replace(of, layers=[replace(layer, qkv=Matrix(weight=layer.qkv.weight, bias=numbers(3)))]),
        replace(of, layers=[replace(layer, q_norm=numbers(15))]),
        replace(of, embedding=Matrix(weight=pack(numbers(WORDS, WIDTH), "int4", group=32))),
    ):
        with pytest.raises(ConfigError):
            NativeLanguage(wrong)
