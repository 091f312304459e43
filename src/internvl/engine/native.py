"""A runner that computes by the native kernels where they are faster, and by a model's own modules where they are not.

    quantised vision side:     encode natively
    quantised language model:  read and decode natively
    float32 or bfloat16 one:   decode natively, from the weights where they lie; read by its modules (torch is good at matrix products)

Caches are those of the modules, so both kinds of work can follow each other on one cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import torch
from torch import Tensor, nn

from internvl.engine.native_parts import LanguagePass, language_pass, signature, vision_pass
from internvl.kernels.language import NewTokens
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache

if TYPE_CHECKING:
    from internvl.engine.runner import Runner

Pass = TypeVar("Pass")


def native_runner(model: InternVL, modules: Runner) -> NativeRunner | None:
    """A runner of a model of which the kernels can run a part; `modules` runs the others. None for other models."""
    runner = NativeRunner(model, modules)
    return runner if runner.parts else None


class NativeRunner:
    """Runs a model by the native kernels. When it is trained, moved or changed meanwhile, the next prompt or picture finds it so."""

    def __init__(self, model: InternVL, modules: Runner) -> None:
        self.model = model
        self.modules = modules
        self._language = _Watched((model.language_model,), lambda: language_pass(model.language_model))
        self._vision = _Watched((model.vision_encoder, model.projector), lambda: vision_pass(model))

    @property
    def parts(self) -> tuple[str, ...]:
        """What the kernels run: "encode" pictures, "read" prompts, "decode" answers."""
        language, vision = self._language.current(), self._vision.current()
        runs = {"encode": vision is not None, "read": language is not None and language.reads, "decode": language is not None}
        return tuple(name for name, native in runs.items() if native)

    def encode(self, pixels: Tensor) -> Tensor:
        """Normalised pixels [T,3,S,S] -> visual tokens [T,V,D]."""
        vision = self._vision.current()
        return self.modules.encode(pixels) if vision is None or _autocast() else vision.encode(pixels)

    def read(self, ids: Tensor, visual: Tensor | None, *, placeholder_id: int, cache: KVCache, total: int) -> Tensor:
        """Append ids [1,L] to a cache -> logits [vocabulary] after the last of them."""
        language = self._language.current()
        if language is None or not language.reads or _autocast():
            return self.modules.read(ids, visual, placeholder_id=placeholder_id, cache=cache, total=total)
        count = ids.shape[1]
        embeddings = self.model.embed(ids, visual, placeholder_id=placeholder_id)[0]
        new = _appended(language, cache, count, language.angles.read(cache.length, count, total))
        logits = language.run(_own(embeddings), [new], last_only=True)
        cache.advance(count)
        return logits[0]

    def decode(self, tokens: Sequence[Sequence[int]], caches: Sequence[KVCache]) -> Tensor:
        """Append to each cache its tokens -> logits [n,vocabulary] after each of all n tokens."""
        language = self._language.known
        if language is None or _autocast():
            return self.modules.decode(tokens, caches)
        news = [
            _appended(language, cache, len(row), language.angles.decode(cache.length, len(row)))
            for row, cache in zip(tokens, caches, strict=True)
        ]
        logits = language.run.words([token for row in tokens for token in row], news)
        for row, cache in zip(tokens, caches, strict=True):
            cache.advance(len(row))
        return logits


class _Watched(Generic[Pass]):
    """The native pass of some parts of a model, made anew when they change. Looking takes half a millisecond: not for every token."""

    def __init__(self, parts: Sequence[nn.Module], make: Callable[[], Pass | None]) -> None:
        self._parts, self._make = parts, make
        self._signature: tuple[object, ...] = ()
        self.known: Pass | None = None

    def current(self) -> Pass | None:
        """The pass of the parts as they are now."""
        found = signature(*self._parts)
        if found != self._signature:
            self._signature, self.known = found, self._make()
        return self.known


def _autocast() -> bool:
    """Whether number types are torch's to choose, call by call (evaluation within training): caches then mix them."""
    return torch.is_autocast_enabled("cpu")


def _appended(language: LanguagePass, cache: KVCache, count: int, angles: tuple[Tensor, Tensor]) -> NewTokens:
    start = cache.length
    if not language.run.has_room(cache.keys, start + count):
        cache.reserve(count, language.like)
    return NewTokens(cache.keys, cache.values, start, count, *angles)


def _own(embeddings: Tensor) -> Tensor:
    """Float32 in memory of its own: the pass overwrites it."""
    return embeddings.float() if embeddings.dtype != torch.float32 else embeddings.clone(memory_format=torch.contiguous_format)
