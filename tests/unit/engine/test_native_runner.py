"""The native runner gives what the model's own modules give: for every language row, kind of weight, and way of cutting a text."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from native_models import ROWS, WORDS, plain_model, quantise, quantised_model
from tiny import KINDS, vlm
from torch import Tensor, nn

from internvl.engine.native import NativeRunner, native_runner
from internvl.engine.runner import TorchRunner, make_runner
from internvl.kernels.library import native
from internvl.kernels.packed import pack
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.models.linear import Linear
from internvl.quantize.layer import QuantLinear
from internvl.quantize.packing import set_module

pytestmark = pytest.mark.skipif(native() is None, reason="no native kernels here")
TEXT = 90  # tokens: beyond the lengths from which dynamic rope and longrope turn otherwise
QUANTISED = {"int8": ("int8", 0, 128), "int8 rows": ("int8", 0, 0), "int8 groups": ("int8", 32, 32), "int4": ("int4", 32, 32)}


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def both(model: InternVL) -> tuple[TorchRunner, NativeRunner]:
    modules = TorchRunner(model)
    runner = native_runner(model, modules)
    assert runner is not None
    assert "decode" in runner.parts
    return modules, runner


def text(tokens: int = TEXT, seed: int = 0) -> Tensor:
    return torch.randint(0, WORDS, (1, tokens), generator=torch.Generator().manual_seed(seed))


def read(runner: TorchRunner | NativeRunner, cache: KVCache, ids: Tensor, *, chunk: int = 1 << 20, total: int = 0) -> Tensor:
    total = total or cache.length + ids.shape[1]
    for part in ids.split(chunk, dim=1):
        logits = runner.read(part, None, placeholder_id=-1, cache=cache, total=total)
    return logits


def agree(found: Tensor, truth: Tensor, tolerance: float) -> None:
    """The root mean square of what differs, beside the spread of the logits."""
    assert found.shape == truth.shape
    assert found.isfinite().all()
    assert (found.float() - truth.float()).square().mean().sqrt() <= tolerance * truth.float().std()


def same_run(model: InternVL, tolerance: float) -> None:
    """A text in unequal chunks, then tokens one by one and several at a time."""
    modules, runner = both(model)
    known, own = model.new_cache(), model.new_cache()
    agree(read(runner, own, text(), chunk=37), read(modules, known, text()), tolerance)
    for tokens in ([5], [7], [1, 2, 3], list(range(20)), [9]):
        agree(runner.decode([tokens], [own]), modules.decode([tokens], [known]), tolerance)
    assert own.lengths == known.lengths


@pytest.mark.parametrize("row", ROWS)
def test_plain_weights(row: str) -> None:
    same_run(plain_model(row), 1e-4)


@pytest.mark.parametrize("row", ["qwen2", "qwen3"])
def test_bfloat16_weights(row: str) -> None:
    same_run(plain_model(row, torch.bfloat16), 0.08)


# An input that is rounded up here and down there moves all that follows a little.
@pytest.mark.parametrize("kind", QUANTISED)
@pytest.mark.parametrize("row", ROWS)
def test_packed_weights(row: str, kind: str) -> None:
    same_run(quantised_model(row, *QUANTISED[kind]), 0.03)


def test_packed_weights_beside_bfloat16() -> None:
    same_run(quantised_model("qwen2", "int8", 0, 128, torch.bfloat16), 0.12)


def test_a_short_text_selects_other_angles_than_the_same_text_in_a_long_prompt() -> None:
    modules, runner = both(quantised_model("phi3", "int8", 0, 64))
    results = []
    for total in (20, 60):
        known, own = modules.model.new_cache(), modules.model.new_cache()
        results.append(read(runner, own, text(20), total=total))
        agree(results[-1], read(modules, known, text(20), total=total), 0.03)
    assert (results[0] - results[1]).abs().max() > 0.3 * results[0].std()


@pytest.mark.parametrize("model", [lambda: plain_model("qwen2"), lambda: quantised_model("qwen2", "int4", 32)], ids=("plain", "int4"))
def test_company_changes_nothing(model: Callable[[], InternVL]) -> None:
    _, runner = both(model())
    lengths, tokens = (300, 3, 130, 128), [[1], [2, 3, 4], [5], list(range(20))]
    alone, together = ([runner.model.new_cache() for _ in lengths] for _ in range(2))
    for caches in (alone, together):
        for seed, (length, cache) in enumerate(zip(lengths, caches, strict=True)):
            read(runner, cache, text(length, seed))
    for _ in range(3):
        single = torch.cat([runner.decode([[token]], [cache]) for row, cache in zip(tokens, alone, strict=True) for token in row])
        assert torch.equal(runner.decode(tokens, together), single)


def test_threads_change_nothing() -> None:
    _, runner = both(quantised_model("qwen2", "int8", 0, 128))
    results = []
    threads = torch.get_num_threads()
    for count in (1, 3):
        torch.set_num_threads(count)
        cache = runner.model.new_cache()
        results += [read(runner, cache, text(400)), runner.decode([[1], [2]], [cache, cache.copy(290)])]
    torch.set_num_threads(threads)
    assert torch.equal(results[0], results[2])
    assert torch.equal(results[1], results[3])


def test_a_cache_grows_is_cut_and_goes_on() -> None:
    _, runner = both(quantised_model("internlm2", "int8", 0, 128))
    cache, fresh = runner.model.new_cache(), runner.model.new_cache()
    read(runner, cache, text(30))
    for token in range(600):
        runner.decode([[token % WORDS]], [cache])
    assert cache.length == 630
    cache.truncate(30)
    read(runner, fresh, text(30))
    assert torch.equal(runner.decode([[4, 5]], [cache]), runner.decode([[4, 5]], [fresh]))


def test_modules_and_kernels_share_a_cache() -> None:
    modules, runner = both(quantised_model("llama3", "int8", 0, 128))
    known, mixed = modules.model.new_cache(), modules.model.new_cache()
    read(modules, known, text())
    read(runner, mixed, text()[:, :40], total=TEXT)
    read(modules, mixed, text()[:, 40:])
    for token in range(6):
        worker = (runner, modules)[token % 2]
        agree(worker.decode([[token]], [mixed]), modules.decode([[token]], [known]), 0.03)


def test_pictures_are_read_natively_too() -> None:
    modules, runner = both(quantised_model("qwen2", "int8", 0, 128))
    ids = text(20).clamp(min=4)
    ids[0, 4:8] = 3
    visual = torch.randn(4, modules.model.config.language.hidden_size, generator=torch.Generator().manual_seed(2))
    known, own = modules.model.new_cache(), modules.model.new_cache()
    truth = modules.read(ids, visual, placeholder_id=3, cache=known, total=20)
    agree(runner.read(ids, visual, placeholder_id=3, cache=own, total=20), truth, 0.03)


def test_changed_weights_are_seen_at_the_next_prompt() -> None:
    model = build_copy("qwen3")
    modules, runner = both(model)
    read(runner, model.new_cache(), text(10))
    with torch.inference_mode(False), torch.no_grad():
        for block in model.language_model.blocks:
            block.norm1.weight.mul_(1.5)
    known, own = model.new_cache(), model.new_cache()
    read(modules, known, text(10))
    read(runner, own, text(10))
    agree(runner.decode([[1]], [own]), modules.decode([[1]], [known]), 0.03)


def build_copy(row: str) -> InternVL:
    with torch.inference_mode(False):
        model = InternVL(plain_model(row).config)
        model.load_state_dict(plain_model(row).state_dict())
        return model.to(torch.bfloat16).eval()


def with_packed_eyes() -> InternVL:
    model = build_copy("qwen2").float()
    for name, layer in [(name, layer) for name, layer in model.named_modules() if type(layer) is Linear and "language" not in name]:
        set_module(model, name, QuantLinear(pack(layer.weight, "int8", bias=layer.bias)))
    return model.eval()


def test_pictures_are_encoded_natively_where_the_vision_side_is_packed() -> None:
    with torch.inference_mode(False):
        model = with_packed_eyes()
    modules, runner = both(model)
    assert runner.parts == ("encode", "decode")
    pixels = torch.randn(5, 3, 56, 56, generator=torch.Generator().manual_seed(3))
    agree(runner.encode(pixels), modules.encode(pixels), 0.03)
    model.vision_encoder.layers[0].register_forward_hook(lambda module, given, result: 2 * result)
    assert runner.parts == ("decode",)
    assert torch.equal(runner.encode(pixels), modules.encode(pixels))


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_answers_of_the_fixtures_are_those_of_the_modules(kind: str) -> None:
    with torch.inference_mode(False):
        model = quantise(copy.deepcopy(vlm(kind).model), "int8", 0, 48)
    modules, runner = both(model)
    answers = []
    for worker in (modules, runner):
        cache = model.new_cache()
        ids = torch.arange(10, 60)[None]
        answer = [int(read(worker, cache, ids).argmax())]
        for _ in range(40):
            answer.append(int(worker.decode([answer[-1:]], [cache])[0].argmax()))
        answers.append(answer)
    assert answers[0] == answers[1]


class _Odd(nn.Linear):
    pass


def _wrap(model: InternVL) -> None:
    model.language_model.layers[1].mlp.down = _Odd(160, 112)


def _hook(model: InternVL) -> None:
    model.language_model.layers[0].register_forward_hook(lambda *_: None)


def _train(model: InternVL) -> None:
    model.train()


def _half(model: InternVL) -> None:
    model.half()


def _act_otherwise(model: InternVL) -> None:
    model.language_model.config = replace(model.language_model.config, hidden_act="gelu")


def _meta(model: InternVL) -> None:
    model.to("meta")


@pytest.mark.parametrize("change", [_wrap, _hook, _train, _half, _act_otherwise, _meta])
def test_what_is_unknown_runs_by_its_modules(change: Callable[[InternVL], None]) -> None:
    model = build_copy("qwen2")
    assert isinstance(make_runner(model), NativeRunner)
    change(model)
    assert isinstance(make_runner(model), TorchRunner)


def test_a_model_that_becomes_unknown_runs_by_its_modules() -> None:
    model = build_copy("qwen2")
    modules, runner = both(model)
    read(runner, model.new_cache(), text(10))
    with torch.inference_mode(False):
        model.language_model.layers[0].mlp.register_forward_hook(lambda module, given, result: 2 * result)
    known, own = model.new_cache(), model.new_cache()
    assert torch.equal(read(modules, known, text(10)), read(runner, own, text(10)))
    assert torch.equal(modules.decode([[1]], [known]), runner.decode([[1]], [own]))


def test_without_kernels_modules_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNVL_KERNELS", "off")
    assert isinstance(make_runner(plain_model("qwen2")), TorchRunner)


def test_under_autocast_the_modules_run() -> None:
    """As when a model is asked in the middle of its training: its caches are of bfloat16 then, its weights of float32."""
    model = plain_model("qwen2")
    torch_runner, runner = both(model)
    answers = []
    with torch.autocast("cpu", torch.bfloat16):
        for each in (torch_runner, runner):
            cache = model.new_cache()
            read(each, cache, text())
            answers.append(each.decode([[3]], [cache]))
    assert torch.equal(*answers)
