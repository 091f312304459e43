"""Wordings of questions about text in pictures, for the families that read.

    phrase(source, task, language, text=..., n=...) -> a question

{text} and {box} are filled in as they are; {n} as a number, {nth} as a word ("third"). Chinese wordings count with digits or
characters.
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language

REFUSALS: dict[Language, str] = {"en": "The picture does not show that.", "zh": "图中没有。"}
YES: dict[Language, str] = {"en": "Yes.", "zh": "有。"}
NO: dict[Language, str] = {"en": "No.", "zh": "没有。"}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
NUMERALS = "一二三四五六七八九十"

PHRASES: dict[str, dict[Language, tuple[str, ...]]] = {
    "read": {
        "en": (
            "What does it say?",
            "Read the text.",
            "Read all the text in the picture.",
            "What is written here?",
            "What text is in the image?",
            "What does the text say?",
            "Transcribe the text.",
            "Please read this to me.",
            "Can you read this?",
            "Write down everything that is written in the picture.",
            "OCR this image.",
            "Extract the text from this image.",
            "What is the text in this picture?",
            "Type out the text that you see.",
            "Copy the text exactly as it is written.",
        ),
        "zh": (
            "图中写着什么？",
            "请读出图中的文字。",
            "图片上的文字是什么？",
            "上面写的是什么？",
            "请识别图中的文字。",
            "把图里的文字都读出来。",
            "这里写了什么？",
            "请把图中的文字抄写下来。",
            "提取图片中的文字。",
            "识别一下这张图里的字。",
            "图里有哪些文字？",
            "请逐字读出图片中的内容。",
        ),
    },
    "read_line": {
        "en": (
            "Read line {n}.",
            "What does the {nth} line say?",
            "What is written in line {n}?",
            "Read only the {nth} line.",
            "Which text is in the {nth} line?",
            "Please transcribe line {n}.",
            "What stands in line number {n}?",
        ),
        "zh": (
            "第{n}行写的是什么？",
            "请读出第{n}行。",
            "第{n}行的文字是什么？",
            "只读第{n}行。",
            "第{n}行是什么？",
            "请抄写第{n}行的文字。",
        ),
    },
    "last_line": {
        "en": ("What does the last line say?", "Read the last line.", "Read the bottom line.", "What is written at the very bottom?"),
        "zh": ("最后一行写的是什么？", "请读出最后一行。", "最下面一行是什么？"),
    },
    "where": {
        "en": (
            "Where is the text <ref>{text}</ref>?",
            "Find <ref>{text}</ref>.",
            "Give the box of <ref>{text}</ref>.",
            "Locate the text <ref>{text}</ref> in the picture.",
            "Please provide the bounding box of <ref>{text}</ref>.",
            "Where does it say <ref>{text}</ref>?",
        ),
        "zh": (
            "文字<ref>{text}</ref>在哪里？",
            "请找出<ref>{text}</ref>。",
            "请给出<ref>{text}</ref>的位置。",
            "<ref>{text}</ref>在图中的什么位置？",
            "请框出<ref>{text}</ref>。",
        ),
    },
    "read_box": {
        "en": (
            "Read the text in <box>{box}</box>.",
            "What does it say in <box>{box}</box>?",
            "What is written in the box <box>{box}</box>?",
            "Which text is inside <box>{box}</box>?",
            "What is the text at <ref>this place</ref><box>{box}</box>?",
        ),
        "zh": (
            "<box>{box}</box>里写的是什么？",
            "请读出<box>{box}</box>中的文字。",
            "这个框<box>{box}</box>里的文字是什么？",
            "<ref>这个区域</ref><box>{box}</box>写着什么？",
        ),
    },
    "first_word": {
        "en": ("What is the first word?", "Which word comes first?", "Read the first word.", "Which word does the text begin with?"),
        "zh": ("第一个单词是什么？", "开头的单词是什么？", "请读出第一个单词。"),
    },
    "last_word": {
        "en": ("What is the last word?", "Which word comes last?", "Read the last word.", "Which word does the text end with?"),
        "zh": ("最后一个单词是什么？", "结尾的单词是什么？", "请读出最后一个单词。"),
    },
    "first_character": {
        "en": ("What is the first character?", "Which character comes first?", "Read the first character."),
        "zh": ("第一个字是什么？", "开头是哪个字？", "请读出第一个字。"),
    },
    "last_character": {
        "en": ("What is the last character, punctuation aside?", "Leaving out punctuation, which character comes last?"),
        "zh": ("最后一个字是什么？（不算标点）", "不算标点，结尾是哪个字？"),
    },
    "count_lines": {
        "en": (
            "How many lines of text are there?",
            "How many lines are there?",
            "Count the lines.",
            "What is the number of lines of text?",
        ),
        "zh": ("一共有几行字？", "图中有几行文字？", "数一数有几行。", "文字共有多少行？"),
    },
    "continue": {
        "en": (
            'What comes after "{text}" in the same line?',
            'Continue the line after "{text}".',
            'How does the line go on after "{text}"?',
            'Read the rest of the line after "{text}".',
        ),
        "zh": ("同一行里“{text}”后面写的是什么？", "这一行“{text}”之后是什么？", "请从“{text}”后面接着读完这一行。"),
    },
    "present": {
        "en": (
            'Does the text contain "{text}"?',
            'Is "{text}" in the picture?',
            'Is "{text}" written here?',
            'Can you see the text "{text}"?',
            'Does it say "{text}" anywhere?',
        ),
        "zh": ("图中有“{text}”吗？", "文字里有没有“{text}”？", "上面写了“{text}”吗？", "图里出现了“{text}”吗？"),
    },
    "number": {
        "en": (
            "What number is shown?",
            "Which number do you see?",
            "What is the number?",
            "Read the number.",
            "Which number is written here?",
        ),
        "zh": ("图中的数字是多少？", "写的是什么数字？", "请读出数字。", "上面的数字是多少？"),
    },
    "price": {
        "en": ("What is the price?", "How much is it?", "What price is shown?", "How much does it cost?", "Read the price."),
        "zh": ("价格是多少？", "多少钱？", "图中的价格是多少？", "标的是多少钱？", "请读出价格。"),
    },
    "date": {
        "en": ("What is the date?", "What date is shown?", "Which date do you see?", "Read the date.", "Which date is written here?"),
        "zh": ("日期是什么？", "图中的日期是哪一天？", "写的是哪天？", "请读出日期。"),
    },
    "time": {
        "en": ("What time is shown?", "What is the time?", "At what time?", "Which time is written here?", "Read the time."),
        "zh": ("时间是几点？", "图中的时间是什么？", "写的是什么时间？", "请读出时间。"),
    },
    "code": {
        "en": ("What is the code?", "Which code is shown?", "Read the code.", "What code is written here?"),
        "zh": ("编号是什么？", "图中的代码是什么？", "请读出编号。", "代码是多少？"),
    },
    "phone": {
        "en": ("What is the phone number?", "Which number should I call?", "Which phone number is shown?", "Read the phone number."),
        "zh": ("电话号码是多少？", "图中的电话是多少？", "请读出电话号码。", "应该打哪个电话？"),
    },
    "email": {
        "en": (
            "What is the email address?",
            "Which email address is shown?",
            "Where should I write an email to?",
            "Read the email address.",
        ),
        "zh": ("邮箱地址是什么？", "图中的邮箱是什么？", "电子邮件地址是多少？", "请读出邮箱。"),
    },
    "title": {
        "en": (
            "What is the title?",
            "Read the title.",
            "What is the heading at the top?",
            "What is this page called?",
            "Which title does it have?",
        ),
        "zh": ("标题是什么？", "请读出标题。", "这一页的标题是什么？", "题目是什么？"),
    },
    "headings": {
        "en": ("List the section headings.", "Which headings does the page have?", "What are the headings of the sections?"),
        "zh": ("列出各小节的标题。", "这一页有哪些小标题？", "小标题分别是什么？"),
    },
    "count_headings": {
        "en": ("How many sections have a heading?", "How many section headings are there?", "Count the section headings."),
        "zh": ("有几个小标题？", "一共有多少个小节标题？"),
    },
    "paragraph": {
        "en": (
            "Read paragraph {n}.",
            "What does the {nth} paragraph say?",
            "Transcribe the {nth} paragraph.",
            "Read only paragraph {n}.",
        ),
        "zh": ("请读出第{n}段。", "第{n}段写的是什么？", "抄写第{n}段文字。", "只读第{n}段。"),
    },
    "under_heading": {
        "en": ('What does it say under "{text}"?', 'Read the section "{text}".', 'What is written below the heading "{text}"?'),
        "zh": ("“{text}”下面写了什么？", "请读出“{text}”这一节。", "小标题“{text}”下面的内容是什么？"),
    },
    "page_number": {
        "en": ("What is the page number?", "Which page is this?", "What page are we on?", "Read the page number."),
        "zh": ("页码是多少？", "这是第几页？", "请读出页码。"),
    },
    "item": {
        "en": (
            "What is item {n}?",
            "What is the {nth} item of the list?",
            "Read the {nth} entry of the list.",
            "Which thing is {nth} on the list?",
        ),
        "zh": ("列表的第{n}项是什么？", "第{n}项是什么？", "请读出清单的第{n}项。"),
    },
    "count_items": {
        "en": ("How many items are on the list?", "How many entries does the list have?", "Count the items of the list."),
        "zh": ("列表有几项？", "清单上一共有多少项？", "数一数列表有几项。"),
    },
    "items": {
        "en": ("List all items.", "Read the list.", "What is on the list?", "Which items are on the list?"),
        "zh": ("列出所有项目。", "请读出清单。", "清单上有什么？", "列表里有哪些内容？"),
    },
    "columns": {
        "en": ("How many columns of text are there?", "In how many columns is the text set?", "How many columns does the page have?"),
        "zh": ("正文分几栏？", "这一页有几栏文字？", "文字排成了几栏？"),
    },
    "sender": {
        "en": ("Who wrote this?", "Who signed it?", "Who is the letter from?", "Whose name is at the end?"),
        "zh": ("这是谁写的？", "落款是谁？", "这封信是谁写的？", "署名是谁？"),
    },
    "receiver": {
        "en": ("Who is it for?", "Who is this addressed to?", "To whom is it written?", "Who gets this letter?"),
        "zh": ("这是写给谁的？", "收信人是谁？", "这封信写给谁？"),
    },
}

CASUAL_STARTS: dict[Language, tuple[str, ...]] = {
    "en": ("Look at the picture. ", "A question: ", "Hi! ", "Quick question: "),
    "zh": ("请看图。", "请问，", "你好，", "看一下这张图："),
}


def phrase(source: random.Random, task: str, language: Language, *, n: int | None = None, text: str = "", box: str = "") -> str:
    """One wording of the question, now and then with a greeting, without its mark, or in small letters."""
    wording = source.choice(PHRASES[task][language])
    if language == "en" and source.random() < 0.06:
        wording = wording[0].lower() + wording[1:]
    if source.random() < 0.08:
        wording = wording.rstrip("?.？。")
    if source.random() < 0.06:
        wording = source.choice(CASUAL_STARTS[language]) + wording
    return wording.format(n=_count(source, n, language), nth=_ordinal(n), text=text, box=box)


def _ordinal(n: int | None) -> str:
    if n is None:
        return ""
    if n <= len(ORDINALS):
        return ORDINALS[n - 1]
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _count(source: random.Random, n: int | None, language: Language) -> str:
    if n is None:
        return ""
    if language == "zh" and n <= len(NUMERALS) and source.random() < 0.6:
        return NUMERALS[n - 1]
    return str(n)
