"""A model quantised block by block, each judged on what really comes into it: the output of the quantised blocks before.

    tiles -> vision blocks -> projector -> visual tokens among embeddings -> language blocks -> head
             each block: run it as it is, watch its layers' inputs -> choose -> run it quantised -> the next block's input

Only one block's statistics are held at a time, besides the hidden states of all samples.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from internvl.kernels.packed import unpack_rows
from internvl.models.build import meta_model
from internvl.models.internvl import InternVL
from internvl.models.language.cache import KVCache
from internvl.quantize.choosing import Choice, choose, relative_error
from internvl.quantize.formats import layer_shapes, shares_table
from internvl.quantize.layer import QuantEmbedding, QuantLinear
from internvl.quantize.layer_inputs import LayerInputs, Watch
from internvl.quantize.packing import quant_module, set_module
from internvl.quantize.plan import EMBEDDING, HEAD, QuantPlan
from internvl.quantize.sample import Sample
from internvl.quantize.smoothing import divided_norm

Progress = Callable[[int, int], None]
# The linear layers of a block in their order, each with the norm in front of it, if its weight can be divided.
_VISION = {"attention.qkv": "norm1", "attention.out": None, "mlp.up": "norm2", "mlp.down": None}
_LANGUAGE = {"attention.qkv": "norm1", "attention.out": None, "mlp.gate_up": "norm2", "mlp.down": None}
_PROJECTOR = {"up": "norm", "out": None}


@dataclass
class _Flow:
    """Hidden states of one sample on their way, and what else a block is called with. weights: how much each row counts."""

    hidden: Tensor
    held_out: bool
    rest: tuple[Any, ...] = ()
    weights: Tensor | None = None


@torch.no_grad()
def calibrate(
    full: InternVL, plan: QuantPlan, samples: Sequence[Sample], *, progress: Progress | None = None
) -> tuple[InternVL, list[Choice]]:
    """A quantised model, and what was chosen for every layer. `full` is not changed; what stays float is shared with it."""
    plan.check_names(list(layer_shapes(full.config)))
    work = _Work(full, plan, progress)
    visual = work.vision(samples)
    work.embedding(samples)
    work.language(samples, visual)
    return work.model.eval(), work.choices


class _Work:
    """The quantised model as far as it is made."""

    def __init__(self, full: InternVL, plan: QuantPlan, progress: Progress | None) -> None:
        self.full, self.plan, self.choices = full, plan, list[Choice]()
        self.model = meta_model(full.config)
        self.model.vision_encoder.embeddings = full.vision_encoder.embeddings
        self.model.language_model.norm = full.language_model.norm
        self._progress, self._done = progress, 0

    def vision(self, samples: Sequence[Sample]) -> list[Tensor | None]:
        """Encoder and projector -> visual tokens [T,V,D] of every sample, as the quantised parts make them."""
        encoder = self.full.vision_encoder
        flows = [
            _Flow(encoder.embeddings(sample.inputs.pixels.to(self.full.dtype)), sample.held_out)
            for sample in samples
            if sample.inputs.pixels is not None
        ]
        for index, block in enumerate(encoder.blocks):
            used = flows if index < self.full.config.vision_layers_used else []
            self.model.vision_encoder.layers[index] = self._block(block, f"vision_encoder.layers.{index}", _VISION, used)
        for flow in flows:
            flow.hidden = flow.hidden[:, 1:]
        self.model.projector = cast(Any, self._block(self.full.projector, "projector", _PROJECTOR, flows))
        tokens = iter(flows)
        return [None if sample.inputs.pixels is None else next(tokens).hidden for sample in samples]

    def embedding(self, samples: Sequence[Sample]) -> None:
        """The table of words; judged on the words that occur."""
        table = self.full.language_model.embedding
        self.model.language_model.embedding = table
        tied_float = self.full.language_model.head is None and self.plan.kind_of(HEAD) == "float"
        if self.plan.kind_of(EMBEDDING) == "float" or tied_float:
            return
        choice = choose(EMBEDDING, table.weight, None, None, self.plan)
        used = torch.cat([sample.ids.flatten() for sample in samples]).unique()
        assert choice.packed is not None  # with no rows to judge by, nothing is refused
        error = relative_error(unpack_rows(choice.packed, used), table.weight[used].float())
        if error <= self.plan.int8_limit:
            self.choices.append(Choice(name=EMBEDDING, packed=choice.packed, form=choice.form, error=error))
            self.model.language_model.embedding = cast(Any, QuantEmbedding(choice.packed, dtype=table.weight.dtype))

    def language(self, samples: Sequence[Sample], visual: Sequence[Tensor | None]) -> None:
        """Decoder and head."""
        decoder = self.full.language_model
        flows = [self._words(sample, tokens) for sample, tokens in zip(samples, visual, strict=True)]
        for index, block in enumerate(decoder.blocks):
            self.model.language_model.layers[index] = self._block(block, f"language_model.layers.{index}", _LANGUAGE, flows)
        asked = [_Flow(decoder.norm(flow.hidden[:, sample.asked]), flow.held_out) for flow, sample in zip(flows, samples, strict=True)]
        self._head(asked)
        self._step()

    def _words(self, sample: Sample, visual: Tensor | None) -> _Flow:
        hidden = self.model.embed(sample.ids, visual, placeholder_id=sample.inputs.placeholder_id)
        step = KVCache(0).plan(hidden.shape[1], hidden.device)
        angles = self.full.language_model.rotary(step.positions, step.total, hidden.dtype, step.lengths)
        return _Flow(hidden, sample.held_out, (angles, step, None), sample.weights)

    def _head(self, flows: Sequence[_Flow]) -> None:
        decoder, table = self.full.language_model, self.model.language_model.embedding
        weight = decoder.embedding.weight if decoder.head is None else decoder.head.weight
        self.model.language_model.head = decoder.head
        inputs = LayerInputs(torch.zeros(weight.shape[1]), self._room(HEAD, weight.shape[1]))
        for flow in flows:
            inputs.keep(flow.hidden, 64) if flow.held_out else inputs.take(flow.hidden)
        choice = choose(HEAD, weight, None, inputs, self.plan)
        if choice.packed is None or choice.form is None:
            if decoder.head is None:  # tied: the same numbers as the table of words, which then stays float too
                self.model.language_model.embedding = decoder.embedding
                self.choices = [each for each in self.choices if each.name != EMBEDDING]
            return
        packed, forms = choice.packed, {each.name: each.form for each in (*self.choices, choice) if each.form is not None}
        if shares_table(forms, self.full.config) and isinstance(table, QuantEmbedding):
            packed = table.packed
        self.choices.append(choice)
        self.model.language_model.head = cast(Any, QuantLinear(packed, input_group=choice.form.input_group))

    def _block(self, block: nn.Module, name: str, sites: dict[str, str | None], flows: Sequence[_Flow]) -> nn.Module:
        """The block quantised; the flows have passed it."""
        made = copy.deepcopy(block, {id(parameter): parameter for parameter in block.parameters()})
        inputs = self._watched(block, name, sites, flows)
        for site, norm in sites.items():
            layer = cast(nn.Linear, block.get_submodule(site))
            choice = choose(f"{name}.{site}", layer.weight, layer.bias, inputs.get(site), self.plan, smooths=norm is not None)
            if choice.packed is None or choice.form is None:
                continue
            self.choices.append(choice)
            set_module(made, site, quant_module(choice.name, choice.packed, choice.form, dtype=self.full.dtype))
            if norm is not None and choice.scales is not None:
                set_module(made, norm, divided_norm(block.get_submodule(norm), choice.scales))
        for flow in flows:
            flow.hidden = made(flow.hidden, *flow.rest)
        self._step()
        return made

    def _watched(self, block: nn.Module, name: str, sites: dict[str, str | None], flows: Sequence[_Flow]) -> dict[str, LayerInputs]:
        layers = {site: block.get_submodule(site) for site in sites if self.plan.kind_of(f"{name}.{site}") != "float"}
        moments = [site for site in layers if self.plan.kind_of(f"{name}.{site}") == "int4"]
        if not flows or not layers:
            return {}
        watch = Watch(layers, moments=moments, calls=sum(flow.held_out for flow in flows))
        with watch.watching():
            for flow in flows:
                watch.held_out, watch.weights = flow.held_out, flow.weights
                block(flow.hidden, *flow.rest)
        return watch.inputs

    def _room(self, name: str, columns: int) -> Tensor | None:
        return torch.zeros(columns, columns) if self.plan.kind_of(name) == "int4" else None

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            config = self.full.config
            self._progress(self._done, config.vision.num_layers + config.language.num_layers + 2)
