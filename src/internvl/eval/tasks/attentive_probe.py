"""The attentive probe of a frozen vision encoder on ImageNet: the linear probe's task with a pool that learns where to look.

    training pictures --random parts, encoder--> tokens [b, 1 + N, D] --AttentiveHead, SGD--> head on disk
    test pictures --"crop", encoder, trained pool, store--> [n, 768] --rest of the head--> logits [n, classes] --mask--> accuracy

The original has it beside the linear probe; the pool is that of InternVL-C's picture side. No score of it was published, so none
stands beside a result. Test sets, masks and the recipe of the training are those of `linear_probe`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from internvl.eval.embedding_task import EmbeddingProtocol, Features, Picture, Work
from internvl.eval.tasks.linear_probe import LinearProbe, extractor_of

if TYPE_CHECKING:
    from torch import nn

    from internvl.eval.feature_extractor import ProbeEmbedder
    from internvl.eval.heads.probe import AttentiveHead, AttentiveRecipe, Classify, ProbeRecipe

VARIANTS = {"internvl": EmbeddingProtocol(note="random parts of the training pictures, encoded anew in each epoch")}
PUBLISHED: dict[str, str] = {}


class AttentiveProbe(LinearProbe):
    """One split for each test set; all share the head."""

    name = "attentive_probe"
    title = "Attentive probe"
    variants = VARIANTS
    published = PUBLISHED
    recipe: AttentiveRecipe | None = None

    def look_at(self, work: Work, pictures: Sequence[Picture]) -> None:
        """Nothing: test pictures pass through the trained pool."""

    def new_head(self, work: Work, classes: int) -> tuple[nn.Module, ProbeRecipe]:
        """Pool and probe before training."""
        from internvl.eval.heads.probe import AttentiveHead, AttentiveRecipe

        recipe = self.recipe or AttentiveRecipe()
        return AttentiveHead(extractor_of(work).width, classes, recipe), recipe

    def embedder(self, work: Work) -> ProbeEmbedder:
        """All tokens."""
        from internvl.eval.feature_extractor import TokenEmbedder

        return TokenEmbedder(extractor_of(work))

    def tested(self, work: Work, pictures: Sequence[Picture], head: nn.Module) -> tuple[Features, Classify]:
        """What the trained pool gives, stored beside the head under its hash."""
        from internvl.eval.encoding import Encoder
        from internvl.eval.feature_extractor import PooledEmbedder
        from internvl.eval.feature_store import FeatureStore
        from internvl.eval.fingerprint import file_hash

        trained = cast("AttentiveHead", head)
        own = file_hash(work.folder / f"{work.variant}.safetensors")
        embedder = PooledEmbedder(extractor_of(work), trained.pool, {"head": own})
        folder = work.folder / f"{work.variant}-{own.removeprefix('sha256:')[:12]}"
        pictures_at, texts_at = (FeatureStore(folder / kind, embedder.describe()) for kind in ("pictures", "texts"))
        encode = Encoder(embedder=embedder, pictures=pictures_at, texts=texts_at, title=work.title, progress=work.progress)
        return encode(pictures, (), mode="crop")[0], trained.probe


TASK = AttentiveProbe
