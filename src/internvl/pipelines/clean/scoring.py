"""Which operators a cleaning run consists of: facts that need no model, and scores by name.

"similarity,watermark,aesthetic,unsafe" -> PictureFacts, CaptionFacts, LanguageId, scores of the picture, similarity
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from internvl.pipelines.clean.caption import CaptionFacts
from internvl.pipelines.clean.known_columns import COLUMNS, GROUP, nearest
from internvl.pipelines.clean.language import LanguageId
from internvl.pipelines.clean.picture import PictureFacts
from internvl.pipelines.clean.rules import Rules
from internvl.pipelines.clean.similarity import DEFAULT_MODEL, SimilarityScore
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.operator import Operator
from internvl.pipelines.scorers.aesthetic import AestheticScore
from internvl.pipelines.scorers.picture_score import PictureScore, ScoreTogether
from internvl.pipelines.scorers.unsafe import UnsafeScore
from internvl.pipelines.scorers.watermark import WatermarkScore

PICTURE_SCORES: dict[str, type[PictureScore]] = {"watermark": WatermarkScore, "aesthetic": AestheticScore, "unsafe": UnsafeScore}
SCORES = ("similarity", *PICTURE_SCORES)


def operators_for(
    scores: Sequence[str] = SCORES,
    *,
    model: str = DEFAULT_MODEL,
    device: str = "auto",
    gpus: float = 0.0,
    declared: str = "language",
    blocklist: Iterable[str] = (),
) -> tuple[Operator, ...]:
    """The operators of a run. What drops most for least comes first. Raises PipelineError for an unknown score."""
    for name in scores:
        if name not in SCORES:
            raise PipelineError(f"there is no score {name!r}{nearest(name, SCORES)}; known are {', '.join(SCORES)}")
    facts = (PictureFacts(), CaptionFacts(tuple(blocklist)), LanguageId(declared))
    of_picture = tuple(kind() for name, kind in PICTURE_SCORES.items() if name in scores)
    together = (ScoreTogether(of_picture),) if of_picture else ()
    similarity = (SimilarityScore(model, device, gpus=gpus),) if "similarity" in scores else ()
    return (*facts, *together, *similarity)


def without_scores(rules: Rules, scores: Sequence[str]) -> Rules:
    """The rules without those on scores that are not asked for, and without a choice of duplicates by one."""
    columns = tuple(rule for rule in rules.columns if rule.column not in SCORES or rule.column in scores)
    duplicates = rules.duplicates
    if duplicates.keep == "similarity" and "similarity" not in scores:
        duplicates = replace(duplicates, keep="first")
    return replace(rules, columns=columns, duplicates=duplicates)


def check_columns(rules: Rules, operators: Sequence[Operator]) -> None:
    """Raises PipelineError for a rule on a column that no operator of the run adds."""
    added = {name for operator in operators for name in operator.columns()}
    for rule in rules.columns:
        if rule.column not in added and COLUMNS[rule.column].operator != GROUP:
            needed = COLUMNS[rule.column].operator
            raise PipelineError(
                f"{rules.title} has a rule on {rule.column!r}, which is not scored: score {needed!r} too, or leave the rule out"
            )
    keep = rules.duplicates.keep
    if keep == "similarity" and keep not in added:
        raise PipelineError(
            f"{rules.title} keeps the duplicate with the highest similarity, which is not scored: keep 'first' or 'pixels'"
        )
