"""A runner for one CUDA device: decoding steps are recorded once and played again, because starting their kernels one by one takes
longer than running them.

    next tokens, caches -> slots (static keys and values) -> the graph for (rows, length), recorded at its first use -> logits

Rows and lengths are rounded up to powers of two, so a model has few graphs. Prompts, guesses of several tokens, sequences too long for
a slot and too many at once run by the model's modules, on the same caches; so does everything once a recording has failed. The
recording itself has not been run by this package's tests, which have no GPU, so each is compared with the step it was made from before
it is used; everything around it has been.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from internvl.engine.native_parts import recordable, signature
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.models.language.slots import SlotRows, Slots

if TYPE_CHECKING:
    from internvl.engine.runner import Runner

SLOTS = 16
FEW_SLOTS = 8  # rather shorter ones than fewer
TOKENS = 8192  # of a slot at most
SHORTEST = 256  # tokens that a graph looks at, at least
SHARE, FREE_SHARE = 0.1, 0.25  # of the device's memory, and of what is free of it, that slots may take
CLOSE = 0.05  # how far the logits of a graph may be from its step's, against their spread; kernels may be chosen differently

Step: TypeAlias = Callable[[], Tensor]


class GraphRunner:
    """Runs a model that lies on one device. record: makes of a step one that is fast to repeat, in the memory that it used."""

    def __init__(
        self, model: InternVL, modules: Runner, *, record: Callable[[Step], Step], slots: int = SLOTS, tokens: int = TOKENS
    ) -> None:
        self.model = model
        self.modules = modules
        rotary = model.language_model.rotary
        self.slots = slots
        self.tokens = min(tokens, model.config.language.max_positions, rotary.unscaled or tokens)
        self._record = record
        self._steps: _Steps | None = None
        self._failed = False
        self._look()

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.modules.encode(pixels)

    def read(self, ids: Tensor, visual: Tensor | None, *, placeholder_id: int, cache: KVCache, total: int) -> Tensor:
        """Append ids [1,L] to a cache -> logits [vocabulary] after the last of them."""
        if signature(self.model.language_model) != self._signature:
            self._look()
        return self.modules.read(ids, visual, placeholder_id=placeholder_id, cache=cache, total=total)

    def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> Tensor:
        """Append to each cache its tokens -> logits [n,vocabulary] after each of all n tokens."""
        steps = self._steps_for(tokens, caches)
        if steps is not None:
            try:
                return steps.run([row[0] for row in tokens], caches)
            except RuntimeError as error:
                # Too little memory, or a kernel that can't be recorded. Caches are as they were before.
                warnings.warn(f"no CUDA graphs for this model, which is slower: {error}", RuntimeWarning, stacklevel=2)
                self._failed = True
                self._drop()
        return self.modules.decode(tokens, caches)

    def _steps_for(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> _Steps | None:
        """What plays this step; None where the modules have to run it."""
        like = caches[0].keys[0]
        single = all(len(row) == 1 for row in tokens) and all(cache.rows == 1 for cache in caches)
        if like is None or not single or self._failed or not self._recordable or torch.is_autocast_enabled(like.device.type):
            return None
        if _addresses(self.model) != self._places:
            return None  # weights were replaced within an answer; the next prompt looks anew
        if self._steps is None:
            slots = self._make_slots(like)
            self._failed = slots is None
            self._steps = None if slots is None else _Steps(self.model, slots, self._record)
        steps = self._steps
        return steps if steps is not None and steps.fits(caches) else None

    def _look(self) -> None:
        """Take the model as it is now. What was recorded of another one is forgotten."""
        self._drop()
        self._signature = signature(self.model.language_model)
        self._places = _addresses(self.model)
        self._recordable = recordable(self.model.language_model)

    def _drop(self) -> None:
        if self._steps is not None:
            self._steps.slots.clear()
        self._steps = None

    def _make_slots(self, like: Tensor) -> Slots | None:
        """As many slots, and as long ones, as a share of the device's memory holds; None where not even a short one fits."""
        layers, count, tokens = self.model.config.language.num_layers, self.slots, self.tokens
        room = self._room(like)
        if room is not None:
            most = int(room / (2 * layers * like.shape[1] * like.shape[3] * like.element_size()))  # tokens
            tokens = min(tokens, max(SHORTEST, most // FEW_SLOTS))
            count = min(count, most // (tokens + 1))
        return Slots(layers, count, tokens, like) if count else None

    def _room(self, like: Tensor) -> float | None:
        """Bytes that slots may take; None without a limit."""
        if like.device.type != "cuda":
            return None
        free, whole = torch.cuda.mem_get_info(like.device)
        free += torch.cuda.memory_reserved(like.device) - torch.cuda.memory_allocated(like.device)
        return min(SHARE * whole, FREE_SHARE * free)


class _Steps:
    """The recorded steps of a model and what they read: for each slot a token and a position, and the slots that were asked for."""

    def __init__(self, model: InternVL, slots: Slots, record: Callable[[Step], Step]) -> None:
        self.model, self.slots = model, slots
        self._record = record
        self._given = torch.zeros(3, slots.count, dtype=torch.int64, device=slots.keys[0].device)
        self._plays: dict[tuple[int, int], Step] = {}

    def fits(self, caches: Sequence[KVCache]) -> bool:
        """Whether there are slots for all of them, and one more token in each."""
        return len(caches) <= self.slots.count and all(cache.length < self.slots.tokens for cache in caches)

    def run(self, tokens: Sequence[int], caches: Sequence[KVCache]) -> Tensor:
        """Append one token to each cache -> logits [n,vocabulary]. Raises RuntimeError, and then no cache has changed."""
        places = self.slots.place(caches)
        count = self.slots.count
        ids, positions = [0] * count, [self.slots.tokens] * count
        for token, cache, place in zip(tokens, caches, places, strict=True):
            ids[place], positions[place] = token, cache.length
        # In one go: each copy from the host waits for the device.
        self._given.copy_(torch.tensor([ids, positions, places + [0] * (count - len(places))]))
        rows = min(count, _power_of_two(max(places) + 1))
        seen = min(self.slots.tokens, max(SHORTEST, _power_of_two(max(cache.length for cache in caches) + 1)))
        if (rows, seen) not in self._plays:
            self._plays[rows, seen] = _checked(self._step(rows, seen), self._record)
        logits = self._plays[rows, seen]()[self._given[2, : len(places)]]
        for cache in caches:
            cache.advance(1)
        return logits

    def _step(self, rows: int, seen: int) -> Step:
        model, ids, cache = self.model, self._given[0, :rows, None], SlotRows(self.slots, rows, seen, self._given[1])
        return lambda: model(ids, cache=cache)[:, 0]


class CudaGraphs:
    """Records steps on a device: all in one stream and one pool of memory, since they are played one after the other."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        with torch.cuda.device(device):
            self._stream, self._pool = torch.cuda.Stream(device), torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        """A CUDA graph of a step. It is run twice before, as torch asks, which writes the same keys to the same places."""
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self.device):
            current = torch.cuda.current_stream()
            self._stream.wait_stream(current)
            with torch.cuda.stream(self._stream):
                for _ in range(2):
                    step()
                with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
                    logits = step()
            current.wait_stream(self._stream)

        def play() -> Tensor:
            with torch.cuda.device(self.device):
                graph.replay()
            return logits

        return play


def graph_runner(model: InternVL, modules: Runner) -> GraphRunner | None:
    """A runner of a model that lies on one CUDA device as a whole; None for others."""
    devices = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    if len(devices) != 1 or next(iter(devices)).type != "cuda":
        return None
    return GraphRunner(model, modules, record=CudaGraphs(devices.pop()))


def _checked(step: Step, record: Callable[[Step], Step]) -> Step:
    """The recorded step, once it has given what the step gives. Raises RuntimeError."""
    truth = step()
    play = record(step)
    apart, spread = (play() - truth).float().abs().max(), truth.float().std()
    if not apart <= CLOSE * spread and bool(truth.isfinite().all()):
        raise RuntimeError(f"a recorded step is {float(apart):.3g} away from the step itself, whose logits spread {float(spread):.3g}")
    return play


def _addresses(model: InternVL) -> tuple[int, int]:
    decoder = model.language_model
    return decoder.embedding.weight.data_ptr(), decoder.norm.weight.data_ptr()


def _power_of_two(number: int) -> int:
    return 1 << (number - 1).bit_length()
