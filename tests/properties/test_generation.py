"""Whatever is said: streaming breaks no character, stop strings end where they should, and a cache changes no answer."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from internvl import Image
from internvl.engine.text_stream import TextStream
from internvl.engine.vlm import VLM
from internvl.messages import user

FIXTURES = Path(__file__).parents[1] / "parity" / "fixtures"
KINDS = ("internvl2-qwen2", "internvl2-internlm2", "internvl2-phi3", "internvl2-llama3", "v1-1-llama2")
some = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def vlm(kind: str) -> VLM:
    return VLM.load(FIXTURES / kind, device="cpu")


class Pieces:
    """A decoder whose n-th id stands for the n-th piece."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def push(self, token_id: int) -> str:
        return self.pieces[token_id]

    def finish(self) -> str:
        return ""


def first_end(text: str, stops: tuple[str, ...]) -> str:
    """The text up to the stop string that is complete first, letter by letter."""
    for end in range(len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))].strip()
    return text.strip()


letters = st.text("ab \n", max_size=20)


@given(st.lists(letters, max_size=8), st.lists(st.text("ab \n", min_size=1, max_size=4), max_size=3))
@settings(max_examples=300, deadline=None)
def test_text_ends_where_its_letters_say(pieces: list[str], stops: list[str]) -> None:
    stream = TextStream(Pieces(pieces), tuple(stops))
    shown = [stream.push(i) for i in range(len(pieces))] + [stream.finish()]
    assert "".join(shown) == first_end("".join(pieces), tuple(stops))


@pytest.mark.parametrize("kind", KINDS)
@given(question=st.text(max_size=30), seed=st.integers(0, 2**32))
@some
def test_pieces_joined_are_the_decoded_ids(kind: str, question: str, seed: int) -> None:
    generation = vlm(kind).generation([user(question)], max_new_tokens=12, temperature=1.5, seed=seed)
    pieces = list(generation)
    ids = [token for token in generation.ids if token not in vlm(kind).engine.stop_ids]
    assert "".join(pieces) == vlm(kind).tokenizer.decode(ids).strip() == generation.reply.text
    assert all(pieces)


@pytest.mark.parametrize("kind", KINDS)
@given(turns=st.lists(st.tuples(st.text(max_size=20), st.sampled_from([None, 0, 3])), min_size=2, max_size=3), undo=st.booleans())
@some
def test_a_cache_changes_no_answer(kind: str, turns: list[tuple[str, int | None]], undo: bool) -> None:
    talk = vlm(kind).session()
    for number, (question, shown) in enumerate(turns):
        media = () if shown is None else (Image(FIXTURES / f"image{shown}.png"),)
        question = question.replace("<image>", "").replace("<video>", "")
        reply = talk.ask(question, *media, max_new_tokens=4)
        assert reply == vlm(kind).answer(talk.messages[:-1], max_new_tokens=4).text
        assert talk.reply.usage.cached_tokens < talk.reply.usage.prompt_tokens
        if undo and number == 0:
            talk.undo()
            talk.ask(question, max_new_tokens=4)


phrases = st.sampled_from(["the cat ", "1, 2, 3; ", '{"a": 1}, ', "x = y; ", "ab", "\n", "So? "])
settings_of_an_answer = st.fixed_dictionaries(
    {"max_new_tokens": st.integers(1, 40), "seed": st.just(3)},
    optional={
        "repetition_penalty": st.sampled_from([0.8, 1.1, 1.5]),
        "stop": st.sampled_from([["e"], ["at ", "1"], ["; ", "}"]]),
        "min_new_tokens": st.just(1),
        "logprobs": st.just(0),
        "temperature": st.just(0.7),
    },
)


@pytest.mark.parametrize("kind", KINDS)
@given(
    asked=st.lists(st.lists(phrases, min_size=1, max_size=9), min_size=1, max_size=3),
    options=settings_of_an_answer,
    most=st.integers(1, 12),
)
@some
def test_guesses_change_no_answer(kind: str, asked: list[list[str]], options: dict[str, object], most: int) -> None:
    conversations = [[user("".join(parts))] for parts in asked]
    plain = [vlm(kind).answer(each, lookup_tokens=0, **options) for each in conversations]
    guessed = vlm(kind).answer_all(conversations, lookup_tokens=most, **options)
    for one, other in zip(plain, guessed, strict=True):
        assert (one.ids, one.text, one.finish_reason) == (other.ids, other.text, other.finish_reason)
        assert other.work.agreed_tokens <= min(other.work.guessed_tokens, len(other.ids))
        if one.logprobs is not None and other.logprobs is not None:
            pairs = zip(one.logprobs, other.logprobs, strict=True)
            assert all(a.token == b.token and abs(a.logprob - b.logprob) < 1e-3 for a, b in pairs)
