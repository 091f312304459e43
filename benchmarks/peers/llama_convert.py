"""llama.cpp's own converter on a checkpoint with a made-up vocabulary: `llama_convert.py SOURCE_DIR ARGUMENTS-OF-THE-CONVERTER`.

Three things that the random checkpoints lack are put in. The converter knows tokenizers by the hash of a text they cut, and wants the
pixels' mean and deviation from a file; llama.cpp wants at least one merge. The merge given is of two bytes that UTF-8 has no place for,
so no text is cut otherwise than in the checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

UNUSED_MERGE = "ÿ ÿ"
IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def main() -> None:
    """Patch the converter, then run it."""
    source = Path(sys.argv[1])
    sys.path[:0] = [str(source), str(source / "gguf-py")]
    import convert_hf_to_gguf as converter
    import gguf
    from conversion.base import MmprojModel, TextModel

    def known(_: Any, __: Any) -> str:
        return "qwen2"

    TextModel.get_vocab_base_pre = known
    _after_init(gguf.SpecialVocab, lambda vocab: vocab.__dict__.update(merges=vocab.merges or [UNUSED_MERGE]))
    _after_init(MmprojModel, lambda model: model.preprocessor_config.update(IMAGENET))
    sys.argv = [str(source / "convert_hf_to_gguf.py"), *sys.argv[2:]]
    converter.main()


def _after_init(patched: Any, step: Any) -> None:
    """Do a step whenever an object of the class has been made."""
    init = patched.__init__

    def both(self: Any, *arguments: Any, **more: Any) -> None:
        init(self, *arguments, **more)
        step(self)

    patched.__init__ = both


if __name__ == "__main__":
    main()
