"""The native passes of InternViT and the projector beside their torch twins, and both beside the modules in float32."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from internvl.errors import ConfigError
from internvl.kernels.attention import has_bytes
from internvl.kernels.library import native
from internvl.kernels.packed import Kind, pack, unpack
from internvl.kernels.vision import PARTS, ProjectorPass, TileEncoder, VisionPass, tile_encoder
from internvl.kernels.vision_twin import layers_twin, projector_twin
from internvl.kernels.vision_weights import VisionWeights, projector_weights, vision_weights
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, VisionConfig
from internvl.models.internvl import InternVL

LEVELS = ("auto", "avx2", "plain")
KINDS: dict[str, dict[str, Any]] = {
    "300m": {"norm": "layer_norm", "qkv_bias": True, "qk_norm": False},
    "6b": {"norm": "rms_norm", "qkv_bias": False, "qk_norm": True},
    "6b with silu": {"norm": "rms_norm", "qkv_bias": False, "qk_norm": True, "hidden_act": "silu"},
}


class PackedLinear(nn.Module):
    """What the collection looks for, and a float32 layer of the same weight for the modules."""

    def __init__(self, layer: nn.Linear, kind: Kind, group: int = 0) -> None:
        super().__init__()
        self.packed = pack(layer.weight, kind, group=group, bias=layer.bias)
        self.out_features = layer.out_features
        self.weight, self.bias = unpack(self.packed), layer.bias

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.weight, self.bias)


def tiny_model(kind: str = "300m", *, width: int = 64, heads: int = 4, layers: int = 2, seed: int = 0, **options: Any) -> InternVL:
    vision = VisionConfig(
        hidden_size=width,
        intermediate_size=2 * width + 16,
        num_layers=layers,
        num_heads=heads,
        patch_size=14,
        image_size=56,
        **KINDS[kind],
    )
    language = LanguageConfig(
        family="qwen2",
        vocab_size=64,
        hidden_size=48,
        intermediate_size=64,
        num_layers=1,
        num_heads=3,
        num_kv_heads=1,
        head_dim=16,
        max_positions=64,
    )
    config = InternVLConfig(vision=vision, language=language, template="internlm2-chat", image_size=56, **options)
    model = build_model(config, seed=seed, init_std=0.15).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.copy_(torch.randn_like(parameter) * 0.2 + (0.0 if name.endswith("bias") else 0.6))
    return model.requires_grad_(False)


def packed_model(kind: str = "300m", *, packing: Kind = "int8", group: int = 0, **options: Any) -> InternVL:
    model = tiny_model(kind, **options)
    places = [(part, name) for block in model.vision_encoder.blocks for part, name in _layers_of(block)]
    for part, name in (*places, (model.projector, "up"), (model.projector, "out")):
        setattr(part, name, PackedLinear(getattr(part, name), packing, group))
    return model


def _layers_of(block: Any) -> list[tuple[Any, str]]:
    return [(block.attention, "qkv"), (block.attention, "out"), (block.mlp, "up"), (block.mlp, "down")]


def hidden_states(tiles: int, width: int = 64, tokens: int = 17) -> Tensor:
    torch.manual_seed(tiles)
    return torch.randn(tiles, tokens, width)


def error(found: Tensor, wanted: Tensor, start: Tensor | None = None) -> float:
    """Relative to what the layers did, when `start` is what they were given."""
    scale = wanted if start is None else wanted - start
    return float((found - wanted).norm() / scale.norm())


def assert_agrees(weights: VisionWeights, start: Tensor) -> None:
    """Pass and twin give the same, but for tokens in which a number lay at the border of two integers."""
    one_layer = replace(weights, layers=weights.layers[:1])
    found, twin = VisionPass(one_layer)(start), layers_twin(start, one_layer)
    each = (found - twin).norm(dim=-1) / (twin - start).norm(dim=-1)
    assert each.median() < 1e-4
    assert each.max() < 0.03
    assert error(VisionPass(weights)(start), layers_twin(start, weights), start) < 0.02


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("INTERNVL_KERNELS", request.param)
    if native() is None:
        pytest.skip("no native kernels here")
    return str(request.param)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("in_bytes", [False, True])
def test_layers_agree_with_the_twin_and_with_the_modules(kind: str, in_bytes: bool, level: str) -> None:
    model = packed_model(kind)
    weights = vision_weights(model)
    assert weights is not None
    assert weights.attention_in_bytes  # what int8 weights ask for
    weights, start = replace(weights, attention_in_bytes=in_bytes), hidden_states(3)
    found, twin, modules = VisionPass(weights)(start), layers_twin(start, weights), start
    for block in model.vision_encoder.blocks:
        modules = block(modules)
    assert error(twin, modules, start) < 0.03
    assert error(found, modules, start) < 0.03
    if has_bytes() or not in_bytes:
        assert_agrees(weights, start)


@pytest.mark.parametrize(("width", "heads"), [(32, 2), (64, 1), (128, 1), (256, 2), (96, 2), (160, 2)])
@pytest.mark.parametrize("tiles", [1, 5])
def test_any_head_width_and_tile_count(width: int, heads: int, tiles: int) -> None:
    weights = vision_weights(packed_model(width=width, heads=heads))
    assert weights is not None
    start = hidden_states(tiles, width, tokens=50)
    for in_bytes in (False, has_bytes()):
        assert_agrees(replace(weights, attention_in_bytes=in_bytes), start)


@pytest.mark.parametrize(("packing", "group"), [("int8", 32), ("int4", 32), ("bfloat16", 0)])
def test_other_kinds_of_weights(packing: Kind, group: int) -> None:
    weights = vision_weights(packed_model("6b", packing=packing, group=group))
    assert weights is not None
    assert weights.attention_in_bytes == (packing == "int8")
    assert_agrees(replace(weights, attention_in_bytes=False), hidden_states(2))


def test_float32_weights_are_exact() -> None:
    model = packed_model("6b with silu", packing="float32")
    weights, start = vision_weights(model), hidden_states(2)
    assert weights is not None
    wanted = start
    for block in model.vision_encoder.blocks:
        wanted = block(wanted)
    assert error(VisionPass(weights)(start), wanted, start) < 1e-5


def test_a_tile_gives_the_same_bits_alone_among_others_and_with_more_threads() -> None:
    weights, start = vision_weights(packed_model(layers=3)), hidden_states(5, tokens=70)
    assert weights is not None
    run = VisionPass(weights)
    together, before = run(start), torch.get_num_threads()
    assert torch.equal(run(start[3:4])[0], together[3])
    torch.set_num_threads(before + 2)
    threaded = run(start)
    torch.set_num_threads(before)
    assert torch.equal(threaded, together)


def test_what_is_given_stays_as_it_is_and_time_is_taken() -> None:
    weights, start = vision_weights(packed_model()), hidden_states(2)
    assert weights is not None
    kept, times = start.clone(), torch.zeros(len(PARTS), dtype=torch.int64)
    VisionPass(weights)(start, times=times)
    assert torch.equal(start, kept)
    assert native() is None or bool((times > 0).all())


@pytest.mark.parametrize("shuffle", ["v1", "v2"])
@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (2, 6)])
def test_the_projector_agrees_with_the_twin_and_with_the_module(shuffle: str, rows: int, columns: int, level: str) -> None:
    model = packed_model(pixel_shuffle=shuffle)
    weights, start = projector_weights(model), hidden_states(3, tokens=1 + rows * columns)
    assert weights is not None
    found, twin = ProjectorPass(weights)(start, rows=rows, columns=columns), projector_twin(start, weights, rows=rows, columns=columns)
    assert found.shape == (3, rows * columns // 4, 48)
    assert error(found, twin) < 3e-3
    if rows == columns:
        assert error(found, model.projector(start[:, 1:])) < 0.02


@pytest.mark.parametrize("select_layer", [-1, -2])
def test_pixels_to_visual_tokens(select_layer: int) -> None:
    model = packed_model(layers=3, select_layer=select_layer)
    encoder, pixels = tile_encoder(model), torch.randn(6, 3, 56, 56)
    assert isinstance(encoder, TileEncoder)
    found, wanted = encoder.encode(pixels), model.encode_tiles(pixels)
    assert found.shape == wanted.shape
    assert error(found, wanted) < 0.03


def test_other_sizes_and_number_types_of_the_model_around() -> None:
    model = packed_model()
    wanted = model.vision_encoder(pixels := torch.randn(1, 3, 84, 56))
    encoder = tile_encoder(model)
    assert encoder is not None
    assert encoder.encode(pixels).shape == (1, 6, 48)
    assert error(VisionPass(vision_weights(model))(model.vision_encoder.embeddings(pixels)), wanted) < 0.03
    encoder = tile_encoder(model.bfloat16())
    assert encoder is not None
    assert encoder.encode(torch.randn(1, 3, 56, 56)).dtype == torch.bfloat16


def test_layers_that_are_not_packed_are_taken_in_their_own_type() -> None:
    model = packed_model()
    model.vision_encoder.blocks[1].mlp.down = tiny_model().vision_encoder.blocks[1].mlp.down
    weights, start = vision_weights(model), hidden_states(2)
    assert weights is not None
    assert weights.layers[1].down.packed.kind == "float32"
    assert error(VisionPass(weights)(start), layers_twin(start, weights), start) < 0.02


def test_a_model_without_packed_layers_or_with_odd_widths_is_left_to_torch() -> None:
    assert tile_encoder(tiny_model()) is None
    assert tile_encoder(packed_model(width=64, heads=8)) is None


def test_without_native_kernels_the_twin_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    model = packed_model()
    weights, start = vision_weights(model), hidden_states(2)
    assert weights is not None
    monkeypatch.setenv("INTERNVL_KERNELS", "off")
    assert torch.equal(VisionPass(weights)(start), layers_twin(start, weights))
    pixels = torch.randn(2, 3, 56, 56)
    encoder = tile_encoder(model)
    assert encoder is not None
    assert error(encoder.encode(pixels), model.encode_tiles(pixels)) < 0.03


def test_what_does_not_fit_is_refused() -> None:
    model = packed_model()
    vision, projector = vision_weights(model), projector_weights(model)
    assert vision is not None
    assert projector is not None
    with pytest.raises(ConfigError, match="hidden states"):
        VisionPass(vision)(torch.zeros(2, 17, 32))
    with pytest.raises(ConfigError, match="projector takes"):
        ProjectorPass(projector)(torch.zeros(2, 17, 64), rows=4, columns=5)
    with pytest.raises(ConfigError, match="projector takes"):
        ProjectorPass(projector)(torch.zeros(2, 16, 64), rows=3, columns=5)


def test_an_empty_batch() -> None:
    encoder = tile_encoder(packed_model())
    assert encoder is not None
    assert encoder.encode(torch.zeros(0, 3, 56, 56)).shape == (0, 4, 48)
