"""The model card's quick start, step by step as people paste it, changed only in its import line and in the tile size (56 px).

Each step is compared with what the original implementation answered, or with the same question asked another way.
"""

from __future__ import annotations

import copy
from pathlib import Path
from threading import Thread
from typing import Any

import av
import numpy as np
import pytest
import torch
import transformers
from original import FIXTURES, TILE_SIZE, Kind

from internvl import AutoTokenizer, TextIteratorStreamer, dynamic_preprocess, load_image, load_video, split_model
from internvl import InternVLChatModel as AutoModel
from internvl.errors import ConfigError, DeviceError, PlaceholderCountError, PromptError, SamplingError, TokenizerError

PATH = FIXTURES / "internvl2-qwen2"
IMAGES = [FIXTURES / f"image{i}.png" for i in range(5)]
no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")


def generation_config(**more: Any) -> dict[str, Any]:
    return {"max_new_tokens": 12, "do_sample": False} | more


def pixels(number: int, max_num: int = 12) -> torch.Tensor:
    return load_image(IMAGES[number], input_size=TILE_SIZE, max_num=max_num)


@pytest.fixture(scope="module")
def model() -> AutoModel:
    return AutoModel.from_pretrained(
        PATH, torch_dtype=torch.float32, low_cpu_mem_usage=True, use_flash_attn=True, trust_remote_code=True
    ).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(PATH, trust_remote_code=True, use_fast=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "red-panda.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for number in range(20):
            frame = np.full((64, 96, 3), 12 * number, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    return path


def test_pure_text(model: AutoModel, tokenizer: Any) -> None:
    config = generation_config()
    response, history = model.chat(tokenizer, None, "Hello, who are you?", config, history=None, return_history=True)
    assert history == [("Hello, who are you?", response)]
    again, longer = model.chat(tokenizer, None, "Can you tell me a story?", config, history=history, return_history=True)
    assert longer == [*history, ("Can you tell me a story?", again)]
    assert response
    assert again


def test_single_image_single_round(model: AutoModel, tokenizer: Any) -> None:
    response = model.chat(tokenizer, pixels(0), "<image>\nPlease describe the image shortly.", generation_config())
    bare = model.chat(tokenizer, pixels(0), "Please describe the image shortly.", generation_config())
    assert response == bare != ""


def test_single_image_multi_round(model: AutoModel, tokenizer: Any) -> None:
    config, shown = generation_config(), pixels(0)
    question = "<image>\nPlease describe the image in detail."
    response, history = model.chat(tokenizer, shown, question, config, history=None, return_history=True)
    kept = list(history)
    question = "Please write a poem according to the image."
    response, history = model.chat(tokenizer, shown, question, config, history=history, return_history=True)
    assert model.last_reply.usage.cached_tokens > model.last_reply.usage.visual_tokens
    fresh = AutoModel(model.model).chat(tokenizer, shown, question, config, history=kept)
    assert response == fresh


def test_combined_images(model: AutoModel, tokenizer: Any) -> None:
    shown = torch.cat((pixels(0), pixels(1)), dim=0)
    question = "<image>\nDescribe the two images in detail."
    response, history = model.chat(tokenizer, shown, question, generation_config(), history=None, return_history=True)
    follow = model.chat(tokenizer, shown, "What are the similarities?", generation_config(), history=history)
    assert response
    assert follow


def test_separate_images(model: AutoModel, tokenizer: Any) -> None:
    first, second = pixels(0), pixels(1)
    shown, num_patches_list = torch.cat((first, second), dim=0), [first.size(0), second.size(0)]
    question = "Image-1: <image>\nImage-2: <image>\nDescribe the two images in detail."
    response, history = model.chat(
        tokenizer, shown, question, generation_config(), num_patches_list=num_patches_list, history=None, return_history=True
    )
    follow, history = model.chat(
        tokenizer, shown, "And now?", generation_config(), num_patches_list=num_patches_list, history=history, return_history=True
    )
    assert len(history) == 2
    combined = model.chat(tokenizer, shown, "<image>\nDescribe the two images in detail.", generation_config())
    assert response != combined
    assert follow


def test_batch(model: AutoModel, tokenizer: Any) -> None:
    first, second = pixels(0), pixels(1)
    num_patches_list = [first.size(0), second.size(0)]
    config = generation_config()
    questions = ["<image>\nDescribe the image in detail."] * len(num_patches_list)
    responses = model.batch_chat(
        tokenizer,
        torch.cat((first, second)),
        num_patches_list=num_patches_list,
        questions=questions,
        generation_config=generation_config(),
    )
    assert responses == [model.chat(tokenizer, each, questions[0], config) for each in (first, second)]


def test_batch_of_texts_and_of_several_pictures(model: AutoModel, tokenizer: Any) -> None:
    texts = model.batch_chat(tokenizer, None, ["Hello", "Hi"], generation_config())
    assert texts == [model.chat(tokenizer, None, each, generation_config()) for each in ("Hello", "Hi")]
    shown = [pixels(0, 2), pixels(1, 2), pixels(3, 2)]
    counts = [each.size(0) for each in shown]
    two, one = "<image> and <image>?", "What is it?"
    answers = model.batch_chat(tokenizer, torch.cat(shown), [two, one], generation_config(), num_patches_list=counts)
    assert answers[0] == model.chat(tokenizer, torch.cat(shown[:2]), two, generation_config(), num_patches_list=counts[:2])
    assert answers[1] == model.chat(tokenizer, shown[2], one, generation_config())


def test_video(model: AutoModel, tokenizer: Any, clip: Path) -> None:
    pixel_values, num_patches_list = load_video(clip, input_size=TILE_SIZE, num_segments=8, max_num=1)
    assert num_patches_list == [1] * 8
    video_prefix = "".join([f"Frame{i + 1}: <image>\n" for i in range(len(num_patches_list))])
    question = video_prefix + "What is the red panda doing?"
    response, history = model.chat(
        tokenizer, pixel_values, question, generation_config(), num_patches_list=num_patches_list, history=None, return_history=True
    )
    follow = model.chat(
        tokenizer, pixel_values, "Describe this video.", generation_config(), num_patches_list=num_patches_list, history=history
    )
    assert response
    assert follow
    assert load_video(clip, bound=(1.0, 2.0), input_size=TILE_SIZE, num_segments=4)[0].shape == (4, 3, TILE_SIZE, TILE_SIZE)


def streamed(model: AutoModel, tokenizer: Any, streamer: Any, **more: Any) -> str:
    config = {"max_new_tokens": 12, "do_sample": False, "streamer": streamer}
    arguments = {
        "tokenizer": tokenizer,
        "pixel_values": pixels(0),
        "question": "<image>\nDescribe.",
        "history": None,
        "return_history": False,
        "generation_config": config,
    }
    thread = Thread(target=model.chat, kwargs=arguments | more)
    thread.start()
    generated_text = ""
    for new_text in streamer:
        if new_text == model.conv_template.sep:
            break
        generated_text += new_text
    thread.join()
    return generated_text


@pytest.mark.parametrize("source", [TextIteratorStreamer, transformers.TextIteratorStreamer])
@pytest.mark.parametrize("name", ["internvl2-qwen2", "internvl2-llama3"])
def test_streaming_in_a_thread(name: str, source: Any) -> None:
    model, tokenizer = AutoModel.from_pretrained(FIXTURES / name), AutoTokenizer.from_pretrained(FIXTURES / name)
    streamer = source(tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=30)
    text = streamed(model, tokenizer, streamer)
    assert text.strip() == model.chat(tokenizer, pixels(0), "<image>\nDescribe.", generation_config())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_failure_in_the_thread_reaches_the_loop(model: AutoModel, tokenizer: Any) -> None:
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, timeout=30)
    with pytest.raises(PlaceholderCountError):
        streamed(model, tokenizer, streamer, question="<image><image>")
    theirs = transformers.TextIteratorStreamer(tokenizer, skip_prompt=True, timeout=30)
    assert streamed(model, tokenizer, theirs, question="<image><image>") == ""


def test_two_turns_equal_the_original(kind: Kind) -> None:
    """The same calls with golden answers behind them, keyword for keyword."""
    first, second = kind.case("image"), kind.case("image-turn2")
    shown, counts = kind.pixels(first)
    config, history = {"max_new_tokens": 24, "do_sample": False}, []
    for case in (first, second):
        response, history = kind.model.chat(
            kind.tokenizer,
            shown,
            case["question"],
            config,
            history=history,
            return_history=True,
            num_patches_list=counts,
            IMG_START_TOKEN="<img>",
            IMG_END_TOKEN="</img>",
            IMG_CONTEXT_TOKEN="<IMG_CONTEXT>",
            verbose=False,
        )
        assert response == case["response"]


def test_generate_equals_the_original(kind: Kind) -> None:
    """The card's own batch: prompts as text, padded on the left, placeholders as text."""
    model, tokenizer = AutoModel(kind.model.model), kind.tokenizer
    cases = [kind.case("image"), kind.case("text")]
    shown, counts = kind.pixels(cases[0])
    slot = "<img>" + "<IMG_CONTEXT>" * model.num_image_token * counts[0] + "</img>"
    prompts = [rendered(model, case["question"]).replace("<image>", slot) for case in cases]
    batch = tokenizer(prompts, return_tensors="pt", padding=True)
    assert batch.input_ids.shape == batch["attention_mask"].shape
    assert int(batch.attention_mask[1, 0]) == 0
    model.img_context_token_id = tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>")
    stop = tokenizer.convert_tokens_to_ids(model.conv_template.sep.strip())
    out = model.generate(pixel_values=shown, **batch, max_new_tokens=24, do_sample=False, eos_token_id=stop)
    assert out.dtype == torch.long
    for row, case, text in zip(out, cases, tokenizer.batch_decode(out, skip_special_tokens=True), strict=True):
        assert row.tolist()[: len(case["tokens"][0]) - 1] == case["tokens"][0][1:]
        assert text.strip() == case["response"]


def rendered(model: AutoModel, question: str) -> str:
    from internvl.prompt.templates import template_named

    template = template_named(model.conv_template.name)
    system = template.system_prefix + model.conv_template.system_message + template.system_suffix
    return system + template.user_prefix + question + template.user_suffix + template.generation


def test_generate_pads_what_ends_early(model: AutoModel, tokenizer: Any) -> None:
    batch = tokenizer(["Hello there, what is up?", "Hi"], return_tensors="pt", padding=True)
    free = model.generate(**batch, max_new_tokens=8, eos_token_id=1)
    stop = int(free[0, 2])
    out = model.generate(**batch, max_new_tokens=8, eos_token_id=[stop, 1], pad_token_id=5)
    ended = free[0].tolist().index(stop) + 1
    assert out[0].tolist() == free[0, :ended].tolist() + [5] * (out.shape[1] - ended)


def test_generate_refuses_what_does_not_fit(model: AutoModel, tokenizer: Any) -> None:
    card = AutoModel(model.model)
    batch = tokenizer("<img><IMG_CONTEXT></img> Hi", return_tensors="pt", padding=True)
    shown = pixels(3, 1)
    with pytest.raises(PromptError, match="img_context_token_id"):
        card.generate(pixel_values=shown, **tokenizer(["Hi"], return_tensors="pt"), eos_token_id=1)
    card.img_context_token_id = tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>")
    with pytest.raises(PlaceholderCountError, match="1 placeholders, but 1 tiles of 4"):
        card.generate(pixel_values=shown, **batch, eos_token_id=1)
    with pytest.raises(SamplingError, match="eos_token_id"):
        card.generate(**tokenizer(["Hi"], return_tensors="pt"))
    with pytest.raises(PromptError, match="input_ids"):
        card.generate(pixel_values=shown, eos_token_id=1)


def test_generate_streams_one_prompt(model: AutoModel, tokenizer: Any) -> None:
    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True, timeout=30)
    batch = tokenizer(["Hello"], return_tensors="pt")
    out = model.generate(**batch, max_new_tokens=8, eos_token_id=1, streamer=streamer)
    assert "".join(streamer) == tokenizer.decode(out[0], skip_special_tokens=True)


def test_extract_feature(model: AutoModel) -> None:
    shown = pixels(0)
    features = model.extract_feature(shown)
    assert features.shape == (shown.shape[0], model.num_image_token, model.config.language.hidden_size)


def test_nothing_of_the_callers_is_changed(model: AutoModel, tokenizer: Any) -> None:
    history, config, counts = [("Hello", "Hi")], generation_config(), [pixels(3).shape[0]]
    before = copy.deepcopy((history, config, counts))
    model.chat(tokenizer, pixels(3), "<image>\nAnd?", config, history=history, return_history=True, num_patches_list=counts)
    model.batch_chat(tokenizer, pixels(3), ["<image>\nAnd?"], config, num_patches_list=counts)
    assert (history, config, counts) == before


def test_an_empty_history_is_none(model: AutoModel, tokenizer: Any) -> None:
    assert model.chat(tokenizer, pixels(3), "What?", generation_config(), history=[]) == model.chat(
        tokenizer, pixels(3), "What?", generation_config(), history=None
    )


@pytest.mark.parametrize(
    ("question", "counts", "expected", "given"),
    [("<image> <image>", None, 2, 1), ("<image>", [2, 3], 1, 2), ("none", [2, 3], 1, 2), ("<image>", [4], 4, 5)],
)
def test_counts_that_disagree(model: AutoModel, tokenizer: Any, question: str, counts: list[int], expected: int, given: int) -> None:
    shown = pixels(1)
    assert shown.shape[0] == 5
    with pytest.raises(PlaceholderCountError, match=f"{expected}.*{given}") as caught:
        model.chat(tokenizer, shown, question, generation_config(), num_patches_list=counts)
    assert (caught.value.expected, caught.value.given) == (expected, given)


def test_sampling_as_the_demo_does(model: AutoModel, tokenizer: Any) -> None:
    demo = generation_config(do_sample=True, temperature=0.7, top_p=0.95, repetition_penalty=1.1, num_beams=1, seed=3)
    assert model.chat(tokenizer, None, "Hello", demo) == model.chat(tokenizer, None, "Hello", demo)
    assert model.chat(tokenizer, None, "Hello", generation_config(num_beams=3, length_penalty=1.0))
    ignored = generation_config(temperature=0.7, top_k=3, eos_token_id=5)
    assert model.chat(tokenizer, None, "Hello", ignored) == model.chat(tokenizer, None, "Hello", generation_config())


def test_typing_errors_are_errors(model: AutoModel, tokenizer: Any) -> None:
    with pytest.raises(SamplingError, match="max_new_token'"):
        model.chat(tokenizer, None, "Hello", {"max_new_token": 3})
    with pytest.raises(TypeError):
        model.chat(tokenizer, None, "Hello", generation_config(), num_patch_list=[1])
    with pytest.raises(PromptError, match="list of questions"):
        model.batch_chat(tokenizer, None, "Hello", generation_config())
    with pytest.raises(PromptError, match="tiles, 3"):
        model.chat(tokenizer, pixels(3)[0], "Hello", generation_config())
    with pytest.raises(PromptError, match="<start>"):
        model.chat(tokenizer, None, "Hello", generation_config(), IMG_START_TOKEN="<start>")
    with pytest.raises(SamplingError, match="stream"):
        model.batch_chat(tokenizer, None, ["Hello"], generation_config(streamer=object()))
    with pytest.raises(ConfigError, match="'revison'"):
        AutoModel.from_pretrained(PATH, revison="main")
    with pytest.raises(ConfigError, match="load_in_8bit"):
        AutoModel.from_pretrained(PATH, load_in_8bit=True, load_in_4bit=True)
    theirs = transformers.AutoTokenizer.from_pretrained(FIXTURES / "internvl2-llama3")
    with pytest.raises(TokenizerError, match=r"internvl\.AutoTokenizer"):
        model.chat(theirs, None, "Hello", generation_config())


def test_eight_bits_as_the_card_asks_for_them(model: AutoModel, tokenizer: Any) -> None:
    packed = AutoModel.from_pretrained(PATH, torch_dtype=torch.bfloat16, load_in_8bit=True, low_cpu_mem_usage=True).eval()
    assert packed.dtype == torch.bfloat16
    packed = AutoModel.from_pretrained(PATH, load_in_8bit=True)
    tiles = pixels(0)
    truth, found = model.extract_feature(tiles), packed.extract_feature(tiles)
    assert float(torch.nn.functional.cosine_similarity(truth, found, dim=-1).min()) > 0.999
    assert not torch.equal(truth, found)
    assert isinstance(packed.chat(tokenizer, tiles, "Hello", generation_config()), str)
    assert AutoModel.from_pretrained(PATH, load_in_4bit=True).dtype == torch.float32


def test_number_types(tokenizer: Any) -> None:
    for given, expected in (
        ("bfloat16", torch.bfloat16),
        (torch.bfloat16, torch.bfloat16),
        ("auto", torch.float32),
        (None, torch.float32),
    ):
        assert AutoModel.from_pretrained(PATH, torch_dtype=given).dtype == expected
    half = AutoModel.from_pretrained(PATH, torch_dtype=torch.bfloat16)
    assert half.chat(tokenizer, pixels(0).to(torch.bfloat16), "<image>\nHi", generation_config())
    assert half.to(torch.float32).dtype == torch.float32
    with pytest.raises(ConfigError, match="torch_dtype"):
        AutoModel.from_pretrained(PATH, torch_dtype="bfloat61")


@no_gpu
def test_device_maps_without_a_gpu(tokenizer: Any) -> None:
    device_map = split_model(PATH)
    assert set(device_map.values()) == {"cpu"}
    for devices in (device_map, "auto", "cpu", None):
        loaded = AutoModel.from_pretrained(PATH, device_map=devices).eval()
        assert loaded.device.type == "cpu"
    with pytest.raises(DeviceError, match="0 CUDA devices"):
        AutoModel.from_pretrained(PATH, device_map=split_model(PATH, world_size=1))
    with pytest.raises(DeviceError, match="0 CUDA devices"):
        AutoModel.from_pretrained(PATH).cuda()


def test_split_model_knows_the_layers() -> None:
    by_name, by_folder = split_model("InternVL2-8B", world_size=2), split_model(PATH, world_size=2)
    assert sum(name.startswith("language_model.model.layers.") for name in by_name) == 32
    assert sum(name.startswith("language_model.model.layers.") for name in by_folder) == 3
    assert set(by_name.values()) == set(by_folder.values()) == {0, 1}


def test_dynamic_preprocess_cuts_what_load_image_cuts() -> None:
    import PIL.Image

    tiles = dynamic_preprocess(PIL.Image.open(IMAGES[0]).convert("RGB"), image_size=TILE_SIZE, use_thumbnail=True, max_num=12)
    assert len(tiles) == pixels(0).shape[0]
    assert {tile.size for tile in tiles} == {(TILE_SIZE, TILE_SIZE)}


def test_a_system_message_may_be_set(model: AutoModel, tokenizer: Any) -> None:
    card = AutoModel(model.model)
    usual = card.chat(tokenizer, None, "Hello", generation_config())
    card.system_message = "Be brief."
    assert card.chat(tokenizer, None, "Hello", generation_config()) != usual
