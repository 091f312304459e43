"""How the questions are put: several wordings for each form in English and Chinese. {text}, {label} and {box} are filled in.

("locate", "en", {"text": "EXIT"}, random) -> "Where does the text <ref>EXIT</ref> stand?"
"""

from __future__ import annotations

import random
from collections.abc import Mapping

Wordings = Mapping[str, tuple[str, ...]]

QUESTIONS: Mapping[str, Wordings] = {
    "read_all": {
        "en": (
            "Please read all the text in the image.",
            "What does the text in the image say?",
            "Transcribe all the text that you can see.",
            "Write down everything that is written in the image.",
            "Read the image aloud, line by line.",
            "Extract the text from this image.",
            "What is written here?",
            "Give me the full text of the image in reading order.",
            "Perform OCR on the image.",
            "Type out the words in this picture exactly as they stand.",
            "Can you copy the text of this image for me?",
            "List the lines of text in the image.",
        ),
        "zh": (
            "请读出图中的所有文字。",
            "图中写了什么？",
            "请识别图片中的全部文字。",
            "请把图里的文字逐行抄写下来。",
            "请提取这张图片中的文字内容。",
            "这张图上有哪些文字？",
            "请按阅读顺序写出图中的文字。",
            "对这张图片进行文字识别。",
            "请将图片中的文字原样输出。",
            "帮我把图中的文字打出来。",
            "请转写图像中出现的所有文本。",
            "请逐行列出图中的文字。",
        ),
    },
    "read_region": {
        "en": (
            "Please read the text in this region: {box}",
            "What is written in {box}?",
            "Transcribe the text inside {box}.",
            "What does the text at {box} say?",
            "Read what stands in the area {box}.",
            "Recognize the text in the region {box}.",
            "Copy the words inside the box {box}.",
            "Which text is in this part of the image: {box}",
            "Extract the text from the region {box}.",
            "Tell me what the marked area {box} says.",
        ),
        "zh": (
            "请读出这个区域中的文字：{box}",
            "{box}中写了什么？",
            "请识别{box}区域内的文字。",
            "框{box}里的文字是什么？",
            "请转写{box}中的文字。",
            "图中{box}处写着什么？",
            "请提取区域{box}的文字内容。",
            "请抄写{box}这一部分的文字。",
            "告诉我{box}里的文字。",
            "{box}这个位置的文本是什么？",
        ),
    },
    "locate": {
        "en": (
            "Where is the text <ref>{text}</ref>?",
            "Find <ref>{text}</ref> in the image.",
            "Please provide the bounding box of the text <ref>{text}</ref>.",
            "Where does <ref>{text}</ref> stand in the image?",
            "Locate the words <ref>{text}</ref>.",
            "Give the position of <ref>{text}</ref>.",
            "In which region is <ref>{text}</ref> written?",
            "Mark the place where it says <ref>{text}</ref>.",
            "Point out the text <ref>{text}</ref> with a box.",
            "Show me where <ref>{text}</ref> can be read.",
        ),
        "zh": (
            "文字<ref>{text}</ref>在哪里？",
            "请在图中找到<ref>{text}</ref>。",
            "请给出文字<ref>{text}</ref>的边界框。",
            "<ref>{text}</ref>写在图中的什么位置？",
            "请定位文字<ref>{text}</ref>。",
            "请指出<ref>{text}</ref>的位置。",
            "图中哪个区域写着<ref>{text}</ref>？",
            "请用方框标出<ref>{text}</ref>。",
            "哪里可以看到<ref>{text}</ref>这几个字？",
            "请标出写有<ref>{text}</ref>的地方。",
        ),
    },
    "label": {
        "en": (
            'What is written after "{label}"?',
            'What does it say for "{label}"?',
            'Which value is given for "{label}"?',
            'According to the image, what is the entry "{label}"?',
            'What follows the label "{label}"?',
            'Find "{label}" and read what stands behind it.',
        ),
        "zh": (
            "“{label}”后面写的是什么？",
            "图中“{label}”的内容是什么？",
            "“{label}”一项填的是什么？",
            "请读出“{label}”之后的内容。",
            "图中“{label}”对应的值是什么？",
            "根据图片，“{label}”是什么？",
        ),
    },
    "below": {
        "en": (
            'Which line comes directly below "{text}"?',
            'What is written right under "{text}"?',
            'Read the line that follows "{text}".',
            'What does the next line after "{text}" say?',
        ),
        "zh": (
            "“{text}”的下一行是什么？",
            "“{text}”正下方写了什么？",
            "请读出紧接在“{text}”之后的一行。",
            "“{text}”下面那一行的内容是什么？",
        ),
    },
    "email": {
        "en": (
            "What is the e-mail address in the image?",
            "Which e-mail address is given?",
            "Read the e-mail address.",
            "To which e-mail address can one write?",
        ),
        "zh": ("图中的电子邮箱地址是什么？", "请读出图中的邮箱。", "图中给出的电子邮件地址是什么？", "可以写信到哪个邮箱？"),
    },
    "url": {
        "en": (
            "Which web address is in the image?",
            "What is the URL that is shown?",
            "Read the web address.",
            "Which website does the image name?",
        ),
        "zh": ("图中的网址是什么？", "请读出图中的网址。", "图中写了哪个网站地址？", "图片里给出的链接是什么？"),
    },
    "phone": {
        "en": (
            "What is the telephone number in the image?",
            "Which phone number is given?",
            "Read the phone number.",
            "Which number can one call?",
        ),
        "zh": ("图中的电话号码是多少？", "请读出图中的电话。", "图中给出的联系电话是什么？", "可以拨打哪个电话号码？"),
    },
    "date": {
        "en": ("Which date is in the image?", "What date is given?", "Read the date.", "Which date does the image show?"),
        "zh": ("图中的日期是什么？", "图上写的是哪一天？", "请读出图中的日期。", "图片中给出了什么日期？"),
    },
}
# What isn't there is asked for in the same words as what is, or the wording would give the answer away.
SAME_WORDS = {
    "read_block": "read_region",
    "no_text": "locate",
    "no_label": "label",
    "no_email": "email",
    "no_url": "url",
    "no_phone": "phone",
    "no_date": "date",
}

REFUSALS: Mapping[str, Wordings] = {
    "no_text": {
        "en": ('The text "{text}" is not in the image.', 'There is no text "{text}" in the image.'),
        "zh": ("图中没有文字“{text}”。", "这张图里找不到“{text}”。"),
    },
    "no_label": {
        "en": ('There is no entry "{label}" in the image.', 'The image has no "{label}".'),
        "zh": ("图中没有“{label}”这一项。", "这张图里没有写“{label}”。"),
    },
    "no_email": {"en": ("There is no e-mail address in the image.",), "zh": ("图中没有电子邮箱地址。",)},
    "no_url": {"en": ("There is no web address in the image.",), "zh": ("图中没有网址。",)},
    "no_phone": {"en": ("There is no telephone number in the image.",), "zh": ("图中没有电话号码。",)},
    "no_date": {"en": ("There is no date in the image.",), "zh": ("图中没有日期。",)},
}


def question(form: str, language: str, values: Mapping[str, str], draw: random.Random) -> str:
    """One wording of the question. language: "en" or "zh"."""
    return draw.choice(QUESTIONS[SAME_WORDS.get(form, form)][language]).format(**values)


def refusal(form: str, language: str, values: Mapping[str, str], draw: random.Random) -> str:
    """The answer that something isn't there."""
    return draw.choice(REFUSALS[form][language]).format(**values)
