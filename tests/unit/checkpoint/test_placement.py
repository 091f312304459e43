"""Every parameter gets exactly one device that exists, or a DeviceError; the map for several devices is the model card's."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_checkpoints import INTERNLM2, LLAMA3, PHI3, QWEN2, V1

from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.load import load_model
from internvl.checkpoint.placement import devices_of, split_layers
from internvl.errors import DeviceError
from internvl.models.families import RELEASED

LAYERS = sorted({row.config().language.num_layers for row in RELEASED.values()})
LAYER = "language_model.model.layers."
# Devices, layers, and how many of them each device gets, by the card's rule, before the last layer goes back to device 0.
CARD_COUNTS = [
    (1, 80, [80]),
    (2, 48, [16, 32]),
    (2, 60, [20, 40]),
    (2, 80, [27, 53]),
    (3, 80, [16, 32, 32]),
    (4, 80, [12, 23, 23, 22]),
    (4, 60, [9, 18, 18, 15]),
    (8, 80, [6, 11, 11, 11, 11, 11, 11, 8]),
]


@pytest.mark.parametrize("devices", range(1, 9))
def test_every_layer_has_one_device(devices: int) -> None:
    for count in LAYERS:
        found = split_layers(count, devices)
        layers = {name: device for name, device in found.items() if name.startswith(LAYER)}
        assert list(layers) == [f"{LAYER}{i}" for i in range(count)]
        assert layers[f"{LAYER}{count - 1}"] == 0
        owners = list(layers.values())[:-1]
        assert owners == sorted(owners)
        assert set(owners) <= set(range(devices))
        assert {found[name] for name in ("vision_model", "mlp1", "language_model.lm_head", "language_model.output")} == {0}


@pytest.mark.parametrize(("devices", "layers", "expected"), CARD_COUNTS)
def test_counts_of_the_card(devices: int, layers: int, expected: list[int]) -> None:
    owners = [device for name, device in split_layers(layers, devices).items() if name.startswith(LAYER)]
    moved = len([count for count in expected if count]) - 1  # the last layer leaves the last device
    counts = [owners.count(device) for device in range(devices)]
    counts[0] -= 1
    counts[moved] += 1
    assert counts == expected


def test_a_map_of_no_layers_or_devices() -> None:
    for layers, devices, share in ((0, 2, 0.5), (-1, 2, 0.5), (24, 0, 0.5), (24, -1, 0.5), (24, 2, 1.0), (24, 2, -0.1)):
        with pytest.raises(DeviceError):
            split_layers(layers, devices, vision_share=share)


@pytest.mark.parametrize("folder", [QWEN2, INTERNLM2, PHI3, LLAMA3, V1], ids=lambda path: path.name)
def test_the_cards_map_places_every_family(folder: Path) -> None:
    config = Checkpoint(folder).config
    devices = {name: ("cpu" if device == 0 else "meta") for name, device in split_layers(config.language.num_layers, 2).items()}
    places = devices_of(config, devices)
    model = load_model(folder, devices=devices)
    assert places.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        assert parameter.device == places[name]
    assert {p.device.type for p in model.parameters()} == {"cpu", "meta"}
    assert model.language_model.blocks[-1].norm1.weight.device.type == "cpu"


@pytest.mark.parametrize("folder", [QWEN2, INTERNLM2, PHI3], ids=lambda path: path.name)
@pytest.mark.parametrize(
    "names",
    [
        ("vision_model", "mlp1", "language_model"),
        ("vision_model", "mlp1", "language_model.model", "language_model.lm_head"),
        ("vision_model", "mlp1", "language_model.model", "language_model.output"),
        ("model.vision_tower", "model.multi_modal_projector", "model.language_model", "lm_head"),
        ("",),
    ],
    ids=["parts", "lm_head", "output", "native", "all"],
)
def test_maps_in_any_naming(names: tuple[str, ...], folder: Path) -> None:
    mapped, plain = load_model(folder, devices=dict.fromkeys(names, "cpu")), load_model(folder)
    assert all(torch.equal(a, b) for a, b in zip(mapped.parameters(), plain.parameters(), strict=True))


def test_a_module_named_more_closely_wins() -> None:
    config = Checkpoint(QWEN2).config
    places = devices_of(config, {"": "cpu", "language_model.model.layers.1": "meta"})
    assert {name for name, place in places.items() if place.type == "meta"} == {
        name for name in places if name.startswith("language_model.layers.1.")
    }


def test_a_map_with_a_hole() -> None:
    config = Checkpoint(QWEN2).config
    devices = dict.fromkeys(split_layers(3, 1), "cpu")
    del devices["language_model.model.layers.1"]
    with pytest.raises(DeviceError, match=r"no entry for 'language_model\.model\.layers\.1\."):
        devices_of(config, devices)
    with pytest.raises(DeviceError, match="no entry"):
        devices_of(config, {})
    with pytest.raises(DeviceError, match="no entry"):  # layer 1 is not layer 10
        devices_of(config, devices | {"language_model.model.layers.10": "cpu", "language_model.model.layer": "cpu"})


@pytest.mark.parametrize("device", ["gpu", "cuda:-1", "", True, 3.5, None, -1])
def test_what_is_no_device(device: object) -> None:
    for devices in (device, {"": device}):
        with pytest.raises(DeviceError, match="is not a device"):
            load_model(QWEN2, devices=devices)  # type: ignore[arg-type]


@pytest.mark.parametrize("device", ["cuda:99", 99, torch.device("cuda", 99)])
def test_a_cuda_device_that_is_absent(device: object) -> None:
    with pytest.raises(DeviceError, match=f"this machine has {torch.cuda.device_count()} CUDA devices"):
        load_model(QWEN2, devices=device)  # type: ignore[arg-type]


def test_a_kind_of_device_that_torch_was_built_without() -> None:
    with pytest.raises(DeviceError, match="no such device"):
        load_model(QWEN2, devices="xla")


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a CUDA device")
def test_auto_without_a_device_is_the_cpu() -> None:
    assert {p.device.type for p in load_model(QWEN2, devices="auto").parameters()} == {"cpu"}


def test_auto_splits_over_several(monkeypatch: pytest.MonkeyPatch) -> None:
    from internvl.checkpoint import placement

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(placement, "checked_device", lambda device: torch.device("cuda", device))
    places = devices_of(Checkpoint(QWEN2).config, "auto")
    assert {place.index for place in places.values()} == {0, 1}
