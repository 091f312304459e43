"""The native linear kernels and their torch twins compute the same; rows don't see each other; bad input is named."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from linear_cases import CASES, ROWS, SHAPES, compare, rows_of, weight_of

from internvl.errors import ConfigError
from internvl.kernels import linear, twin
from internvl.kernels.library import native
from internvl.kernels.packed import Integers, Kind, PackedWeight, pack, pack_integers

needs_native = pytest.mark.skipif(native() is None, reason="no compiler, or kernels turned off")


@needs_native
@pytest.mark.parametrize(("kind", "group", "x_group"), CASES)
def test_kernel_and_twin_agree(kind: Kind, group: int, x_group: int) -> None:
    for shape in SHAPES:
        for rows in ROWS:
            assert compare(kind, group, x_group, shape, rows) < 1e-5, (shape, rows)


@needs_native
@pytest.mark.parametrize("columns", [16, 515, 1029, 1024])
@pytest.mark.parametrize(("kind", "group", "x_group"), [case for case in CASES if case[0] in ("int8", "int4")])
def test_x_becomes_the_same_integers(kind: Kind, group: int, x_group: int, columns: int) -> None:
    packed = weight_of(kind, 16, columns, group)
    x = torch.randn(300, columns)
    expected = twin.read_rows(x, packed, x_group)
    values, scales, sums = quantised(x, packed, x_group)
    assert torch.equal(values.float(), expected.values.flatten(1)[:, : packed.padded_columns])
    assert torch.equal(scales, expected.scales)
    assert torch.equal(sums.float(), expected.values.sum(-1))


def quantised(x: torch.Tensor, packed: PackedWeight, x_group: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the kernels make of x: values int8 [m,columns], scales float32 and sums int32 [m,groups]."""
    groups = -(-packed.padded_columns // (packed.group or x_group or packed.padded_columns))
    values = torch.empty(x.shape[0], packed.padded_columns, dtype=torch.int8)
    scales, sums = torch.empty(x.shape[0], groups), torch.empty(x.shape[0], groups, dtype=torch.int32)
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (x, values, scales, sums)]
    library = native()
    assert library is not None
    weight = ctypes.byref(linear.describe(packed))
    failed = library.internvl_quantise(weight, pointers[0], 0, ctypes.c_int64(x.stride(0)), x.shape[0], x_group, *pointers[1:], 1)
    assert failed == 0
    return values, scales, sums


@needs_native
@pytest.mark.parametrize(("kind", "group"), [("int8", 0), ("int8", 32), ("int4", 64)])
@pytest.mark.parametrize("rows", [1, 5, 200])
def test_whole_numbers_come_out_whole(kind: Kind, group: int, rows: int) -> None:
    largest, columns = 255 if kind == "int8" else 15, 4096
    groups = columns // group if group else 1
    integers = Integers(
        values=torch.randint(0, largest + 1, (33, columns), dtype=torch.uint8),
        scales=torch.ones(33, groups),
        zeros=torch.randint(0, largest + 1, (33, groups), dtype=torch.uint8),
    )
    x = torch.randint(-127, 128, (rows, columns))
    x.view(rows, groups, -1)[:, :, 0] = 127  # so that x's scale is 1 everywhere
    weight = integers.values.long() - integers.zeros.long().repeat_interleave(columns // groups, 1)
    exact = (x @ weight.T).float()
    assert torch.equal(linear.product(x.float(), pack_integers(integers, kind, group=group), x_group=group), exact)


def test_the_largest_sums_fit() -> None:
    columns = 16384
    integers = Integers(
        values=torch.full((16, columns), 255, dtype=torch.uint8), scales=torch.ones(16, 1), zeros=torch.zeros(16, 1, dtype=torch.uint8)
    )
    packed = pack_integers(integers, "int8", group=0)
    for x in (torch.full((2, columns), 127.0), torch.full((2, columns), -127.0)):
        assert torch.equal(linear.product(x, packed), x.sum(1, keepdim=True).double().mul(255).float().expand(2, 16))


@needs_native
@pytest.mark.parametrize(("kind", "group", "x_group"), CASES)
def test_a_row_alone_and_among_others_gives_the_same_bits(kind: Kind, group: int, x_group: int) -> None:
    packed = weight_of(kind, 130, 515, group)
    x = rows_of(61, 515)
    together = linear.product(x, packed, x_group=x_group)
    for count in (1, 2, 5, 8, 13):
        parts = [linear.product(part, packed, x_group=x_group) for part in x.split(count)]
        assert torch.equal(torch.cat(parts), together)


@needs_native
def test_calls_from_several_threads_at_once_dont_mix() -> None:
    weights = [weight_of(kind, 130, 515, group) for kind, group, _ in CASES]
    inputs = [rows_of(rows, 515, seed=rows) for rows in (1, 3, 40, 200)]
    work = [(x, packed) for x in inputs for packed in weights] * 3
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    expected = [linear.product(x, packed) for x, packed in work]
    torch.set_num_threads(3)
    try:
        with ThreadPoolExecutor(4) as executor:
            found = list(executor.map(lambda pair: linear.product(*pair), work))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_types_shapes_and_strides_of_x() -> None:
    packed = weight_of("int8", 40, 64, 0)
    x = rows_of(12, 128)
    expected = linear.product(x[:, :64].contiguous(), packed)
    assert torch.equal(linear.product(x[:, :64], packed), expected)
    assert torch.equal(linear.product(x[:, :64].T.contiguous().T, packed), expected)
    assert torch.equal(linear.product(x[:, :64].view(3, 4, 64), packed), expected.view(3, 4, 40))
    half = linear.product(x[:, :64].bfloat16(), packed)
    assert half.dtype == torch.bfloat16
    assert torch.equal(half, expected.bfloat16())
    assert torch.equal(linear.product(x[:, :64].bfloat16(), packed, dtype=torch.float32), expected)
    assert linear.product(x[:, :64].half(), packed).dtype == torch.float16


def test_rows_of_zeros_and_damaged_numbers() -> None:
    packed = weight_of("int4", 20, 96, 32)
    x = rows_of(3, 96)
    x[0] = 0
    x[1, 40] = float("nan")
    found = linear.product(x, packed, x_group=32)
    assert packed.bias is not None
    assert torch.equal(found[0], packed.bias[:20])
    assert found[1].isnan().all()
    assert found[2].isfinite().all()


@pytest.mark.parametrize(
    ("kind", "group", "x_group", "columns", "said"),
    [
        ("int8", 0, 0, 63, r"\[..., 64\]"),
        ("int8", 0, 20, 64, "16, 32, 48"),
        ("int4", 32, 64, 64, "0 or 32"),
        ("float32", 0, 32, 64, "is 0, not 32"),
    ],
)
def test_what_does_not_fit_is_named(kind: Kind, group: int, x_group: int, columns: int, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        linear.product(torch.zeros(2, columns), pack(torch.ones(8, 64), kind, group=group), x_group=x_group)


def test_c_never_gets_a_weight_it_would_read_beyond() -> None:
    whole = pack(torch.ones(16, 64), "int4", group=32)
    assert whole.scales is not None
    for broken in ({"data": whole.data[:, :-1]}, {"scales": whole.scales[:, :1]}, {"bias": torch.zeros(3)}, {"rows": 17}):
        with pytest.raises(ConfigError):
            linear.describe(PackedWeight(**{**vars(whole), **broken}))
