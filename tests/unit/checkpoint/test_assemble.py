"""A chat model from parts: what is taken over keeps its bits, new tokens start at the mean, and the result chats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from tiny_checkpoints import INTERNLM2, LLAMA3, PHI3, QWEN2, V1, copy, edit_config, edit_tensors
from tiny_parts import edit_json, language_folder, read_json, stored, vision_folder

import internvl
from internvl.checkpoint.assemble import assemble
from internvl.checkpoint.checkpoint import Checkpoint
from internvl.checkpoint.convert import convert
from internvl.errors import CheckpointError, ConfigError, PromptError, TokenizerError
from internvl.models.vision.embeddings import stretch_positions
from internvl.prompt.placeholders import ADDED_TOKENS
from internvl.prompt.tokenizer import load_tokenizer
from internvl.prompt.tokenizer_files import ADDED, CONFIG, SPECIAL_MAP

SIZE = 56
# Fixture, its template, and what its language model calls the two tables of words.
KINDS = {
    "qwen2": (QWEN2, "Hermes-2", "model.embed_tokens.weight", "lm_head.weight"),
    "internlm2": (INTERNLM2, "internlm2-chat", "model.tok_embeddings.weight", "output.weight"),
    "llama": (LLAMA3, "internlm2-chat", "model.embed_tokens.weight", "lm_head.weight"),
    "phi3": (PHI3, "phi3-chat", "model.embed_tokens.weight", "lm_head.weight"),
}
TEXT = "What is the total of 3 items? 你好 <box>"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make(tmp_path: Path) -> Any:
    """Assemble with the tiny defaults; a part that is not named is that of the Qwen2 kind."""

    def run(**options: Any) -> Any:
        defaults: dict[str, Any] = {"out": tmp_path / "out", "template": "Hermes-2", "image_size": SIZE}
        defaults["vision"] = options.get("vision") or vision_folder(QWEN2, tmp_path / "vit")
        defaults["language"] = options.get("language") or language_folder(QWEN2, tmp_path / "llm")
        return assemble(**(defaults | options))

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_parts_become_a_model_that_chats(kind: str, make: Any, tmp_path: Path) -> None:
    chat, template, embedding, head = KINDS[kind]
    vision, language = vision_folder(chat, tmp_path / "vit"), language_folder(chat, tmp_path / "llm")
    made = make(vision=vision, language=language, template=template)

    tokenizer, before = load_tokenizer(made.folder), load_tokenizer(language)
    assert list(made.new_tokens) == list(ADDED_TOKENS)
    assert [tokenizer.token_id(name) for name in ADDED_TOKENS] == [before.vocab_size + i for i in range(9)]
    assert set(made.new_tokens.values()) <= tokenizer.special_ids
    # The fixture is such a model already: the same tokens at the same ids, plain text unchanged.
    assert made.new_tokens == {name: load_tokenizer(chat).token_id(name) for name in ADDED_TOKENS}
    assert tokenizer.encode_text(TEXT) == before.encode_text(TEXT) == load_tokenizer(chat).encode_text(TEXT)

    tensors, old = stored(made.folder), stored(language)
    for name in (embedding, head):
        grown, rows = tensors[f"language_model.{name}"], old[name].shape[0]
        assert torch.equal(grown[:rows], old[name])
        mean = old[name].double().mean(0).to(grown.dtype)
        assert grown.shape[0] == rows + 9
        assert all(torch.equal(row, mean) for row in grown[rows:])
    rest = {f"language_model.{name}": tensor for name, tensor in old.items() if name not in (embedding, head)}
    assert all(torch.equal(tensors[name], tensor) for name, tensor in rest.items())

    assert made.config == Checkpoint(made.folder).config
    vlm = internvl.load(made.folder, device="cpu")
    question = ("Read it.", internvl.Image(chat.parent / "image0.png"))
    assert vlm.chat(*question, max_new_tokens=5, min_new_tokens=3) == vlm.chat(*question, max_new_tokens=5, min_new_tokens=3)


@pytest.mark.parametrize("source", ["folder", "chat", "native"])
def test_the_vision_encoder_is_swapped_in_bit_for_bit(source: str, make: Any, tmp_path: Path) -> None:
    vision = {"folder": lambda: vision_folder(QWEN2, tmp_path / "vit"), "chat": lambda: QWEN2, "native": lambda: _native(tmp_path)}
    made = make(vision=vision[source](), language=language_folder(LLAMA3, tmp_path / "large"), template="internlm2-chat")
    old, new = stored(QWEN2), stored(made.folder)
    assert {name for name in new if name.startswith("vision_model.")} == {name for name in old if name.startswith("vision_model.")}
    assert all(torch.equal(new[name], old[name]) for name in new if name.startswith("vision_model."))


def _native(tmp_path: Path) -> Path:
    convert(QWEN2, tmp_path / "native", layout="native")
    return tmp_path / "native"


def test_another_tile_size_stretches_the_position_table_and_nothing_else(make: Any) -> None:
    made = make(vision=INTERNLM2)
    old, new = stored(INTERNLM2), stored(made.folder)
    name = "vision_model.embeddings.position_embedding"
    assert Checkpoint(INTERNLM2).config.vision.image_size == 28
    assert torch.equal(new[name], stretch_positions(old[name], 2, 4, 4))
    assert made.config.vision.image_size == made.config.image_size == SIZE
    same = [key for key in old if key.startswith("vision_model.") and key != name]
    assert all(torch.equal(new[key], old[key]) for key in same)


def test_a_tied_head_becomes_its_own_and_padding_rows_are_used_and_kept(make: Any, tmp_path: Path) -> None:
    language = language_folder(QWEN2, tmp_path / "tied", padding=20, tied=True)
    made = make(language=language)
    known = load_tokenizer(language).vocab_size
    old, new = stored(language)["model.embed_tokens.weight"], stored(made.folder)
    mean = old[:known].double().mean(0).float()  # padding was never trained and does not count
    assert not made.config.language.tie_embeddings
    assert made.config.language.vocab_size == old.shape[0] == known + 20
    for name in ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"):
        assert torch.equal(new[name][:known], old[:known])
        assert all(torch.equal(row, mean) for row in new[name][known : known + 9])
        assert torch.equal(new[name][known + 9 :], old[known + 9 :])


def test_a_table_with_fewer_rows_than_the_tokenizer_has_entries_is_filled_up(make: Any, tmp_path: Path) -> None:
    language = language_folder(QWEN2, tmp_path / "short", padding=-2)
    old = stored(language)["model.embed_tokens.weight"]
    made = make(language=language)
    new = stored(made.folder)["language_model.model.embed_tokens.weight"]
    assert new.shape[0] == old.shape[0] + 2 + 9 == load_tokenizer(made.folder).vocab_size
    assert torch.equal(new[: old.shape[0]], old)
    assert all(torch.equal(row, old.double().mean(0).float()) for row in new[old.shape[0] :])


def test_shards_hold_the_same_and_an_interruption_leaves_nothing(make: Any, tmp_path: Path) -> None:
    one, many = make(vision=QWEN2, language=QWEN2), make(vision=QWEN2, language=QWEN2, out=tmp_path / "many", max_shard_bytes=60_000)
    whole, parts = stored(one.folder), stored(many.folder)
    assert len(list(many.folder.glob("model-*.safetensors"))) > 3
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[name], parts[name]) for name in whole)

    def stop(done: int, total: int) -> None:
        if done == total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(vision=QWEN2, language=QWEN2, out=tmp_path / "stopped", progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["many", "out"]


def test_a_chat_model_as_language_model_has_all_tokens_already(make: Any) -> None:
    made = make(language=PHI3, template="phi3-chat")
    old, new = stored(PHI3), stored(made.folder)
    assert made.new_tokens == {}
    assert all(torch.equal(new[name], old[name]) for name in old if name.startswith("language_model."))
    assert (made.folder / "tokenizer.model").read_bytes() == (PHI3 / "tokenizer.model").read_bytes()


def test_the_random_projector_follows_the_seed(make: Any, tmp_path: Path) -> None:
    names = [f"mlp1.{i}.{kind}" for i in (0, 1, 3) for kind in ("weight", "bias")]
    parts = {"vision": QWEN2, "language": QWEN2}
    one, same, other = (stored(make(out=tmp_path / str(i), seed=seed, **parts).folder) for i, seed in enumerate((1, 1, 2)))
    assert all(torch.equal(one[name], same[name]) for name in names)
    assert not torch.equal(one["mlp1.1.weight"], other["mlp1.1.weight"])
    assert 0.015 < float(one["mlp1.3.weight"].std()) < 0.025
    assert float(one["mlp1.0.weight"].min()) == 1.0
    assert not any(one[name].any() for name in names if name.endswith("bias"))


@pytest.mark.parametrize("names", ["mlp1.", ""])
def test_a_projector_that_fits_is_taken(names: str, make: Any, tmp_path: Path) -> None:
    old = {name: tensor for name, tensor in stored(QWEN2).items() if name.startswith("mlp1.")}
    file = tmp_path / "projector.safetensors"
    save_file({name.replace("mlp1.", names): tensor for name, tensor in old.items()}, file)
    for number, projector in enumerate((file, QWEN2)):
        new = stored(make(projector=projector, vision=QWEN2, language=QWEN2, out=tmp_path / str(number)).folder)
        assert all(torch.equal(new[name], tensor) for name, tensor in old.items())


def test_a_whole_model_taken_apart_and_put_together_is_the_same_model(tmp_path: Path) -> None:
    """Same bits, same sizes, so the same answers: only fields of config.json that nothing reads are gone."""
    for chat in (QWEN2, PHI3, LLAMA3):
        config = Checkpoint(chat).config
        out = tmp_path / chat.name
        made = assemble(
            vision=chat, language=chat, projector=chat, out=out, template=config.template, image_size=config.vision.image_size
        )
        assert made.config.language == config.language
        assert made.config.vision == config.vision
        old, new = stored(chat), stored(out)
        assert old.keys() == new.keys()
        assert all(torch.equal(new[name], old[name]) for name in old)


def test_pixel_shuffle_and_the_layer_read_come_from_the_checkpoints(make: Any, tmp_path: Path) -> None:
    made = make(vision=V1, language=V1, projector=V1, template="internvl_zh", max_tiles=1)
    config = Checkpoint(made.folder).config
    assert (config.pixel_shuffle, config.select_layer, config.dynamic_tiles) == ("v1", -4, False)
    assert make(vision=V1, language=V1, template="internvl_zh", out=tmp_path / "new").config.pixel_shuffle == "v2"
    with pytest.raises(ConfigError, match="pixel shuffle v1, not v2"):
        make(vision=V1, language=V1, projector=V1, template="internvl_zh", pixel_shuffle="v2", out=tmp_path / "no")


def test_one_number_type_for_all_if_asked(make: Any) -> None:
    made = make(dtype=torch.bfloat16)
    assert {tensor.dtype for tensor in stored(made.folder).values()} == {torch.bfloat16}
    assert read_json(made.folder / "config.json")["torch_dtype"] == "bfloat16"
    assert {part.dtype for part in made.parts} == {"bfloat16"}


def test_parts_of_two_types_keep_theirs(make: Any, tmp_path: Path) -> None:
    half = edit_tensors(copy(QWEN2, tmp_path / "half"), lambda tensors: {name: t.bfloat16() for name, t in tensors.items()})
    made = make(vision=QWEN2, language=half)
    assert {part.name: part.dtype for part in made.parts} == {
        "vision_encoder": "float32", "projector": "bfloat16", "language_model": "bfloat16",
    }  # fmt: skip
    assert torch.equal(stored(made.folder)["vision_model.encoder.layers.0.ls1"], stored(QWEN2)["vision_model.encoder.layers.0.ls1"])


def test_it_converts_to_native_and_transformers_reads_it(make: Any, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    made = make()
    convert(made.folder, tmp_path / "native", layout="native")
    model, info = transformers.InternVLForConditionalGeneration.from_pretrained(tmp_path / "native", output_loading_info=True)
    assert not any(info[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    ours = internvl.load(made.folder, device="cpu")
    ids = torch.tensor([ours.tokenizer.encode_text("What is it?")])
    with torch.inference_mode():
        torch.testing.assert_close(model.float()(input_ids=ids).logits, ours.model(ids), atol=3e-5, rtol=0)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "native")
    assert [theirs.convert_tokens_to_ids(name) for name in ADDED_TOKENS] == list(made.new_tokens.values())


def test_a_word_of_the_vocabulary_keeps_its_id_but_can_no_longer_be_typed(make: Any, tmp_path: Path) -> None:
    language = language_folder(QWEN2, tmp_path / "yi")
    words = read_json(language / "vocab.json")
    words["<img>"] = words.pop("!")  # no merge needs it
    (language / "vocab.json").write_text(json.dumps(words), "utf-8")
    made = make(language=language)
    tokenizer = load_tokenizer(made.folder)
    assert tokenizer.added_tokens["<img>"] == words["<img>"]
    assert "<img>" not in made.new_tokens
    assert len(made.new_tokens) == 8
    assert words["<img>"] not in tokenizer.encode_text("<img>")
    rows, old = stored(made.folder)["language_model.lm_head.weight"], stored(language)["lm_head.weight"]
    assert torch.equal(rows[words["<img>"]], old[words["<img>"]])
    assert rows.shape[0] == old.shape[0] + 8


@pytest.mark.parametrize("kind", ["qwen2", "internlm2"])
def test_older_tokenizer_files_without_a_table_of_added_tokens(kind: str, make: Any, tmp_path: Path) -> None:
    chat, template, *_ = KINDS[kind]
    language = language_folder(chat, tmp_path / "old")
    values = {key: value for key, value in read_json(language / CONFIG).items() if key != "added_tokens_decoder"}
    (language / CONFIG).write_text(json.dumps(values), "utf-8")
    before = load_tokenizer(language)
    made = make(language=language, template=template)
    after = load_tokenizer(made.folder)
    assert {**before.added_tokens, **made.new_tokens} == dict(after.added_tokens)
    assert after.encode_text(TEXT) == before.encode_text(TEXT)


def test_a_special_token_without_an_id_in_any_file_keeps_the_one_it_had(make: Any, tmp_path: Path) -> None:
    language = language_folder(QWEN2, tmp_path / "old", padding=1)
    values = {key: value for key, value in read_json(language / CONFIG).items() if key != "added_tokens_decoder"}
    (language / CONFIG).write_text(json.dumps(values), "utf-8")
    edit_json(language / CONFIG, pad_token="<pad>")
    edit_json(language / SPECIAL_MAP, pad_token="<pad>")
    before = load_tokenizer(language)
    after = load_tokenizer(make(language=language).folder)
    assert before.pad_id == after.pad_id == before.vocab_size - 1
    assert after.token_id("<img>") == before.vocab_size


@pytest.mark.parametrize("name", [ADDED, SPECIAL_MAP])
def test_files_that_are_there_are_amended_and_no_others_appear(name: str, make: Any, tmp_path: Path) -> None:
    language = language_folder(QWEN2, tmp_path / "llm")
    (language / name).unlink()
    made = make(language=language)
    names = {path.name for path in language.iterdir()}
    assert {path.name for path in made.folder.iterdir()} == names


class TestRefusals:
    def test_widths_of_the_projector(self, make: Any, tmp_path: Path) -> None:
        wide = Checkpoint(INTERNLM2).config
        with pytest.raises(ConfigError, match=f"from {4 * wide.vision.hidden_size} to 48.* from .*; leave it out") as caught:
            make(projector=INTERNLM2, vision=QWEN2, language=QWEN2)
        fits = Checkpoint(QWEN2).config
        assert f"from {4 * fits.vision.hidden_size} to {fits.language.hidden_size}" in str(caught.value)
        assert not (tmp_path / "out").exists()

    def test_a_pickled_projector(self, make: Any, tmp_path: Path) -> None:
        (tmp_path / "mlp.pth").write_bytes(b"x")
        with pytest.raises(CheckpointError, match=r"mlp.pth: a projector is .* pickles are never opened"):
            make(projector=tmp_path / "mlp.pth", vision=QWEN2, language=QWEN2)

    def test_a_language_model_as_vision_encoder(self, make: Any, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"intern_vit_6b.*not 'qwen2'"):
            make(vision=language_folder(QWEN2, tmp_path / "no"))

    def test_a_vision_encoder_as_language_model(self, make: Any, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="InternVisionModel"):
            make(language=vision_folder(QWEN2, tmp_path / "no"))

    def test_a_template_whose_stop_token_is_unknown(self, make: Any) -> None:
        with pytest.raises(TokenizerError, match=r"no token '<\|end\|>'.*'phi3-chat'"):
            make(template="phi3-chat")

    def test_an_unknown_template(self, make: Any) -> None:
        with pytest.raises(PromptError, match="unknown template 'chatml'"):
            make(template="chatml")

    def test_a_tile_that_is_no_multiple_of_the_patches(self, make: Any) -> None:
        with pytest.raises(ConfigError, match="force_image_size"):
            make(image_size=60)

    def test_a_folder_that_holds_something(self, make: Any, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "notes.txt").write_text("mine")
        with pytest.raises(CheckpointError, match="not an empty folder"):
            make()
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]

    def test_a_missing_and_a_foreign_tensor(self, make: Any, tmp_path: Path) -> None:
        language = language_folder(QWEN2, tmp_path / "llm")
        tensors = stored(language)
        norm = tensors.pop("model.norm.weight")
        save_file(tensors, language / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(CheckpointError, match=r"1 tensors are missing, first 'language_model.model.norm.weight'"):
            make(vision=QWEN2, language=language)
        save_file(tensors | {"model.norm.weight": norm, "score.weight": norm.clone()}, language / "model.safetensors")
        with pytest.raises(CheckpointError, match=r"not part of .*'language_model.score.weight'"):
            make(vision=QWEN2, language=language)
        save_file(tensors | {"model.norm.weight": norm[:-1].clone()}, language / "model.safetensors")
        with pytest.raises(CheckpointError, match=r"norm.weight has the shape \[47\], but config.json describes \[48\]"):
            make(vision=QWEN2, language=language)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["llm"]

    def test_contradicting_sizes_name_the_file(self, make: Any, tmp_path: Path) -> None:
        broken = edit_config(copy(QWEN2, tmp_path / "broken"), vision_config__num_hidden_layers=9)
        with pytest.raises(CheckpointError, match="broken"):
            make(vision=broken)
