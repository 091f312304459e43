"""What of an earlier prompt is reused: as far as ids and pictures agree, and never more."""

from __future__ import annotations

import numpy as np
import pytest
from tiny import KINDS, picture, vlm

from internvl import Image
from internvl.engine.prefix import Prefix
from internvl.engine.request import Request
from internvl.engine.sampling import SamplingParams
from internvl.inputs import ModelInputs
from internvl.messages import Message, user

PARAMS = SamplingParams(max_new_tokens=5)


def plain(colour: int) -> Image:
    """A picture of one tile; two of them differ in nothing but their colour."""
    return Image(np.full((50, 50, 3), colour, dtype=np.uint8))


def after(kind: str, message: Message) -> tuple[Prefix, ModelInputs]:
    inputs = vlm(kind).processor.prepare(message)
    generation = vlm(kind).engine.stream(Request(inputs, PARAMS))
    list(generation)
    return generation.prefix, inputs


def continued(kind: str, prefix: Prefix, message: Message) -> tuple[int, ModelInputs]:
    """Answer a message after a prefix; the answer must be that of the message alone. -> tokens reused"""
    inputs = vlm(kind).processor.prepare(message)
    generation = vlm(kind).engine.stream(Request(inputs, PARAMS), prefix=prefix)
    list(generation)
    [alone] = vlm(kind).engine.generate([Request(inputs, PARAMS)])
    assert generation.reply.ids == alone.ids
    return generation.reply.usage.cached_tokens, inputs


@pytest.mark.parametrize("kind", KINDS)
def test_another_picture_of_the_same_size_is_read_anew(kind: str) -> None:
    prefix, inputs = after(kind, user(plain(0), plain(90), "Hi"))
    reused, _ = continued(kind, prefix, user(plain(0), plain(200), "Hi"))
    second = (inputs.ids == inputs.placeholder_id).nonzero().flatten()[inputs.tokens_per_tile]
    assert reused == int(second)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_prompt_again_reads_its_last_token(kind: str) -> None:
    prefix, inputs = after(kind, user(picture(3), "Hi"))
    reused, _ = continued(kind, prefix, user(picture(3), "Hi"))
    assert reused == inputs.tokens - 1


def test_an_agreement_that_ends_inside_a_picture() -> None:
    prefix, inputs = after(KINDS[0], user(plain(0), "Hi"))
    inside = int((inputs.ids == inputs.placeholder_id).nonzero()[0]) + 2
    cut = Prefix(prefix.ids[:inside], prefix.tile_keys, prefix.cache, prefix.first_prompt)
    reused, _ = continued(KINDS[0], cut, user(plain(0), "Hi"))
    assert reused == inside


def test_nothing_in_common() -> None:
    prefix, _ = after("internvl2-qwen2", user("Hello"))
    other = Prefix(prefix.ids + 1, prefix.tile_keys, prefix.cache, prefix.first_prompt)
    reused, _ = continued("internvl2-qwen2", other, user("Hello"))
    assert reused == 0


def test_a_prefix_with_fewer_pictures_than_its_placeholders() -> None:
    """Ids may agree by chance where a model wrote placeholders itself; without their tiles they count for nothing."""
    prefix, inputs = after(KINDS[0], user(plain(0), "Hi"))
    first = int((inputs.ids == inputs.placeholder_id).nonzero()[0])
    reused, _ = continued(KINDS[0], Prefix(prefix.ids, (), prefix.cache, prefix.first_prompt), user(plain(0), "Hi"))
    assert reused == first


def test_less_text_than_before() -> None:
    prefix, _ = after(KINDS[0], user("Hello there, how are you?"))
    reused, inputs = continued(KINDS[0], prefix, user("Hello there"))
    assert 0 < reused < inputs.tokens
