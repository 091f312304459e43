"""llama.cpp's own converter on a checkpoint with a made-up vocabulary: `llama_convert.py SOURCE_DIR ARGUMENTS-OF-THE-CONVERTER`.

Two things the random checkpoints lack are put in: the converter knows tokenizers by the hash of a text they cut, and llama.cpp wants at
least one merge. The merge given is of two bytes that UTF-8 has no place for, so no text is cut otherwise than in the checkpoint.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

UNUSED_MERGE = "ÿ ÿ"


def main() -> None:
    """Patch two methods, then run the converter."""
    source = Path(sys.argv[1])
    sys.path[:0] = [str(source), str(source / "gguf-py")]
    import convert_hf_to_gguf as converter
    import gguf
    from conversion.base import TextModel

    def known(_: Any, __: Any) -> str:
        return "qwen2"

    def with_merge(self: Any, *arguments: Any, **more: Any) -> None:
        load(self, *arguments, **more)
        self.merges = self.merges or [UNUSED_MERGE]

    load = gguf.SpecialVocab.__init__
    TextModel.get_vocab_base_pre = known
    gguf.SpecialVocab.__init__ = with_merge
    sys.argv = [str(source / "convert_hf_to_gguf.py"), *sys.argv[2:]]
    converter.main()


if __name__ == "__main__":
    main()
