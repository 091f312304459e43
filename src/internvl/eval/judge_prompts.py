"""What judges are asked, word for word as VLMEvalKit asks it: the published scores hang on these words, slips included.

    question, gold, prediction -> mmvet_request, mmbench_video_request, mathvista_request -> text

The texts that are data lie in `judge_texts/`; this file only puts the answers into them.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


def mmvet_request(question: str, truth: str, prediction: str) -> str:
    """MM-Vet: a table whose last cell, a grade from 0.0 to 1.0, the judge fills."""
    spaced = truth.replace("<AND>", " <AND> ").replace("<OR>", " <OR> ")
    return f"\n{judge_text('mmvet')}\n\n" + " | ".join([question, spaced, prediction, ""])


def mmbench_video_request(question: str, truth: str, prediction: str) -> str:
    """MMBench-Video: question, gold and answer; the reply is an integer from 0 to 3."""
    return f"Question: {question}\nGroundtruth answer: {truth}\nCandidate answer: {prediction}\nYour response: "


def mathvista_request(question: str, prediction: str) -> str:
    """MathVista: five worked extractions, then the question and the reply to extract from. "respone" is how it was published."""
    examples = "".join(f"\n{example}\n\n" for example in judge_text("mathvista").split("\n----\n"))
    task = (
        "\nPlease read the following example.\n"
        "Then extract the answer from the model response and type it at the end of the prompt.\n\n"
    )
    return f"{task}{examples}{question}\nModel respone: {prediction}Extracted answer:"


@cache
def judge_text(name: str) -> str:
    """A text of `judge_texts/`, without the newline that ends its file."""
    return files("internvl.eval").joinpath("judge_texts", f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")


def system_text(name: str) -> str:
    """A text of `judge_texts/` as a system message, with a line end on both sides; "" for no name."""
    return f"\n{judge_text(name)}\n" if name else ""
