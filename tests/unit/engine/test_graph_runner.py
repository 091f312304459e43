"""Steps in static slots give what the model's modules give, whoever joins, leaves, grows or is put out. Recording is stood in for."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator

import pytest
import torch
from native_models import ROWS, WORDS, plain_model
from test_scheduler import mixed, storm
from tiny import KINDS, fresh

from internvl.engine.graphs import GraphRunner, Step, graph_runner
from internvl.engine.runner import TorchRunner
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache


class Recorder:
    """Steps by running again; counts what was recorded and played."""

    def __init__(self) -> None:
        self.recorded = self.played = 0

    def __call__(self, step: Step) -> Step:
        self.recorded += 1

        def play() -> torch.Tensor:
            self.played += 1
            return step()

        return play


@pytest.fixture(autouse=True)
def _no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def both(model: InternVL, *, slots: int = 4, tokens: int = 1024) -> tuple[TorchRunner, GraphRunner, Recorder]:
    modules, recorder = TorchRunner(model), Recorder()
    return modules, GraphRunner(model, modules, record=recorder, slots=slots, tokens=tokens), recorder


def started(model: InternVL, modules: TorchRunner, length: int) -> tuple[KVCache, KVCache]:
    """A cache of a random text, and one like it."""
    cache = model.new_cache()
    ids = torch.randint(0, WORDS, (1, length), generator=torch.Generator().manual_seed(length))
    modules.read(ids, None, placeholder_id=-1, cache=cache, total=length)
    return cache, cache.copy(length)


def agree(found: torch.Tensor, truth: torch.Tensor) -> None:
    assert found.shape == truth.shape
    assert torch.allclose(found, truth, atol=1e-4 * float(truth.std()), rtol=1e-4)


@pytest.mark.parametrize("row", ROWS)
def test_one_sequence(row: str) -> None:
    model = plain_model(row)
    modules, graphs, recorder = both(model)
    known, own = started(model, modules, 9)
    for token in range(30):
        agree(graphs.decode([[token]], [own]), modules.decode([[token]], [known]))
    assert own.lengths == known.lengths == [39]
    limit = graphs.tokens - 9  # beyond its limit a model with scaled positions runs by its modules
    assert recorder.played == min(30, limit) + 1  # once to compare
    assert recorder.recorded == 1


def test_sequences_come_go_and_grow() -> None:
    model = plain_model("qwen2")
    modules, graphs, recorder = both(model, slots=3)
    source, pairs = random.Random(3), [started(model, modules, length) for length in (5, 250, 40, 17, 300)]
    for step in range(120):
        chosen = source.sample(pairs, source.randint(1, 3))
        tokens = [[source.randrange(WORDS)] for _ in chosen]
        if step % 10 == 9:  # a guess of several tokens runs by the modules and may move storage
            tokens = [[*row, 3, 4] for row in tokens]
        agree(graphs.decode(tokens, [own for _, own in chosen]), modules.decode(tokens, [known for known, _ in chosen]))
        if step % 15 == 14:
            for cache in chosen[0]:
                cache.truncate(cache.length - 2)
        if step == 60:
            pairs[1] = started(model, modules, 33)
    assert [own.length for _, own in pairs] == [known.length for known, _ in pairs]
    assert recorder.played > 90
    assert recorder.recorded <= 6


def test_a_cache_that_moved_out_holds_what_it_held() -> None:
    model = plain_model("qwen2")
    modules, graphs, _ = both(model, slots=1)
    (known, first), (_, second) = started(model, modules, 20), started(model, modules, 30)
    graphs.decode([[1]], [first])
    modules.decode([[1]], [known])
    kept = first.copy(21)
    for token in range(5):
        graphs.decode([[token]], [second])
    for layer in range(len(kept.keys)):
        for cache in (first, kept):
            assert torch.allclose(cache.keys[layer][:, :, :21], known.keys[layer][:, :, :21], atol=1e-5)  # type: ignore[index]
            assert torch.allclose(cache.values[layer][:, :, :21], known.values[layer][:, :, :21], atol=1e-5)  # type: ignore[index]


def test_what_does_not_fit_runs_by_the_modules() -> None:
    model = plain_model("qwen2")
    modules, graphs, recorder = both(model, slots=2, tokens=32)
    pairs = [started(model, modules, length) for length in (30, 4, 5)]
    for token in range(6):  # the first is full after two tokens, and three are more than two slots
        agree(graphs.decode([[token]], [pairs[0][1]]), modules.decode([[token]], [pairs[0][0]]))
    assert recorder.played == 2 + 1
    tokens = [[1], [2], [3]]
    agree(graphs.decode(tokens, [own for _, own in pairs]), modules.decode(tokens, [known for known, _ in pairs]))
    assert recorder.played == 2 + 1


class Cramped(GraphRunner):
    """On a device with little memory."""

    def _room(self, like: torch.Tensor) -> float:
        layers = self.model.config.language.num_layers
        return 2 * layers * like.shape[1] * like.shape[3] * like.element_size() * self.memory_tokens

    memory_tokens = 0.0


@pytest.mark.parametrize(("memory_tokens", "played"), [(600.0, True), (100.0, False)])
def test_little_memory_means_fewer_slots(memory_tokens: float, played: bool) -> None:
    model = plain_model("qwen2")
    modules, recorder = TorchRunner(model), Recorder()
    graphs = Cramped(model, modules, record=recorder)
    graphs.memory_tokens = memory_tokens
    pairs = [started(model, modules, length) for length in (9, 4, 300)]
    for chosen in (pairs, pairs[:2], pairs[2:], pairs[:1]):  # three are more than two slots, and the third is longer than one
        tokens = [[7] for _ in chosen]
        agree(graphs.decode(tokens, [own for _, own in chosen]), modules.decode(tokens, [known for known, _ in chosen]))
    assert (recorder.played > 0) == played


@pytest.mark.parametrize("fault", ["can't be recorded", "plays something else"])
def test_a_recording_that_fails_is_not_used(fault: str) -> None:
    def record(step: Step) -> Step:
        if fault == "can't be recorded":
            raise RuntimeError(fault)
        return lambda: step() * 1.5

    model = plain_model("qwen2")
    modules = TorchRunner(model)
    graphs = GraphRunner(model, modules, record=record, slots=2)
    known, own = started(model, modules, 12)
    with pytest.warns(RuntimeWarning, match="no CUDA graphs"):
        agree(graphs.decode([[3]], [own]), modules.decode([[3]], [known]))
    agree(graphs.decode([[4]], [own]), modules.decode([[4]], [known]))
    assert own.lengths == known.lengths


def test_numbers_that_an_earlier_owner_left_do_no_harm() -> None:
    model = plain_model("qwen2")
    modules, graphs, recorder = both(model, slots=1)
    (_, broken), (known, own) = started(model, modules, 40), started(model, modules, 6)
    graphs.decode([[1]], [broken])
    for values in broken.values:
        values[:] = float("nan")  # type: ignore[index]
    agree(graphs.decode([[1]], [own]), modules.decode([[1]], [known]))
    for values in own.values:
        values[:, :, own.length :] = float("inf")  # type: ignore[index]
    own.wipe()
    agree(graphs.decode([[2]], [own]), modules.decode([[2]], [known]))
    assert recorder.played > 2


def test_what_computes_otherwise_runs_by_the_modules() -> None:
    model = copy.deepcopy(plain_model("qwen2"))
    model.language_model.layers[0].register_forward_hook(lambda *_: None)
    modules, graphs, recorder = both(model)
    known, own = started(model, modules, 6)
    agree(graphs.decode([[1]], [own]), modules.decode([[1]], [known]))
    assert recorder.played == 0


def test_new_weights_are_recorded_anew() -> None:
    model = copy.deepcopy(plain_model("qwen2"))
    modules, graphs, recorder = both(model)
    ids = torch.arange(6)[None]
    for _ in range(2):
        known, own = model.new_cache(), model.new_cache()
        agree(*(runner.read(ids, None, placeholder_id=-1, cache=cache, total=6) for runner, cache in ((graphs, own), (modules, known))))
        agree(graphs.decode([[1]], [own]), modules.decode([[1]], [known]))
        model.language_model.norm.weight.data = model.language_model.norm.weight.data * 1.5
    assert recorder.recorded == 2


@pytest.mark.parametrize("kind", KINDS)
def test_an_engine_answers_the_same(kind: str) -> None:
    model, recorder = fresh(kind), Recorder()
    whole = model.engine.model
    model.engine.runner = GraphRunner(whole, TorchRunner(whole), record=recorder, slots=2, tokens=2048)
    storm(model, mixed(kind), 4, max_running=4)
    assert recorder.played > 0


def test_models_on_the_cpu_are_not_recorded() -> None:
    model = plain_model("qwen2")
    assert graph_runner(model, TorchRunner(model)) is None
