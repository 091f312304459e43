"""A checkpoint as OpenVINO GenAI reads it, in three sizes. Runs in the peer's own environment, as `benchmarks.peers.prepare` calls it:

    native folder --transformers 4.57--> the layout that optimum-intel knows --optimum-intel--> OUT/f16 --nncf--> OUT/int8, OUT/int4

optimum-intel 2.2 exports the layout that comes with remote code, not the one in transformers. `_Chat` has that layout's attributes
around transformers' own modules, so no remote code is run.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import nncf
import openvino
import torch
from optimum.exporters.openvino.__main__ import maybe_convert_tokenizers
from optimum.exporters.openvino.convert import export_from_model
from optimum.intel.openvino import OVConfig
from transformers import (
    AutoTokenizer,
    InternVLForConditionalGeneration,
    PretrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

LANGUAGE = "openvino_language_model.xml"
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
# The template of the random checkpoints: no newline between turns.
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


class _ChatConfig(PretrainedConfig):
    """What optimum-intel and GenAI look for in `config.json`."""

    model_type = "internvl_chat"

    def __init__(self, llm_config: Any = None, vision_config: Any = None, **more: Any) -> None:
        super().__init__(**more)
        self.llm_config = Qwen2Config(**(llm_config or {})) if llm_config is None or isinstance(llm_config, dict) else llm_config
        vision = vision_config or {}
        self.vision_config = PretrainedConfig(**vision) if isinstance(vision, dict) else vision


class _Chat(PreTrainedModel):
    """The layout's three attributes: `extract_feature`, `language_model`, and `vision_model` (looked at, never called)."""

    config_class = _ChatConfig

    def __init__(self, native: InternVLForConditionalGeneration, config: _ChatConfig) -> None:
        super().__init__(config)
        language = Qwen2ForCausalLM(config.llm_config)
        language.model, language.lm_head = native.model.language_model, native.lm_head
        self.language_model = language
        self.native = native.model
        self.vision_model = torch.nn.Module()
        self.vision_model.encoder = torch.nn.Module()
        self.vision_model.encoder.layers = torch.nn.ModuleList([torch.nn.Module()])
        self.vision_model.encoder.layers[0].attn = torch.nn.Module()
        self.vision_model.encoder.layers[0].attn.use_flash_attn = False

    def extract_feature(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Tiles [T,3,S,S] -> visual tokens [T,V,D]."""
        return self.native.get_image_features(pixel_values)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Replaced while each part is exported."""
        return self.extract_feature(pixel_values)


def main() -> None:
    """Export once, compress twice."""
    parser = argparse.ArgumentParser(description="Export a native checkpoint for OpenVINO GenAI.")
    parser.add_argument("native", type=Path)
    parser.add_argument("original", type=Path, help="the same weights in the original layout, for its configuration")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    plain = options.out / "f16"
    export(options.native, json.loads((options.original / "config.json").read_text()), plain)
    compress(plain, options.out / "int8", language_int4=False)
    compress(plain, options.out / "int4", language_int4=True)


def export(folder: Path, original: dict[str, Any], out: Path) -> None:
    """Weights of 16 bits, tokenizer, configuration."""
    native = InternVLForConditionalGeneration.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = CHAT_TEMPLATE
    model = _Chat(native, _chat_config(native, original)).eval()
    out.mkdir(parents=True, exist_ok=True)
    task = "image-text-to-text"
    with torch.no_grad():
        export_from_model(model=model, output=out, task=task, ov_config=OVConfig(dtype="fp16"), preprocessors=[tokenizer])
    maybe_convert_tokenizers("transformers", out, model, [tokenizer], task=task)
    (out / "preprocessor_config.json").write_text(json.dumps(_preprocessing(original["force_image_size"])))


def compress(plain: Path, out: Path, *, language_int4: bool) -> None:
    """int8 everywhere, or int4 in groups of 128 for the language model's layers, whose head stays at int8."""
    shutil.copytree(plain, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*_model.xml", "*_model.bin"))
    core = openvino.Core()
    for path in sorted(plain.glob("*_model.xml")):
        model = core.read_model(path)
        if language_int4 and path.name == LANGUAGE:
            model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT4_SYM, group_size=128, ratio=1.0)
        else:
            model = nncf.compress_weights(model, mode=nncf.CompressWeightsMode.INT8_ASYM)
        openvino.save_model(model, out / path.name)


def _preprocessing(side: int) -> dict[str, Any]:
    """As CLIPImageProcessor writes it, from which GenAI reads."""
    return IMAGENET | {"crop_size": {"height": side, "width": side}, "size": {"shortest_edge": side}, "do_resize": True}


def _chat_config(native: InternVLForConditionalGeneration, original: dict[str, Any]) -> _ChatConfig:
    kept = ("downsample_ratio", "force_image_size", "max_dynamic_patch", "min_dynamic_patch", "dynamic_image_size", "use_thumbnail")
    kept += ("ps_version", "select_layer", "template")
    return _ChatConfig(
        llm_config=native.config.text_config,
        vision_config=original["vision_config"],
        architectures=["InternVLChatModel"],
        **{key: original[key] for key in kept if key in original},
    )


if __name__ == "__main__":
    main()
