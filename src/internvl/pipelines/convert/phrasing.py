"""How questions are put, by family and language. The English grounding and short-answer wordings are those of the released data.

question -> "question\\nAnswer the question using a single word or phrase."        options -> "question\\nA. red\\nB. blue\\n..."
"""

from __future__ import annotations

import string
import zlib
from collections.abc import Sequence

from internvl.eval.kinds.prompts import LETTER, LETTER_CN, SHORT
from internvl.pipelines.convert.sample import Place, Refused

SHORT_ZH = "请用一个词或短语回答问题。"
YES_NO = {"en": "Please answer yes or no.", "zh": "请回答是或否。"}
CAPTION = {"en": "Provide a one-sentence caption for the provided image.", "zh": "请用一句话描述这张图片。"}
CAPTION_TEXT = {
    "en": "Provide a one-sentence caption for the provided image, taking the text in it into account.",
    "zh": "请结合图中的文字，用一句话描述这张图片。",
}
DESCRIBE = {"en": "Please describe the image in detail.", "zh": "请详细描述这张图片。"}
EXPLAIN = {"en": "What do you know about {}?", "zh": "请介绍一下{}。"}
DETECT = {
    "en": "Please detect and label all objects in the following image and mark their positions.",
    "zh": "请检测并标注图中的所有物体，并标出它们的位置。",
}
DETECTED = {
    "en": "Sure, I will detect and label all objects in the image and mark their positions.",
    "zh": "好的，我将检测并标注图中的所有物体，并标出它们的位置。",
}
LOCATE = {
    "en": "Please provide the bounding box coordinate of the region this sentence describes: ",
    "zh": "请给出这句话所描述区域的边界框坐标：",
}
REGION = {"en": "Please provide a short description for this region: ", "zh": "请简短描述这个区域："}
GROUND = {
    "en": "Please describe the image in one sentence and mark the position of each thing that you name.",
    "zh": "请用一句话描述这张图片，并标出提到的每个事物的位置。",
}
RELATE = {
    "en": "What is the relationship between {} and {} in this image?",
    "zh": "图中{}和{}之间是什么关系？",
}
READ = {"en": "Please read all text in the image.", "zh": "请读出图中的所有文字。"}
SPOT = {"en": "Please read all text in the image and mark its position.", "zh": "请读出图中的所有文字并标出位置。"}
TRUE_FALSE = {"en": "Is this statement about the image true: {}", "zh": "关于这张图片的说法是否正确：{}"}


def short(question: str, language: str = "en") -> str:
    """A question for a short answer."""
    return f"{question}\n{SHORT if language == 'en' else SHORT_ZH}"


def choice(question: str, options: Sequence[str], language: str = "en", *, hint: str = "") -> str:
    """A question with lettered options, to be answered by a letter."""
    lines = [hint, question] if hint else [question]
    lines += [f"{letter(index)}. {option}" for index, option in enumerate(options)]
    return "\n".join([*lines, LETTER if language == "en" else LETTER_CN])


def letter(index: int) -> str:
    """0 is A. Raises Refused from 26 on."""
    if not 0 <= index < len(string.ascii_uppercase):
        raise Refused(f"wrong choice: option {index + 1} has no letter")
    return string.ascii_uppercase[index]


def one_of(prompts: Sequence[str], place: Place) -> str:
    """One of several wordings, chosen by a hash of the row's number: the same in every run, and evenly spread."""
    return prompts[zlib.crc32(f"row {place.row}".encode()) % len(prompts)]
