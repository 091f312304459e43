"""The similarity is the dual encoder's, whoever brings it, and does not depend on batch mates."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest
from pipe_clean_pictures import encoded, item, scene

from internvl import Image, load_dual
from internvl.errors import CheckpointError, MissingDependencyError
from internvl.pipelines.clean.clip_models import open_open_clip, open_transformers
from internvl.pipelines.clean.similarity import SimilarityScore
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.item import Drop, Item

FOLDER = Path(__file__).parents[2] / "parity" / "fixtures" / "internvl-14b"
TEXTS = ("a red picture", "天空", "a dog", "", "shapes")


def scores(outcomes: object) -> list[float | None]:
    assert isinstance(outcomes, list)
    return [outcome.fields["similarity"] for outcome in outcomes if isinstance(outcome, Item)]


def test_it_is_the_cosine_of_the_dual_encoder() -> None:
    items = [item(row, image=encoded(scene(row)), text=text) for row, text in enumerate(TEXTS)]
    work = SimilarityScore(str(FOLDER), device="cpu", batch=2).open()
    found = scores(work(items))
    assert found[3] is None
    dual = load_dual(FOLDER, device="cpu")
    for row in (0, 1, 2, 4):
        cosine = float(dual.similarity([Image(scene(row))], [TEXTS[row]])[0, 0])
        assert found[row] == pytest.approx(cosine, abs=1e-4)
    assert scores(work(items[::-1])) == found[::-1]
    assert [score for each in items for score in scores(work([each]))] == found


def test_what_cannot_be_opened_is_dropped_and_costs_its_batch_nothing() -> None:
    good = item(1, image=encoded(scene(1)), text="shapes")
    bad = item(2, image=encoded(scene(2))[:600], text="shapes")
    outcomes = SimilarityScore(str(FOLDER), device="cpu").open()([bad, good, item(3, text="no picture")])
    assert [type(outcome) for outcome in outcomes] == [Drop, Item, Drop]


def test_settings_tell_weights_and_names() -> None:
    assert SimilarityScore(str(FOLDER)).settings()["weights"].startswith("sha256:")
    assert SimilarityScore("transformers:a/b").settings()["model"] == "transformers:a/b"
    with pytest.raises(CheckpointError, match="no-such-model"):
        SimilarityScore("no-such-model").settings()


def test_open_clip_is_named_when_it_is_missing_or_misnamed() -> None:
    try:
        import open_clip  # noqa: F401
    except ImportError:
        with pytest.raises(MissingDependencyError, match="pip install open_clip_torch"):
            open_open_clip("ViT-B-32/laion2b")
    else:
        with pytest.raises(PipelineError, match="ARCHITECTURE/PRETRAINED"):
            open_open_clip("ViT-B-32")


def test_a_clip_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    save_tiny_clip(tmp_path, transformers)
    encode = open_transformers(str(tmp_path), device="cpu")
    pictures, texts = encode([scene(1), scene(2), PIL.Image.new("RGB", (9, 5))], ["ab", "ba ab", "b"])
    assert pictures.shape == texts.shape == (3, 16)
    assert pictures.norm(dim=-1).tolist() == pytest.approx([1.0] * 3, abs=1e-5)
    work = SimilarityScore(f"transformers:{tmp_path}", device="cpu").open()
    [score] = scores(work([item(image=encoded(scene(1)), text="ab")]))
    assert score == pytest.approx(float((pictures[0] * texts[0]).sum()), abs=1e-4)
    with pytest.raises(PipelineError, match="transformers can't load"):
        open_transformers(str(tmp_path / "none"))


def save_tiny_clip(folder: Path, transformers: object) -> None:
    """A CLIP of a few thousand random weights, with a tokenizer of two letters."""
    import json

    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    words = ["a", "b", "a</w>", "b</w>", "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"))
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": len(words), "max_position_embeddings": 16, "eos_token_id": 5, "bos_token_id": 4, "pad_token_id": 5}
    config = CLIPConfig(text_config=text, vision_config={**small, "image_size": 32, "patch_size": 16}, projection_dim=16)
    CLIPModel(config).save_pretrained(folder)
    images = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(images, tokenizer).save_pretrained(folder)
