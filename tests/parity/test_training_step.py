"""One training step beside transformers' port: the same weights and the same batch give the same loss and the same gradients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.checkpoint.keymap import keymap
from internvl.checkpoint.load import load_model
from internvl.data.batch import Batch
from internvl.inputs import ModelInputs
from internvl.messages import Image
from internvl.processor import Processor, compose
from internvl.prompt.tokenizer import load_tokenizer
from internvl.train.objectives.module import Losses, TrainingModule
from internvl.train.objectives.sft import SupervisedObjective

transformers = pytest.importorskip("transformers")

FIXTURES = Path(__file__).parent / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3")
ANSWER_TOKENS = 9


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def native(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(kind) / "native"
    convert(FIXTURES / kind, folder, layout="native")
    return folder


def prompts(folder: Path) -> list[ModelInputs]:
    """A question about two pictures and one about none, of unequal lengths, each followed by some answer."""
    processor = Processor.of(Checkpoint(folder).config, load_tokenizer(folder))
    images = [Image(FIXTURES / f"image{i}.png", max_tiles=3) for i in range(2)]
    return [processor.prepare(compose("What differs?", images)), processor.prepare(compose("Say something.", []))]


def batch_of(sequences: list[ModelInputs]) -> Batch:
    """All in one row, each with an answer of random tokens that is to be learned."""
    ids, labels, positions, segments = [], [], [], []
    generator = torch.Generator().manual_seed(0)
    for number, inputs in enumerate(sequences):
        answer = torch.randint(3, 200, (ANSWER_TOKENS,), generator=generator)
        ids.append(torch.cat([inputs.ids, answer]))
        labels.append(torch.cat([torch.full_like(inputs.ids, -100), answer]))
        positions.append(torch.arange(len(ids[-1])))
        segments.append(torch.full_like(ids[-1], number))
    row = [torch.cat(parts)[None] for parts in (ids, labels, positions, segments)]
    tiles = [inputs.pixels for inputs in sequences if inputs.pixels is not None]
    return Batch(ids=row[0], labels=row[1], positions=row[2], segments=row[3], weights=(row[1] >= 0).float(), pixels=torch.cat(tiles))


def our_step(folder: Path, batch: Batch, placeholder_id: int) -> tuple[Losses, dict[str, Tensor]]:
    """Losses, and gradients under the names and in the shapes of the port."""
    model = load_model(folder)
    losses: Losses = TrainingModule(model, SupervisedObjective(), placeholder_id=placeholder_id).train()(batch)
    (losses.total / losses.weight).backward()
    own = {name: parameter.grad for name, parameter in model.named_parameters()}
    named: dict[str, Tensor] = {}
    for entry in keymap(model.config, "native"):
        gradient = own[entry.ours]
        assert gradient is not None, entry.ours
        named |= dict(zip(entry.stored, entry.split(gradient), strict=True))
    return losses, named


def their_step(folder: Path, batch: Batch) -> tuple[float, dict[str, Tensor]]:
    """Mean loss over all labelled tokens, a sequence at a time, and its gradients."""
    port: Any = transformers.InternVLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).train()
    tokens = int((batch.labels >= 0).sum())
    mean = 0.0
    for number in range(int(batch.segments.max()) + 1):
        place = batch.segments[0] == number
        ids, labels = batch.ids[:, place], batch.labels[:, place]
        pixels = {"pixel_values": batch.pixels} if number == 0 else {}
        loss = port(input_ids=ids, attention_mask=torch.ones_like(ids), labels=labels, **pixels).loss
        share = loss * int((labels >= 0).sum()) / tokens
        share.backward()
        mean += share.item()
    return mean, {name: parameter.grad for name, parameter in port.named_parameters()}


def test_a_packed_step_is_theirs(kind: str, native: Path) -> None:
    sequences = prompts(native)
    batch = batch_of(sequences)
    expected, wanted = their_step(native, batch)
    losses, found = our_step(native, batch, sequences[0].placeholder_id)
    assert (losses.total / losses.weight).item() == pytest.approx(expected, rel=1e-5)
    assert int(losses.tokens) == 2 * ANSWER_TOKENS
    assert wanted.keys() <= found.keys()
    # A bias of keys moves all scores of a query alike, so its gradient is rounding; hence the share of the largest gradient.
    largest = max(float(gradient.norm()) for gradient in wanted.values())
    for name, gradient in wanted.items():
        assert float((found[name] - gradient).norm()) < 1e-4 * float(gradient.norm()) + 1e-7 * largest, name
