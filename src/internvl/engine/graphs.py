"""A runner for one CUDA device: decoding steps are recorded once and played again, because starting their kernels one by one takes
longer than running them.

    next tokens, caches -> slots (static keys and values) -> the graph for (rows, length), recorded at its first use -> logits

Rows and lengths are rounded up to powers of two, so a model has few graphs. Prompts, guesses of several tokens, sequences too long for
a slot and too many at once run by the model's modules, on the same caches. The recording itself has not been run by this package's
tests, which have no GPU; everything around it has.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from internvl.engine.native_parts import signature
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.models.language.slots import SlotRows, Slots

if TYPE_CHECKING:
    from internvl.engine.runner import Runner

SLOTS = 16
TOKENS = 8192  # of a slot at most
SHORTEST = 256  # tokens that a graph looks at, at least
SHARE = 0.1  # of the device's memory that slots may take

Play: TypeAlias = Callable[[], Tensor]


class GraphRunner:
    """Runs a model that lies on one device. record: makes of a step one that is fast to repeat, in the memory that it used."""

    def __init__(
        self, model: InternVL, modules: Runner, *, record: Callable[[Play], Play], slots: int = SLOTS, tokens: int = TOKENS
    ) -> None:
        self.model = model
        self.modules = modules
        self.count = slots
        rotary = model.language_model.rotary
        self.tokens = min(tokens, model.config.language.max_positions, rotary.unscaled or tokens)
        self._record = record
        self._steps: _Steps | None = None
        self._signature: tuple[object, ...] = ()

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.modules.encode(pixels)

    def read(self, ids: Tensor, visual: Tensor | None, *, placeholder_id: int, cache: KVCache, total: int) -> Tensor:
        """Append ids [1,L] to a cache -> logits [vocabulary] after the last of them."""
        found = signature(self.model.language_model)
        if found != self._signature:
            self._signature, self._steps = found, None  # graphs of other weights
        return self.modules.read(ids, visual, placeholder_id=placeholder_id, cache=cache, total=total)

    def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> Tensor:
        """Append to each cache its tokens -> logits [n,vocabulary] after each of all n tokens."""
        like = caches[0].keys[0]
        single = all(len(row) == 1 for row in tokens)
        fits = len(caches) <= self.count and all(cache.rows == 1 and cache.length < self.tokens for cache in caches)
        if like is None or not single or not fits or torch.is_autocast_enabled(like.device.type):
            return self.modules.decode(tokens, caches)
        if self._steps is None:
            self._steps = _Steps(self.model, self._slots(like), self._record)
        logits = self._steps.run([row[0] for row in tokens], caches)
        for cache in caches:
            cache.advance(1)
        return logits

    def _slots(self, like: Tensor) -> Slots:
        """As many slots, and as long ones, as a share of the device's memory holds."""
        layers = self.model.config.language.num_layers
        if like.device.type == "cuda":
            room = SHARE * torch.cuda.get_device_properties(like.device).total_memory
            token = 2 * layers * like.shape[1] * like.shape[3] * like.element_size()
            self.tokens = min(self.tokens, max(SHORTEST, int(room / token) // 4))
            self.count = max(1, min(self.count, int(room / token / self.tokens)))
        return Slots(layers, self.count, self.tokens, like)


class _Steps:
    """The recorded steps of a model and what they read: a token and a position for each slot."""

    def __init__(self, model: InternVL, slots: Slots, record: Callable[[Play], Play]) -> None:
        self.model, self.slots = model, slots
        self._record = record
        device = slots.keys[0].device
        self._ids = torch.zeros(slots.count, dtype=torch.int64, device=device)
        self._positions = torch.zeros(slots.count, dtype=torch.int64, device=device)
        self._plays: dict[tuple[int, int], Play] = {}

    def run(self, tokens: Sequence[int], caches: Sequence[KVCache]) -> Tensor:
        """One token for each cache -> logits [n,vocabulary]."""
        places = self.slots.place(caches)
        ids, positions = [0] * self.slots.count, [self.slots.tokens] * self.slots.count
        for token, cache, place in zip(tokens, caches, places, strict=True):
            ids[place], positions[place] = token, cache.length
        given = torch.tensor([ids, positions]).to(self._ids.device)
        self._ids.copy_(given[0])
        self._positions.copy_(given[1])
        rows = min(self.slots.count, _power_of_two(max(places) + 1))
        seen = min(self.slots.tokens, max(SHORTEST, _power_of_two(max(cache.length for cache in caches) + 1)))
        if (rows, seen) not in self._plays:
            self._plays[rows, seen] = self._record(self._step(rows, seen))
        return self._plays[rows, seen]()[torch.tensor(places, device=self._ids.device)]

    def _step(self, rows: int, seen: int) -> Play:
        model, cache = self.model, SlotRows(self.slots, rows, seen, self._positions)
        return lambda: model(self._ids[:rows, None], cache=cache)[:, 0]


def graph_runner(model: InternVL, modules: Runner) -> GraphRunner | None:
    """A runner of a model that lies on one CUDA device as a whole; None for others."""
    devices = {parameter.device for parameter in model.parameters()}
    if len(devices) != 1 or devices.pop().type != "cuda":
        return None
    return GraphRunner(model, modules, record=recorded)


def recorded(step: Play) -> Play:
    """A CUDA graph of a step. It is run twice before, as torch asks, which writes the same keys to the same places."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(2):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        logits = step()

    def play() -> Tensor:
        graph.replay()
        return logits

    return play


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
