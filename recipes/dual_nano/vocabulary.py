"""The vocabulary: 8,192 sentencepiece pieces learnt from the names and sentences, stored as the released kind's tokenizer files.

Bytes stand in for what has no piece, so no name is unknown: an unknown piece would count as padding in this kind of model.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import sentencepiece
from recipes.dual_nano.pairs import pictures, split

from internvl.engine.dual_prompts import TEMPLATES
from internvl.prompt.captions import CAPTION_PROMPT, TEXT_PREFIX, cleaned_caption

SIZE = 8192


def write_tokenizer(folder: Path) -> None:
    """tokenizer.model, tokenizer_config.json and special_tokens_map.json of a LLaMA tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_texts()),
        model_writer=model,
        vocab_size=SIZE,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.9995,
        normalization_rule_name="identity",
        user_defined_symbols=[TEXT_PREFIX, CAPTION_PROMPT],
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    special = {"0": "<unk>", "1": "<s>", "2": "</s>"}
    added = {
        number: {"content": name, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
        for number, name in special.items()
    }
    config = {
        "add_bos_token": True, "add_eos_token": False, "added_tokens_decoder": added, "bos_token": "<s>", "eos_token": "</s>",
        "unk_token": "<unk>", "legacy": True, "tokenizer_class": "LlamaTokenizer", "clean_up_tokenization_spaces": False,
    }  # fmt: skip
    _write(folder / "tokenizer_config.json", config)
    _write(folder / "special_tokens_map.json", {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"})


def _texts() -> list[str]:
    trained = [each for each in pictures() if split(each) == "train"]
    named = [cleaned_caption(text) for each in trained for text in each.names.values()]
    tagged = [cleaned_caption(tag) for each in trained for tags in each.keywords.values() for tag in tags]
    framed = [cleaned_caption(template.replace("{}", " ")) for rows in TEMPLATES.values() for template in rows for _ in range(20)]
    return [text for text in named + tagged + framed if text]


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
