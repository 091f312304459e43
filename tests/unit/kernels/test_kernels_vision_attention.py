"""The attention kernel beside its torch twin: shapes, grouped heads, causal offsets, number types, strides, 8-bit products."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from internvl.errors import ConfigError
from internvl.kernels.attention import attention, attention_twin, bytes_twin, has_bytes
from internvl.kernels.library import native

LEVELS = ("auto", "avx2", "plain")
# query heads, key heads, queries, keys, width, causal offset
SHAPES = (
    (2, 2, 5, 5, 16, None),
    (1, 1, 1, 1, 64, 0),
    (3, 3, 257, 257, 64, None),
    (14, 2, 70, 100, 64, 30),
    (4, 1, 1, 77, 128, 76),
    (6, 2, 33, 33, 48, 0),
    (7, 1, 49, 200, 80, 151),
    (2, 1, 130, 131, 128, None),
)


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERNVL_KERNELS", request.param)
    if native() is None:
        pytest.skip("no native kernels here")
    return str(request.param)


def operands(heads: int, key_heads: int, queries: int, keys: int, width: int, dtype: torch.dtype = torch.float32) -> list[Tensor]:
    torch.manual_seed(heads * queries + keys)
    shapes = ((heads, queries), (key_heads, keys), (key_heads, keys))
    q, k, v = (torch.randn(*shape, width).to(dtype) for shape in shapes)
    return [q * 2, k, v]


def error(found: Tensor, wanted: Tensor) -> float:
    return float((found.double() - wanted.double()).norm() / wanted.double().norm())


@pytest.mark.parametrize("shape", SHAPES)
def test_float32_agrees_with_the_twin(shape: tuple[int, ...], level: str) -> None:
    *sizes, offset = shape
    q, k, v = operands(*sizes)
    wanted = attention_twin(q.double(), k, v, causal_offset=offset)
    assert error(attention(q, k, v, causal_offset=offset, products="float32"), wanted) < 2e-6


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("products", ["bfloat16", "fastest"])
def test_bfloat16_agrees_with_the_twin(shape: tuple[int, ...], products: str) -> None:
    *sizes, offset = shape
    q, k, v = operands(*sizes, dtype=torch.bfloat16)
    found = attention(q, k, v, causal_offset=offset, products=products)
    assert found.dtype == torch.bfloat16
    assert error(found, attention_twin(q.float(), k, v, causal_offset=offset)) < 5e-3


@pytest.mark.parametrize(("q_type", "kv_type"), list(itertools.product((torch.float32, torch.bfloat16), repeat=2)))
@pytest.mark.parametrize("products", ["float32", "bfloat16"])
def test_number_types_may_differ(q_type: torch.dtype, kv_type: torch.dtype, products: str, level: str) -> None:
    q, k, v = operands(4, 2, 37, 50, 32)
    q, k, v = q.to(q_type), k.to(kv_type), v.to(kv_type)
    found = attention(q, k, v, causal_offset=13, products=products)
    assert found.dtype == q_type
    assert error(found, attention_twin(q.float(), k, v, causal_offset=13)) < 1e-2


def test_slices_of_one_matrix_and_of_a_longer_cache_are_read_in_place(level: str) -> None:
    rows = torch.randn(41, 3 * 4 * 32)
    q, k, v = (part.unflatten(1, (4, 32)).transpose(0, 1) for part in rows.split(4 * 32, dim=1))
    assert error(attention(q, k, v), attention_twin(q, k, v)) < 1e-2
    cache = torch.full((2, 4, 99, 32), float("nan"))
    cache[0, :, :41], cache[1, :, :41] = k, v
    assert torch.equal(attention(q, cache[0, :, :41], cache[1, :, :41]), attention(q, k, v))


def test_a_query_gives_the_same_alone_and_among_others() -> None:
    q, k, v = operands(4, 2, 60, 60, 64)
    together = attention(q, k, v, causal_offset=0, products="float32")
    alone = attention(q[:, 31:32], k[:, :32], v[:, :32], causal_offset=31, products="float32")
    assert error(alone, together[:, 31:32]) < 1e-6


@pytest.mark.parametrize("in_bytes", [False, True])
def test_threads_change_no_bit(in_bytes: bool) -> None:
    q, k, v = operands(3, 3, 301, 301, 64)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append(attention(q, k, v, in_bytes=in_bytes, products="float32"))
    torch.set_num_threads(before)
    assert torch.equal(*results)


def test_scores_of_any_size_stay_finite(level: str) -> None:
    q, k, v = operands(1, 1, 20, 90, 64)
    for in_bytes in (False, True):
        found = attention(q * 300, k * 30, v, in_bytes=in_bytes, products="float32")
        assert found.isfinite().all()
        assert error(found, attention_twin(q * 300, k * 30, v)) < (0.3 if in_bytes else 1e-4)


@pytest.mark.parametrize("sizes", [shape[:5] for shape in SHAPES])
def test_bytes_agree_with_their_twin_and_come_close_to_float32(sizes: tuple[int, ...]) -> None:
    q, k, v = operands(*sizes)
    found = attention(q, k, v, in_bytes=True)
    assert error(found, attention_twin(q, k, v)) < 0.025
    if has_bytes():
        assert error(found, bytes_twin(q, k, v)) < 2e-3


def test_bytes_lose_no_tail_behind_a_peak() -> None:
    # One key has half of all weight, a thousand others share the rest: each is below a 500th of the peak.
    q = torch.zeros(1, 1, 64)
    q[..., 0] = 8.0
    k, v = torch.zeros(1, 1000, 64), torch.randn(1, 1000, 64) + 1.0
    k[:, 0, 0] = 6.9  # e^6.9 = 992
    for twin_or_kernel in (attention(q, k, v, in_bytes=True), bytes_twin(q, k, v)):
        assert error(twin_or_kernel, attention_twin(q, k, v)) < 0.05


def test_bytes_bear_what_all_keys_share_and_a_few_outliers() -> None:
    q, k, v = operands(2, 2, 64, 300, 64)
    shared = k + 40 * torch.randn(64)
    assert error(attention(q, shared, v, in_bytes=True), attention_twin(q, k, v)) < 0.03
    v[:, 7] *= 50
    k[:, 7] -= 3 * q.mean(1)  # hardly looked at
    far = slice(192, 300)
    found, wanted = (part(q, k[:, far], v[:, far]) for part in (lambda *x: attention(*x, in_bytes=True), attention_twin))
    assert error(found, wanted) < 0.03


def test_not_a_number_is_not_hidden(level: str) -> None:
    q, k, v = operands(1, 1, 9, 40, 32)
    v[0, 3, 5] = float("nan")
    for in_bytes in (False, True):
        assert attention(q, k, v, in_bytes=in_bytes)[..., 5].isnan().all()


def test_widths_that_the_kernel_does_not_take_go_to_the_twin() -> None:
    q, k, v = operands(2, 1, 6, 9, 12)
    assert torch.equal(attention(q, k, v), attention_twin(q, k, v))


@pytest.mark.parametrize(
    ("q", "k", "options"),
    [
        ((3, 4, 16), (2, 4, 16), {}),
        ((2, 4, 16), (2, 4, 32), {}),
        ((2, 4, 16), (2, 0, 16), {}),
        ((4, 16), (4, 16), {}),
        ((2, 4, 16), (2, 4, 16), {"causal_offset": -1}),
        ((2, 4, 16), (2, 4, 16), {"causal_offset": 0, "in_bytes": True}),
    ],
)
def test_what_does_not_fit_is_refused(q: tuple[int, ...], k: tuple[int, ...], options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        attention(torch.zeros(q), torch.zeros(k), torch.zeros(k), **options)
