"""Half of the patches left out: they are not computed, who is left out depends on the showing alone, and evaluation sees all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pair_data import write_pairs

from internvl import load_dual
from internvl.checkpoint.dual import load_dual_model
from internvl.data.config import DataConfig
from internvl.data.loader import TrainingData
from internvl.data.manifest import load_manifest
from internvl.data.pairs import PairBuilder
from internvl.errors import ConfigError
from internvl.models.vision.block import Block
from internvl.models.vision.embeddings import stretch_positions
from internvl.prompt.tokenizer import load_tokenizer
from internvl.train.callbacks import Callback
from internvl.train.config import OptimConfig, TrainConfig
from internvl.train.continuation import check_continues, config_facts
from internvl.train.flops import counter_of
from internvl.train.meters import StepRecord
from internvl.train.optim import parameter_groups
from internvl.train.stages import stage_config
from internvl.train.trainer import Trainer

DUAL = Path(__file__).parents[1] / "parity" / "fixtures" / "internvl-14b"  # pictures of 56 px: 16 patches
ALL = frozenset({"vision_encoder", "projector", "language_model"})


def config(out: Path, manifest: Path, **changes: object) -> TrainConfig:
    plain = TrainConfig(
        model=str(DUAL), out=out, objective="contrastive", train_parts=ALL, patch_masking=0.5, drop_path=0.2, drop_path_shape="uniform",
        data=DataConfig(manifest=manifest, packing=False, workers=0, max_tokens=40, held_back=0.25),
        optim=OptimConfig(lr=1e-3, warmup=0.0), batch_size=4, rows_per_forward=4, steps=4, precision="fp32", save_every=2, log_every=0,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


class Stop(Callback):
    def on_step(self, record: StepRecord) -> None:
        if record.step == 3:
            raise KeyboardInterrupt


def test_what_is_not_shown_is_not_computed() -> None:
    encoder = load_dual_model(DUAL).vision_encoder
    pixels = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))
    kept = torch.tensor([[0, 5, 7], [1, 2, 15]])
    seen: list[int] = []
    for block in encoder.blocks:
        block.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape[1]))
    with torch.no_grad():
        hidden = torch.stack([encoder.embeddings(pixels)[row, [0, *(kept[row] + 1)]] for row in range(2)])
        for block in encoder.blocks:
            hidden = block(hidden)
        seen.clear()
        found = encoder(pixels, kept=kept)
    assert set(seen) == {4}  # the class token and three patches
    torch.testing.assert_close(found, hidden)
    torch.testing.assert_close(encoder(pixels, kept=torch.arange(16).expand(2, -1)), encoder(pixels))


def test_the_count_of_operations_knows() -> None:
    model = load_dual_model(DUAL)
    model.language_model.requires_grad_(False)
    whole, half = (counter_of(model, "contrastive", masking=share).operations(lengths=[], tiles=1, predicted=0) for share in (0.0, 0.5))
    assert 0.4 < half / whole < 0.6


def test_training_sees_half_and_evaluation_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[bool, set[int]] = {True: set(), False: set()}
    layer = Block._layer

    def watched(self: Block, x: torch.Tensor) -> torch.Tensor:
        seen[torch.is_grad_enabled()].add(x.shape[1])
        return layer(self, x)

    monkeypatch.setattr(Block, "_layer", watched)
    result = Trainer(config(tmp_path / "run", write_pairs(tmp_path / "data"), eval_every=2), quiet=True).run()
    assert seen == {True: {9}, False: {17}}
    assert "held_back/image_to_text@1" in result.evaluations


def test_a_run_that_was_cut_goes_on_bit_for_bit(tmp_path: Path) -> None:
    data = write_pairs(tmp_path / "data")
    whole, cut = config(tmp_path / "whole", data), config(tmp_path / "cut", data)
    Trainer(whole, quiet=True).run()
    with pytest.raises(KeyboardInterrupt):
        Trainer(cut, callbacks=[Stop()], quiet=True).run()
    Trainer(cut, quiet=True).run()
    assert (cut.out / "model" / "model.safetensors").read_bytes() == (whole.out / "model" / "model.safetensors").read_bytes()


def shown(manifest: Path, rank: int, world: int) -> dict[tuple[str, int], list[int]]:
    """Which patches of which record are shown, by one of several ranks."""
    builder = PairBuilder(load_tokenizer(DUAL), image_size=56, max_tokens=40, patches=16, masking=0.5)
    settings = DataConfig(manifest=manifest, packing=False, workers=0, max_tokens=40)
    data = TrainingData(load_manifest(manifest), builder, settings, rank=rank, world=world, rows=4)
    found: dict[tuple[str, int], list[int]] = {}
    for _, batch in zip(range(4 // world), data, strict=False):
        assert batch.pairs is not None
        assert batch.pairs.kept is not None
        found |= {(origin.dataset, origin.row): kept for origin, kept in zip(batch.origins, batch.pairs.kept.tolist(), strict=True)}
    return found


def test_two_ranks_leave_out_what_one_leaves_out(tmp_path: Path) -> None:
    manifest = write_pairs(tmp_path / "data")
    alone, both = shown(manifest, 0, 1), shown(manifest, 0, 2) | shown(manifest, 1, 2)
    assert len(alone) == 16
    assert alone == both
    assert all(len(set(kept)) == 8 and kept == sorted(kept) for kept in alone.values())
    assert len({tuple(kept) for kept in alone.values()}) > 10


def test_pictures_may_have_another_size(tmp_path: Path) -> None:
    frozen = {"train_parts": ALL - {"vision_encoder"}, "steps": 1}
    result = Trainer(config(tmp_path / "run", write_pairs(tmp_path / "data"), image_size=70, **frozen), quiet=True).run()
    assert result.model is not None
    made, before = load_dual(result.model, device="cpu").model, load_dual_model(DUAL)
    assert made.config.vision.image_size == 70
    expected = stretch_positions(before.vision_encoder.embeddings.positions, 4, 5, 5)
    torch.testing.assert_close(made.vision_encoder.embeddings.positions, expected)
    with pytest.raises(ConfigError, match="patch_size"):
        Trainer(config(tmp_path / "odd", tmp_path / "data" / "pairs.jsonl", image_size=60), quiet=True).run()


@pytest.mark.parametrize("share", [1.0, -0.1, 0.99])
def test_a_share_that_leaves_nothing_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(ConfigError, match="patch_masking must lie in"):
        Trainer(config(tmp_path / "run", write_pairs(tmp_path / "data"), patch_masking=share), quiet=True).run()


@pytest.mark.parametrize("change", [{"patch_masking": 0.5}, {"image_size": 196}])
def test_chat_models_have_no_use_for_it(tmp_path: Path, change: dict[str, object]) -> None:
    given = config(tmp_path, tmp_path / "none.jsonl", model=str(DUAL.with_name("internvl2-qwen2")), objective="sft", batch_size=1,
                   rows_per_forward=1, patch_masking=0.0)  # fmt: skip
    with pytest.raises(ConfigError, match="are for dual encoders"):
        Trainer(replace(given, **change), quiet=True).run()  # type: ignore[arg-type]


def test_layers_of_qllama_have_falling_rates_with_their_cross_attentions() -> None:
    model = load_dual_model(DUAL)
    depth = model.config.language.num_layers
    groups = parameter_groups(model, replace(stage_config("retrieval").optim, vision_layer_decay=1.0, language_layer_decay=0.5))
    scales = {id(parameter): group["lr_scale"] for group in groups for parameter in group["params"]}
    by_name = {name: scales[id(parameter)] for name, parameter in model.named_parameters()}
    assert by_name["language_model.embedding.weight"] == by_name["queries"] == 0.5 ** (depth + 1)
    assert by_name["language_model.layers.0.mlp.down.weight"] == by_name["language_model.layers.0.cross.q.weight"] == 0.5**depth
    assert by_name[f"language_model.layers.{depth - 1}.attention.out.weight"] == 0.5
    after = ("language_model.norm.weight", "query_pool.out.weight", "text_projection", "pool.out.weight", "match_head.weight")
    assert {by_name[name] for name in after} == {1.0}
    assert by_name["vision_encoder.layers.0.mlp.up.weight"] == 1.0


def test_a_run_from_before_there_were_such_fields_goes_on() -> None:
    now = config(Path("run"), Path("data.jsonl"), patch_masking=0.0, drop_path_shape="linear")
    young = ("patch_masking", "image_size", "drop_path_shape", "optim.language_layer_decay")
    before = {name: value for name, value in config_facts(now).items() if name not in young}
    check_continues(before, now, step=1, saved_total=4, total=4)
    with pytest.raises(ConfigError, match=r"begun with patch_masking = 0\.0, it can't go on with 0\.5"):
        check_continues(before, replace(now, patch_masking=0.5), step=1, saved_total=4, total=4)
