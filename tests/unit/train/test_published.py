"""Published runs: each row's config lets exactly the right parameters of its released model learn, and says what was published."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from internvl.checkpoint.assemble import Assembled
from internvl.errors import ConfigError
from internvl.models.build import count_parameters, meta_model
from internvl.models.config import LanguageConfig
from internvl.models.families import RELEASED, released_named
from internvl.models.internvl import InternVL
from internvl.models.language.families import FAMILIES
from internvl.train.freeze import describe_trainable, freeze
from internvl.train.lora import add_lora
from internvl.train.published import PUBLISHED, published_config, published_named
from internvl.train.stages import stage_config

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from recipes import internvl1_2, internvl1_5, internvl2, internvl2_5, progressive  # noqa: E402

ADAPTED = [name for name, run in PUBLISHED.items() if run.lora_rank]
WHOLE = [name for name in PUBLISHED if name not in ADAPTED]
# run: parts, lr, warmup, weight decay, drop path, sequence, batch, GPUs; as the table of the released scripts has them.
TABLE = {
    "internvl-chat-v1-2-sft": ("vpl", 1e-5, 0.03, 0.05, 0.4, 2048, 512, 64),
    "internvl-chat-v1-2-finetune": ("pl", 1e-5, 0.03, 0.05, 0.0, 2048, 128, 16),
    "internvl-chat-v1-2-lora": ("", 1e-5, 0.03, 0.05, 0.0, 2048, 16, 2),
    "internvl-chat-v1-5-pretrain": ("vp", 1e-5, 100, 0.05, 0.2, 4096, 2048, 256),
    "internvl-chat-v1-5-sft": ("vpl", 2e-5, 0.03, 0.05, 0.4, 4096, 1024, 256),
    "internvl-chat-v1-5-finetune": ("pl", 2e-5, 0.03, 0.05, 0.4, 4096, 128, 8),
    "internvl-chat-v1-5-lora": ("", 2e-5, 0.03, 0.05, 0.0, 4096, 16, 2),
    "internvl-chat-v1-5-yi-34b-pretrain": ("p", 1e-4, 100, 0.05, 0.0, 4096, 2048, 256),
    "internvl-chat-v1-5-yi-34b-sft": ("vpl", 2e-5, 0.03, 0.05, 0.4, 4096, 1024, 256),
    "mini-internvl-2b-v1-5-pretrain": ("vp", 2e-5, 100, 0.01, 0.1, 4096, 2048, 128),
    "mini-internvl-2b-v1-5-sft": ("vpl", 4e-5, 0.03, 0.01, 0.1, 8192, 1024, 128),
    "mini-internvl-2b-v1-5-finetune": ("pl", 4e-5, 0.03, 0.01, 0.1, 4096, 128, 8),
    "mini-internvl-2b-v1-5-lora": ("", 4e-5, 0.03, 0.01, 0.0, 4096, 16, 2),
    "mini-internvl-4b-v1-5-pretrain": ("p", 2e-4, 100, 0.05, 0.0, 4096, 2048, 128),
    "mini-internvl-4b-v1-5-sft": ("vpl", 4e-5, 0.03, 0.05, 0.1, 8192, 1024, 128),
    "mini-internvl-4b-v1-5-finetune": ("pl", 4e-5, 0.03, 0.05, 0.1, 4096, 128, 8),
    "mini-internvl-4b-v1-5-lora": ("", 4e-5, 0.03, 0.05, 0.0, 4096, 16, 2),
    "internvl2-1b-finetune": ("pl", 4e-5, 0.03, 0.01, 0.1, 4096, 128, 8),
    "internvl2-2b-finetune": ("pl", 4e-5, 0.03, 0.01, 0.1, 4096, 128, 8),
    "internvl2-4b-finetune": ("pl", 4e-5, 0.03, 0.01, 0.1, 4096, 128, 8),
    "internvl2-8b-finetune": ("pl", 4e-5, 0.03, 0.05, 0.1, 4096, 128, 8),
    "internvl2-26b-finetune": ("pl", 2e-5, 0.03, 0.05, 0.4, 4096, 128, 8),
    "internvl2-40b-finetune": ("pl", 2e-5, 0.03, 0.05, 0.4, 4096, 128, 16),
    "internvl2-76b-finetune": ("pl", 2e-5, 0.03, 0.05, 0.4, 4096, 128, 32),
    "internvl2-8b-lora": ("", 4e-5, 0.03, 0.05, 0.0, 4096, 16, 2),
    "internvl2-76b-lora": ("", 2e-5, 0.03, 0.05, 0.0, 4096, 16, 8),
    "internvl2-8b-mpo": ("vpl", 5e-6, 0.03, 0.05, 0.1, 6144, 256, 256),
    "internvl2_5-1b-stage1": ("p", 2e-4, 100, 0.01, 0.0, 16384, 512, 512),
    "internvl2_5-8b-stage1_5": ("vp", 1e-5, 100, 0.05, 0.1, 16384, 1024, 512),
    "internvl2_5-26b-stage1_5": ("vp", 1e-5, 100, 0.05, 0.4, 16384, 1024, 512),
    "internvl2_5-4b-stage2": ("vpl", 4e-5, 0.03, 0.01, 0.1, 16384, 512, 512),
    "internvl2_5-78b-stage2": ("vpl", 2e-5, 0.03, 0.05, 0.4, 16384, 512, 512),
    "internvl2_5-38b-mpo": ("vpl", 1e-6, 0.03, 0.05, 0.4, 8192, 512, 512),
    "internvl2_5-2b-mpo": ("vpl", 1e-6, 0.03, 0.05, 0.1, 8192, 256, 256),
}
LETTERS = {"v": "vision_encoder", "p": "projector", "l": "language_model"}


@cache
def model_of(name: str) -> InternVL:
    return meta_model(released_named(name).config())


def adapter_parameters(config: LanguageConfig, rank: int) -> int:
    """rank x (in + out) for every matrix that the family stores in a layer, worked out from its sizes alone."""
    width, mlp, q, kv = config.hidden_size, config.intermediate_size, config.attention_width, config.kv_width
    attention = {
        "llama": (width + q) + 2 * (width + kv),  # q, k, v
        "internlm2": width + q + 2 * kv,  # wqkv
        "phi3": width + q + 2 * kv,
    }
    feed_forward = {"llama": 2 * (width + mlp), "internlm2": 2 * (width + mlp), "phi3": width + 2 * mlp}
    storage = FAMILIES[config.family].storage
    return config.num_layers * rank * (attention[storage] + (q + width) + feed_forward[storage] + (mlp + width))


@pytest.mark.parametrize("name", TABLE)
def test_a_row_says_what_was_published(name: str) -> None:
    run, config = published_named(name), published_config(name)
    letters, lr, warmup, decay, drop, tokens, batch, gpus = TABLE[name]
    assert config.train_parts == run.train_parts == {LETTERS[letter] for letter in letters}
    assert (config.optim.lr, config.optim.warmup, config.optim.weight_decay, config.drop_path) == (lr, warmup, decay, drop)
    assert (config.data.max_tokens, config.batch_size, run.gpus) == (tokens, batch, gpus)
    assert (config.optim.betas, config.optim.eps, config.optim.schedule, config.precision) == ((0.9, 0.999), 1e-8, "cosine", "bf16")


def test_every_size_has_its_runs() -> None:
    sizes2, sizes25 = ("1b", "2b", "4b", "8b", "26b", "40b", "76b"), ("1b", "2b", "4b", "8b", "26b", "38b", "78b")
    expected = {f"internvl2-{size}-{kind}" for size in sizes2 for kind in ("finetune", "lora")} | {"internvl2-8b-mpo"}
    expected |= {f"internvl2_5-{size}-{kind}" for size in sizes25 for kind in ("stage1", "stage2", "finetune", "lora", "mpo")}
    expected |= {"internvl2_5-8b-stage1_5", "internvl2_5-26b-stage1_5"}
    expected |= {name for name in TABLE if "v1-" in name}
    assert set(PUBLISHED) == expected


@pytest.mark.parametrize("name", WHOLE)
def test_the_parts_of_a_run_learn_and_no_others(name: str) -> None:
    config, model = published_config(name), model_of(PUBLISHED[name].model)
    freeze(model, config)
    counts = vars(count_parameters(model))
    for row in describe_trainable(model):
        if row.part != "all":
            assert row.trainable == (counts[row.part] if row.part in config.train_parts else 0), row


@pytest.mark.parametrize("name", ADAPTED)
def test_adapters_learn_and_nothing_else(name: str) -> None:
    config = published_config(name)
    model = meta_model(released_named(PUBLISHED[name].model).config())
    add_lora(model, config.lora)
    freeze(model, config)
    learns = {row.part: row.trainable for row in describe_trainable(model)}
    expected = adapter_parameters(model.config.language, 16)
    assert learns == {"vision_encoder": 0, "projector": 0, "language_model": expected, "all": expected}
    assert config.drop_path == 0.0


def test_adapters_of_the_8b_by_hand() -> None:
    # wqkv 4096 -> 6144, wo 4096 -> 4096, w1 and w3 4096 -> 14336, w2 14336 -> 4096
    each = 16 * ((4096 + 6144) + (4096 + 4096) + 2 * (4096 + 14336) + (14336 + 4096))
    assert adapter_parameters(model_of("InternVL2-8B").config.language, 16) == 32 * each == 37_748_736


def test_stages_of_2_5_are_packed_and_weighted_by_the_square_root() -> None:
    for name, run in PUBLISHED.items():
        data = published_config(name).data
        assert data.packing == run.packed == run.stage.startswith("stage")
        if run.packed:
            assert (data.pack_tokens, data.pack_tiles, data.loss_weighting) == (16384, 48, "square")
            assert published_config(name).global_loss_average
        assert not (data.packing and data.group_by_length)


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        ("pretrain", "internvl-chat-v1-5-pretrain"),
        ("pretrain_projector", "internvl-chat-v1-5-yi-34b-pretrain"),
        ("finetune", "internvl-chat-v1-5-sft"),
        ("second_finetune", "internvl2-8b-finetune"),
        ("lora", "internvl2-8b-lora"),
        ("preference", "internvl2-8b-mpo"),
        ("stage1", "internvl2_5-8b-stage1"),
        ("stage1_5", "internvl2_5-8b-stage1_5"),
        ("stage2", "internvl2_5-8b-stage2"),
    ],
)
def test_the_table_of_stages_says_the_same_of_its_runs(stage: str, name: str) -> None:
    one, other = stage_config(stage), published_config(name)
    assert (one.train_parts, one.lora, one.objective, one.optim) == (other.train_parts, other.lora, other.objective, other.optim)
    assert one.batch_size == other.batch_size
    for what in ("max_tokens", "max_tiles", "packing", "loss_weighting") + (("pack_tokens", "pack_tiles") if one.data.packing else ()):
        assert getattr(one.data, what) == getattr(other.data, what), what


def test_steps_of_2_5() -> None:
    steps = {size: published_config(f"internvl2_5-{size}-stage2").steps for size in ("1b", "2b", "4b", "8b", "26b", "38b", "78b")}
    assert steps == {"1b": 22000, "2b": 22000, "4b": 11000, "8b": 5500, "26b": 5500, "38b": 5500, "78b": 5500}
    # 22 billion tokens in packs of 16384, 512 a step
    assert published_config("internvl2_5-8b-stage1").steps == round(22e9 / (512 * 16384)) == 2623
    assert published_config("internvl2-8b-finetune").steps is None


def test_tiles() -> None:
    tiles = {name: published_config(name).data.max_tiles for name in PUBLISHED}
    assert {count for name, count in tiles.items() if "v1-2" in name} == {1}
    assert {count for name, count in tiles.items() if "v1-5" in name} == {12}
    assert {count for name, count in tiles.items() if name.endswith(("finetune", "lora")) and "v1" not in name} == {6}


def test_a_run_starts_where_it_should() -> None:
    for name, run in PUBLISHED.items():
        model = published_config(name).model
        if isinstance(run.start, tuple):
            assert all(part.count("/") == 1 for part in run.start)
            assert model == f"runs/{name}/start"
        elif run.start in PUBLISHED:
            assert run.start != name
            assert PUBLISHED[run.start].model == run.model
            assert model.startswith(f"runs/{run.start}/")
        else:
            assert model == run.start == f"OpenGVLab/{run.start.partition('/')[2]}"
            assert run.start.partition("/")[2] in RELEASED
    # The released script of this run starts from its own output.
    assert PUBLISHED["mini-internvl-4b-v1-5-sft"].start == "mini-internvl-4b-v1-5-pretrain"


def test_objectives() -> None:
    assert {name for name in PUBLISHED if published_config(name).objective == "preference"} == {n for n in PUBLISHED if "mpo" in n}


def test_templates_are_those_of_the_models() -> None:
    assert published_named("internvl2-76b-lora").template == "internlm2-chat"
    assert published_named("internvl2-4b-lora").template == "phi3-chat"
    assert published_named("internvl2_5-1b-stage2").template == "internvl2_5"


def test_an_unknown_name_gets_suggestions() -> None:
    with pytest.raises(ConfigError, match=r"no published run 'internvl2-8b-lorra'; known are internvl2-8b-lora"):
        published_config("internvl2-8b-lorra")
    with pytest.raises(ConfigError, match="internvl-chat-v1-2-sft"):
        published_config("???")


class TestRecipes:
    def test_functions_take_a_size(self) -> None:
        assert internvl2.finetune("8B") == published_config("internvl2-8b-finetune")
        assert internvl2.lora("76b") == published_config("internvl2-76b-lora")
        assert internvl1_5.sft("4B") == published_config("mini-internvl-4b-v1-5-sft")
        assert internvl2_5.stage1_5("26B") == published_config("internvl2_5-26b-stage1_5")

    @pytest.mark.parametrize("module", [internvl1_2, internvl1_5, internvl2, internvl2_5])
    def test_each_works_without_one(self, module: object) -> None:
        functions = [
            value for name, value in vars(module).items() if callable(value) and getattr(value, "__module__", "") == module.__name__
        ]
        public = [function for function in functions if not function.__name__.startswith("_")]
        assert len(public) >= 3
        assert all(function() in [published_config(name) for name in PUBLISHED] for function in public)

    def test_an_unknown_size(self) -> None:
        with pytest.raises(ConfigError, match=r"sizes of InternVL 1.5 are 2B, 4B, 26B, 40B, not '8B'"):
            internvl1_5.sft("8B")
        with pytest.raises(ConfigError, match="no published run 'internvl2-9b-lora'"):
            internvl2.lora("9B")

    def test_the_large_model_of_progressive_scaling_trains_its_projector_alone(self) -> None:
        small, large = progressive.align_small(), progressive.align_large()
        assert small.train_parts == {"vision_encoder", "projector"}
        assert large.train_parts == {"projector"}
        assert replace(large, model="", out=Path()) == replace(published_config("internvl2_5-38b-stage1"), model="", out=Path())

    def test_parts_of_a_run_are_put_together_where_it_looks_for_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, object] = {}
        monkeypatch.setattr(progressive, "resolve", Path)
        monkeypatch.setattr(progressive, "assemble", lambda **options: asked.update(options) or Assembled(Path(), None, (), {}))
        progressive.put_together("internvl-chat-v1-2-sft", projector=Path("mlp.safetensors"))
        assert asked["out"] == Path(published_config("internvl-chat-v1-2-sft").model)
        assert (asked["template"], asked["pixel_shuffle"], asked["max_tiles"]) == ("Hermes-2", "v1", 1)
        assert asked["language"] == Path("NousResearch/Nous-Hermes-2-Yi-34B")
        with pytest.raises(ConfigError, match="only runs that start from an encoder"):
            progressive.put_together("internvl2-8b-lora")
