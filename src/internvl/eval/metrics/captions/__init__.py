"""Caption scores of COCO, Flickr30K and NoCaps without Java: BLEU-1..4, ROUGE-L, CIDEr-D and METEOR 1.5.

{picture: references}, {picture: caption} -> Penn Treebank words -> four metrics over the corpus and per picture, as fractions
(CIDEr up to 10); the tables print them times 100. Source: the COCO caption scorers.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.eval.errors import EvalError
from internvl.eval.metrics.captions.bleu import bleu
from internvl.eval.metrics.captions.cider import cider
from internvl.eval.metrics.captions.meteor import meteor
from internvl.eval.metrics.captions.rouge import rouge_l
from internvl.eval.metrics.captions.tokenize import ptb_tokenize

__all__ = ["bleu", "caption_metrics", "cider", "meteor", "ptb_tokenize", "rouge_l"]


def caption_metrics(
    references: Mapping[Hashable, Sequence[str]],
    predictions: Mapping[Hashable, str | Sequence[str]],
    tokenize: bool = True,
    *,
    wordnet: str | Path | None = None,
    paraphrases: str | Path | None = None,
) -> dict[str, Any]:
    """All caption scores of `predictions` (one caption a picture) against `references` (at least one a picture, same pictures).

    Returns `Bleu_1`..`Bleu_4`, `ROUGE_L`, `CIDEr` and `METEOR` of the corpus, `ROUGE_L_per`, `CIDEr_per` and `METEOR_per` in the
    order of `predictions`, `tokenized_refs`, `tokenized_pred`, and `METEOR_matchers`: which of exact, stem, synonym and paraphrase
    were active. `wordnet` and `paraphrases` are the files of the last two (see `meteor`). `tokenize=False` splits at blanks only.
    Raises `EvalError` when pictures differ, a picture has no reference, or a text is no text.
    """
    said, known = _checked(references, predictions)
    if tokenize:
        said = {picture: ptb_tokenize(text) for picture, text in said.items()}
        known = {picture: [ptb_tokenize(text) for text in texts] for picture, texts in known.items()}
    words = [text.split() for text in said.values()]
    known_words = [[text.split() for text in texts] for texts in known.values()]
    rouge = [rouge_l(_pieces(one), [_pieces(text) for text in texts]) for one, texts in zip(said.values(), known.values(), strict=True)]
    cider_per = cider(words, known_words)
    flight = meteor(list(said.values()), list(known.values()), wordnet=wordnet, paraphrases=paraphrases)
    scores: dict[str, Any] = {f"Bleu_{order}": score for order, score in enumerate(bleu(words, known_words), 1)}
    return scores | {
        "ROUGE_L": sum(rouge) / len(rouge),
        "ROUGE_L_per": rouge,
        "CIDEr": sum(cider_per) / len(cider_per),
        "CIDEr_per": cider_per,
        "METEOR": flight.score,
        "METEOR_per": flight.per_picture,
        "METEOR_matchers": list(flight.matchers),
        "tokenized_refs": known,
        "tokenized_pred": said,
    }


def _checked(
    references: Mapping[Hashable, Sequence[str]], predictions: Mapping[Hashable, str | Sequence[str]]
) -> tuple[dict[Hashable, str], dict[Hashable, list[str]]]:
    """Both sides in the order of the predictions. The original takes a caption as a list of one; so do we."""
    if not predictions or predictions.keys() != references.keys():
        odd = list(predictions.keys() ^ references.keys())[:3]
        raise EvalError(f"captions and references must be of the same pictures, at least one; only one side has {odd}")
    said = {picture: _one_text(picture, caption) for picture, caption in predictions.items()}
    for picture, texts in references.items():
        if isinstance(texts, str) or not texts or not all(isinstance(text, str) for text in texts):
            raise EvalError(f"picture {picture!r}: expected a list of at least one reference caption, got {str(texts)[:80]!r}")
    return said, {picture: list(references[picture]) for picture in said}


def _one_text(picture: Hashable, caption: str | Sequence[str]) -> str:
    if not isinstance(caption, str) and len(caption) == 1:
        caption = caption[0]
    if not isinstance(caption, str):
        raise EvalError(f"picture {picture!r}: expected one caption, got {str(caption)[:80]!r}")
    return caption


def _pieces(text: str) -> list[str]:
    """ROUGE-L of the original splits at single blanks only; an empty caption has no piece."""
    return text.split(" ") if text else []
