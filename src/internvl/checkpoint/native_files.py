"""The files that let transformers' processor do as ours does: tiling, token names, chat template, stop token.

What the source's files said is kept in them (`amend`), for the way back.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from internvl.checkpoint.amend import amend_json
from internvl.checkpoint.fields import read_json
from internvl.checkpoint.shard_writer import write_text
from internvl.models.config import InternVLConfig
from internvl.prompt.placeholders import IMAGE_END, IMAGE_START, PLACEHOLDER, VIDEO_MARK
from internvl.prompt.template import Template
from internvl.prompt.templates import template_named
from internvl.prompt.tokenizer import Tokenizer, load_tokenizer

_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# Pillow's number for bicubic, which is how transformers writes a filter.
_BICUBIC = 3
# Remote code and slow classes of the releases that transformers knows under another name.
_REMOTE = ("auto_map",)
_CLASSES = {"InternLM2Tokenizer": "LlamaTokenizer", "InternLM3Tokenizer": "LlamaTokenizer"}


def write_native_files(folder: Path, config: InternVLConfig) -> None:
    """Write or amend the processor's, the tokenizer's and the generation's JSON, and the chat template."""
    amend_json(folder / "preprocessor_config.json", _image_processor(config))
    amend_json(folder / "processor_config.json", {"processor_class": "InternVLProcessor", "image_seq_length": config.tokens_per_tile})
    tokenizer = load_tokenizer(folder)
    names = _token_names(folder / "tokenizer_config.json", tokenizer)
    amend_json(folder / "tokenizer_config.json", names, drop=_REMOTE)
    template = template_named(config.template)
    path = folder / "generation_config.json"
    if "eos_token_id" not in (read_json(path) if path.exists() else {}) and tokenizer.has(template.stop):
        amend_json(path, {"eos_token_id": tokenizer.token_id(template.stop)})
    if not (folder / "chat_template.jinja").exists():
        system = template.system_message if config.system_message is None else config.system_message
        write_text(folder / "chat_template.jinja", chat_template(template, system))


def chat_template(template: Template, system_message: str) -> str:
    """A template's rows in Jinja, for messages whose content is text or a list of parts; pictures as the card writes them."""
    system = f"{_shown(template.system_prefix)}%s{_shown(template.system_suffix)}"
    return (
        _CONTENT
        + "{%- if messages[0].role != 'system' -%}"
        + system % _shown(system_message)
        + "{%- endif -%}{%- for message in messages -%}{%- if message.role == 'system' -%}"
        + system % "{{ content(message.content) }}"
        + "{%- elif message.role == 'user' -%}"
        + f"{_shown(template.user_prefix)}{{{{ content(message.content) }}}}{_shown(template.user_suffix)}"
        + "{%- else -%}"
        + f"{_shown(template.assistant_prefix)}{{{{ content(message.content) }}}}{_shown(template.assistant_suffix)}"
        + "{%- endif -%}{%- endfor -%}{%- if add_generation_prompt -%}"
        + _shown(template.generation)
        + "{%- endif -%}"
    )


_CONTENT = """\
{%- macro content(parts) -%}
{%- if parts is string -%}{{ parts }}{%- else -%}
{%- set images = parts | selectattr('type', 'equalto', 'image') | list | length -%}
{%- set seen = namespace(images=0) -%}
{%- for part in parts -%}
{%- if part.type == 'image' -%}
{%- set seen.images = seen.images + 1 -%}
{%- if images > 1 -%}{{ 'Image-' ~ seen.images ~ ': ' }}{%- endif -%}{{ 'PLACEHOLDER\\n' }}
{%- elif part.type == 'video' -%}{{ 'VIDEO\\n' }}
{%- elif part.type == 'text' -%}{{ part.text }}
{%- endif -%}{%- endfor -%}{%- endif -%}
{%- endmacro -%}
""".replace("PLACEHOLDER", PLACEHOLDER).replace("VIDEO", VIDEO_MARK)


def _shown(text: str) -> str:
    return "{{ " + json.dumps(text) + " }}" if text else ""


def _token_names(path: Path, tokenizer: Tokenizer) -> dict[str, Any]:
    values = read_json(path) if path.exists() else {}
    known = {"tokenizer_class": _CLASSES[str(values["tokenizer_class"])]} if values.get("tokenizer_class") in _CLASSES else {}
    return known | {
        "start_image_token": IMAGE_START,
        "end_image_token": IMAGE_END,
        "context_image_token": PLACEHOLDER,
        # transformers adds a name that is no token, with an id behind the last row of the embeddings.
        "video_token": VIDEO_MARK if tokenizer.has(VIDEO_MARK) else PLACEHOLDER,
        "processor_class": "InternVLProcessor",
        "padding_side": "left",
    }


def _image_processor(config: InternVLConfig) -> dict[str, Any]:
    return {
        "image_processor_type": "GotOcr2ImageProcessor",
        "processor_class": "InternVLProcessor",
        "crop_to_patches": config.dynamic_tiles,
        "min_patches": config.min_tiles,
        "max_patches": config.max_tiles,
        "size": {"height": config.image_size, "width": config.image_size},
        "do_resize": True,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "do_convert_rgb": True,
        "image_mean": _MEAN,
        "image_std": _STD,
        "resample": _BICUBIC,
    }
