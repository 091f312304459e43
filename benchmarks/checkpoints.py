"""Random checkpoints of released shapes, in both layouts, so that two programs can be timed on the same weights.

    shape -> random bf16 weights + made-up tokenizer -> CACHE/SHAPE/original --convert--> CACHE/SHAPE/native

`1b` has the sizes of InternVL2-1B (938 M parameters), `nano` those of a model for a laptop (65 M). Answers are gibberish; speed
depends on the sizes only.
"""

from __future__ import annotations

import argparse
import itertools
import json
import string
from pathlib import Path

import torch

from internvl.checkpoint.convert import convert
from internvl.checkpoint.load import save_model
from internvl.models.build import build_model
from internvl.models.config import InternVLConfig, LanguageConfig, RopeConfig, VisionConfig
from internvl.models.families import released_named
from internvl.models.internvl import InternVL
from internvl.prompt.byte_bpe import byte_of_character

DEFAULT_CACHE = Path("build/benchmarks")
# In the order of InternVL2-1B, whose ids begin behind the 151,643 entries of the text vocabulary.
CONTROL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>",
    "<quad>", "</quad>", "<ref>", "</ref>", "<box>", "</box>",
)  # fmt: skip


def nano_shape() -> InternVLConfig:
    """A ViT of 12 layers, 384 wide, on 448 px tiles, and a Qwen2-shaped decoder of 12 layers, 512 wide."""
    vision = VisionConfig(
        hidden_size=384, intermediate_size=1536, num_layers=12, num_heads=6, image_size=448,
        norm="layer_norm", qkv_bias=True, qk_norm=False,
    )  # fmt: skip
    language = LanguageConfig(
        family="qwen2", vocab_size=8192, hidden_size=512, intermediate_size=1408, num_layers=12, num_heads=8, num_kv_heads=2,
        head_dim=64, max_positions=32768, rope=RopeConfig(theta=1e6), qkv_bias=True,
    )  # fmt: skip
    return InternVLConfig(vision=vision, language=language, template="Hermes-2")


def shape_named(name: str) -> InternVLConfig:
    """The sizes of a shape: `1b` or `nano`."""
    return nano_shape() if name == "nano" else released_named("InternVL2-1B").config()


def ensure_checkpoint(shape: str, cache: Path = DEFAULT_CACHE) -> dict[str, Path]:
    """Folders of the shape's checkpoint by layout name, written first if they are absent."""
    folders = {layout: cache / shape / layout for layout in ("original", "native")}
    finished = cache / shape / "complete"
    if not finished.exists():
        _write_original(shape_named(shape), folders["original"])
        convert(folders["original"], folders["native"], layout="native")
        finished.touch()
    return folders


def _write_original(config: InternVLConfig, folder: Path) -> None:
    model = build_model(config).eval()
    _stir(model)
    vocabulary = config.language.vocab_size
    placeholder_id = vocabulary - len(CONTROL_TOKENS) + CONTROL_TOKENS.index("<IMG_CONTEXT>")
    save_model(model.to(torch.bfloat16), folder, placeholder_id=placeholder_id)
    write_tokenizer(folder, vocabulary)


@torch.no_grad()
def _stir(model: InternVL, *, seed: int = 1) -> None:
    """Make biases and norms random too: a program that forgot one would otherwise give the same answers."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.05)


def write_tokenizer(folder: Path, vocab_size: int) -> None:
    """Byte-level files of the Qwen2 kind: 256 bytes, made-up words that fill the vocabulary, and the control tokens at its end."""
    words = ("Ġ" + "".join(letters) for letters in itertools.product(string.ascii_lowercase, repeat=4))
    text = [*byte_of_character(), *words][: vocab_size - len(CONTROL_TOKENS)]
    ids = {token: len(text) + i for i, token in enumerate(CONTROL_TOKENS)}
    decoder = {str(id): {"content": token, "special": True, "normalized": False} for token, id in ids.items()}
    settings = {
        "added_tokens_decoder": decoder,
        "additional_special_tokens": list(CONTROL_TOKENS[1:]),
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer",
    }
    _write_json(folder / "vocab.json", {token: i for i, token in enumerate(text)})
    _write_json(folder / "added_tokens.json", ids)
    _write_json(folder / "tokenizer_config.json", settings)
    (folder / "merges.txt").write_text("#version: 0.2\n", "utf-8")


def _write_json(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, ensure_ascii=False, indent=0) + "\n", "utf-8")


def main() -> None:
    """Write the checkpoints of the named shapes."""
    parser = argparse.ArgumentParser(description="Write random checkpoints for the benchmarks.")
    parser.add_argument("shapes", nargs="*", default=["nano", "1b"])
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE)
    options = parser.parse_args()
    for shape in options.shapes:
        folders = ensure_checkpoint(shape, options.cache)
        print(f"{shape}: {', '.join(str(folder) for folder in folders.values())}")


if __name__ == "__main__":
    main()
