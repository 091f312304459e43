"""The open multimodal models of the InternVL family: load, chat, convert.

    import internvl

    vlm = internvl.load("internvl-nano")
    print(vlm.chat("What does the sign say?", internvl.Image("sign.png")))

Importing this package loads nothing heavy: torch and the rest come with the first name that needs them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from internvl.errors import InternVLError
from internvl.messages import Box, Image, Message, Ref, Video

if TYPE_CHECKING:
    from internvl.engine.card import InternVLChatModel
    from internvl.engine.card_media import dynamic_preprocess, load_image, load_video, split_model
    from internvl.engine.card_stream import TextIteratorStreamer
    from internvl.engine.card_tokenizer import AutoTokenizer
    from internvl.engine.dual import Dual
    from internvl.engine.dual_card import InternVLModel
    from internvl.engine.vlm import VLM
    from internvl.media.tiling import TilePolicy

    load = VLM.load
    load_dual = Dual.load

__version__ = "0.1.0"
__all__ = [
    "VLM",
    "AutoTokenizer",
    "Box",
    "Dual",
    "Image",
    "InternVLChatModel",
    "InternVLError",
    "InternVLModel",
    "Message",
    "Ref",
    "TextIteratorStreamer",
    "TilePolicy",
    "Video",
    "dynamic_preprocess",
    "load",
    "load_dual",
    "load_image",
    "load_video",
    "split_model",
]

_CARD_MEDIA = "internvl.engine.card_media"
_LAZY = {
    "VLM": ("internvl.engine.vlm", "VLM"),
    "load": ("internvl.engine.vlm", "VLM.load"),
    "Dual": ("internvl.engine.dual", "Dual"),
    "load_dual": ("internvl.engine.dual", "Dual.load"),
    "InternVLModel": ("internvl.engine.dual_card", "InternVLModel"),
    "TilePolicy": ("internvl.media.tiling", "TilePolicy"),
    "AutoTokenizer": ("internvl.engine.card_tokenizer", "AutoTokenizer"),
    "InternVLChatModel": ("internvl.engine.card", "InternVLChatModel"),
    "TextIteratorStreamer": ("internvl.engine.card_stream", "TextIteratorStreamer"),
    "dynamic_preprocess": (_CARD_MEDIA, "dynamic_preprocess"),
    "load_image": (_CARD_MEDIA, "load_image"),
    "load_video": (_CARD_MEDIA, "load_video"),
    "split_model": (_CARD_MEDIA, "split_model"),
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'internvl' has no attribute {name!r}")
    module, path = _LAZY[name]
    value: Any = importlib.import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
