"""The templates of the released models, as rows. A checkpoint names its row in `config.json` under `template`."""

from __future__ import annotations

from internvl.errors import PromptError
from internvl.prompt.template import Template

# The mix of full-width and half-width commas is part of the strings the models were trained with.
_INTERNVL_2 = "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。"
_INTERNVL_2_5 = "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"


def _chatml(name: str, system_message: str, newline: str = "") -> Template:
    """ChatML as the family writes it: no newline between turns before 2.5."""
    end = "<|im_end|>" + newline
    return Template(
        name=name,
        system_message=system_message,
        system_prefix="<|im_start|>system\n",
        system_suffix=end,
        user_prefix="<|im_start|>user\n",
        user_suffix=end,
        assistant_prefix="<|im_start|>assistant\n",
        assistant_suffix=end,
        generation="<|im_start|>assistant\n",
        stop="<|im_end|>",
    )


_ALL = (
    _chatml("Hermes-2", _INTERNVL_2),
    _chatml("internlm2-chat", _INTERNVL_2),
    _chatml("internvl2_5", _INTERNVL_2_5, newline="\n"),
    Template(
        name="phi3-chat",
        system_message=_INTERNVL_2,
        system_prefix="<|system|>\n",
        system_suffix="<|end|>",
        user_prefix="<|user|>\n",
        user_suffix="<|end|>",
        assistant_prefix="<|assistant|>\n",
        assistant_suffix="<|end|>",
        generation="<|assistant|>\n",
        stop="<|end|>",
    ),
    Template(
        name="internvl_zh",
        system_message="",
        system_prefix="",
        system_suffix=" ",
        user_prefix="<human>: ",
        user_suffix=" ",
        assistant_prefix="<bot>: ",
        assistant_suffix="</s>",
        generation="<bot>:",
        stop="</s>",
    ),
    Template(
        name="internvl3_5_gpt_oss",
        system_message=_INTERNVL_2_5,
        system_prefix="<|start|>system<|message|>",
        system_suffix="<|end|>",
        user_prefix="<|start|>user<|message|>",
        user_suffix="<|end|>",
        assistant_prefix="<|start|>assistant",
        assistant_suffix="<|return|>",
        generation="<|start|>assistant",
        stop="<|end|>",
    ),
)

TEMPLATES: dict[str, Template] = {template.name: template for template in _ALL}


def template_named(name: str) -> Template:
    """The template of that name; PromptError lists the known ones."""
    if name not in TEMPLATES:
        raise PromptError(f"unknown template {name!r}; known are {', '.join(TEMPLATES)}")
    return TEMPLATES[name]
