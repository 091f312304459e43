"""Wordings of questions about documents, and what is answered where nothing is there.

phrase(source, task, language, **slots) -> a question
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language

BLANK: dict[Language, str] = {"en": "It is blank.", "zh": "空白。"}
NONE: dict[Language, str] = {"en": "None.", "zh": "没有。"}

PHRASES: dict[str, dict[Language, tuple[str, ...]]] = {
    "title": {
        "en": (
            "What is the title?",
            "What is this document called?",
            "Read the title of the document.",
            "What does the heading at the top say?",
            "Give me the title of this page.",
            "What is the main heading?",
            "What title does this page have?",
            "Write down the title.",
        ),
        "zh": (
            "标题是什么？",
            "这份文件的标题是什么？",
            "请读出标题。",
            "最上面的大标题写的是什么？",
            "这一页叫什么？",
            "写出主标题。",
            "文档标题是什么？",
        ),
    },
    "kind": {
        "en": (
            "What kind of document is this?",
            "What sort of document do you see?",
            "What type of document is shown?",
            "Is this a letter, a form, a menu or something else?",
            "Classify this document.",
        ),
        "zh": (
            "这是什么类型的文件？",
            "这是一份什么文档？",
            "图中是哪种文件？",
            "判断一下这份文件的类型。",
            "这是信、表格、菜单还是别的？",
        ),
    },
    "headings": {
        "en": (
            "List the section headings.",
            "What sections does the document have?",
            "What are the headings of the sections?",
            "Name all the section headings in order.",
            "Give the headings, one a line.",
        ),
        "zh": (
            "列出各节的标题。",
            "这份文件有哪些小节？",
            "各小节的标题分别是什么？",
            "按顺序写出所有小标题。",
            "把小标题逐行列出来。",
        ),
    },
    "heading_count": {
        "en": (
            "How many sections are there?",
            "How many section headings does the page have?",
            "Count the sections.",
            "Into how many sections is it divided?",
        ),
        "zh": ("有几个小节？", "页面上有多少个小标题？", "数一数有几节。", "这份文件分成几个部分？"),
    },
    "section": {
        "en": (
            'What does the section "{heading}" say?',
            "Read the section {heading}.",
            'Read the text under "{heading}".',
            "What is written under the heading {heading}?",
            'Transcribe the section titled "{heading}".',
            "Copy out the part called {heading}.",
            'Give me the text of "{heading}".',
        ),
        "zh": (
            "“{heading}”这一节写了什么？",
            "读一下“{heading}”部分。",
            "标题“{heading}”下面的文字是什么？",
            "请抄写“{heading}”一节。",
            "把“{heading}”下面的内容读出来。",
            "{heading}这部分的内容是什么？",
        ),
    },
    "next_heading": {
        "en": (
            'Which section comes after "{heading}"?',
            "What is the heading that follows {heading}?",
            'What section is right below "{heading}"?',
            "After {heading}, which section is next?",
        ),
        "zh": (
            "“{heading}”后面是哪一节？",
            "“{heading}”之后的小标题是什么？",
            "紧接着“{heading}”的是哪一部分？",
            "{heading}的下一节叫什么？",
        ),
    },
    "paragraph": {
        "en": ("Read paragraph {n}.", "What does paragraph {n} say?", "Transcribe paragraph number {n}.", "Copy out paragraph {n}."),
        "zh": ("读出第{n}段。", "第{n}段写了什么？", "请抄写第{n}段。", "第{n}段的内容是什么？"),
    },
    "field": {
        "en": (
            "What is the {label}?",
            'What does it say for "{label}"?',
            "{label}?",
            "Which {label} is given?",
            'Read the value of "{label}".',
            'What is entered under "{label}"?',
            "Tell me the {label}.",
            "Find the {label}.",
        ),
        "zh": (
            "{label}是什么？",
            "“{label}”一栏写的是什么？",
            "{label}？",
            "请读出{label}。",
            "“{label}”填的是什么？",
            "告诉我{label}。",
            "找出{label}。",
        ),
    },
    "line": {
        "en": (
            'What does it say for "{label}"?',
            'Read the value of "{label}".',
            'What stands beside "{label}"?',
            'What is written after "{label}"?',
        ),
        "zh": ("“{label}”一栏写的是什么？", "请读出“{label}”后面的内容。", "“{label}”旁边写着什么？", "“{label}”后面写的是什么？"),
    },
    "price": {
        "en": (
            "How much is the {label}?",
            "What does {label} cost?",
            "What is the price of {label}?",
            "How much do I pay for {label}?",
            "Price of {label}?",
        ),
        "zh": (
            "{label}多少钱？",
            "{label}的价格是多少？",
            "点一份{label}要多少钱？",
            "{label}卖什么价？",
            "菜单上{label}的价钱是多少？",
        ),
    },
    "event": {
        "en": (
            "What is at {label}?",
            "What takes place at {label}?",
            "What is planned for {label}?",
            "What starts at {label}?",
            "{label}: what is on?",
        ),
        "zh": ("{label}安排了什么？", "{label}有什么？", "{label}开始的是什么？", "{label}是什么活动？", "{label}要做什么？"),
    },
    "owner": {
        "en": (
            'Which entry has the value "{value}"?',
            'Beside which label does "{value}" stand?',
            "To which entry does {value} belong?",
        ),
        "zh": ("哪一项的内容是“{value}”？", "“{value}”对应哪一项？", "“{value}”写在哪一栏？", "哪个条目是{value}？"),
    },
    "when": {
        "en": (
            "When is {value}?",
            "At what time is {value}?",
            "What time does {value} start?",
            "When does {value} begin?",
            "{value}: at what time?",
        ),
        "zh": ("{value}是什么时候？", "{value}几点开始？", "什么时间安排了{value}？", "{value}在几点？"),
    },
    "dish_at": {
        "en": (
            "Which dish costs {value}?",
            "What can I get for {value}?",
            "What is sold for {value}?",
            "Which item is priced at {value}?",
        ),
        "zh": ("哪道菜的价格是{value}？", "{value}可以点什么？", "什么卖{value}？", "标价{value}的是哪一项？"),
    },
    "blank": {
        "en": (
            "Which fields are blank?",
            "What has not been filled in?",
            "Which entries were left empty?",
            "List the empty fields.",
            "What is still missing on this form?",
        ),
        "zh": ("哪些栏没有填？", "哪些项目是空白的？", "还有什么没有填写？", "列出空着的栏目。", "表上哪些内容缺失？"),
    },
    "labels": {
        "en": (
            "Which fields does it have?",
            "List the labels of all the fields.",
            "What entries are there?",
            "What does the form ask for?",
        ),
        "zh": ("有哪些栏目？", "列出所有栏目的名称。", "表上有哪些项目？", "这张表要填哪些内容？"),
    },
    "extract": {
        "en": (
            "Extract {labels} as JSON.",
            "Give me {labels} as a JSON object.",
            "Return JSON with the fields {labels}.",
            "Read {labels} and answer in JSON.",
        ),
        "zh": ("以 JSON 格式提取{labels}。", "把{labels}整理成 JSON。", "用 JSON 返回{labels}。", "读取{labels}，用 JSON 回答。"),
    },
    "items": {
        "en": (
            "List the points of the list.",
            "What are the bullet points?",
            "Read the list, one item a line.",
            "What does the list contain?",
            "Write out the list.",
        ),
        "zh": ("列表里有哪些内容？", "逐条读出列表。", "列出各个要点。", "清单上写了什么？", "把列表抄下来。"),
    },
    "item_count": {
        "en": (
            "How many points does the list have?",
            "How many items are in the list?",
            "Count the bullet points.",
            "How many entries are listed?",
        ),
        "zh": ("列表有几项？", "清单里有多少条？", "数一数有几个要点。", "一共列了几条？"),
    },
    "item": {
        "en": (
            "What is point {n} of the list?",
            "Read item {n} of the list.",
            "What does bullet point {n} say?",
            "Item {n} in the list?",
        ),
        "zh": ("列表的第{n}项是什么？", "读出第{n}条。", "第{n}个要点写了什么？", "清单第{n}条是什么？"),
    },
    "to": {
        "en": ("Who is the letter to?", "To whom is this written?", "Who is being addressed?", "Who is the recipient?"),
        "zh": ("这封信写给谁？", "收信人是谁？", "信是给谁的？", "称呼的是谁？"),
    },
    "from": {
        "en": (
            "Who wrote the letter?",
            "Who signed this?",
            "Who is the sender?",
            "From whom is the letter?",
            "Whose name is at the end?",
        ),
        "zh": ("信是谁写的？", "落款是谁？", "写信人是谁？", "这封信来自谁？", "最后署名的是谁？"),
    },
    "dated": {
        "en": ("What date is on it?", "When was it written?", "What is the date?", "Which date is given?"),
        "zh": ("日期是哪天？", "是哪一天写的？", "上面的日期是什么？", "写明的日期是多少？"),
    },
    "author": {
        "en": ("Who wrote this article?", "Who is the author?", "By whom was this written?", "Name the author."),
        "zh": ("文章是谁写的？", "作者是谁？", "这篇文章的作者叫什么？", "写出作者的名字。"),
    },
    "where": {
        "en": (
            "Where is <ref>{name}</ref>?",
            "Find <ref>{name}</ref>.",
            "Give the box of <ref>{name}</ref>.",
            "Locate <ref>{name}</ref> on the page.",
            "Show me where <ref>{name}</ref> is.",
            "Mark the region of <ref>{name}</ref>.",
        ),
        "zh": (
            "<ref>{name}</ref>在哪里？",
            "找出<ref>{name}</ref>。",
            "给出<ref>{name}</ref>的框。",
            "请定位<ref>{name}</ref>。",
            "框出<ref>{name}</ref>的位置。",
            "标出<ref>{name}</ref>。",
        ),
    },
    "at": {
        "en": (
            "What is written in <box>{box}</box>?",
            "Read the text in <box>{box}</box>.",
            "What does the region <box>{box}</box> say?",
        ),
        "zh": ("<box>{box}</box>里写的是什么？", "读出<box>{box}</box>中的文字。", "区域<box>{box}</box>的内容是什么？"),
    },
    "markdown": {
        "en": (
            "Transcribe the page as Markdown.",
            "Turn this page into Markdown.",
            "Write the whole document in Markdown.",
            "Convert the document to Markdown.",
        ),
        "zh": ("把这一页转成 Markdown。", "用 Markdown 抄写整份文件。", "将文档转换为 Markdown。", "请以 Markdown 格式写出全文。"),
    },
}


def phrase(source: random.Random, task: str, language: Language, **slots: object) -> str:
    """A question for a task, worded at random."""
    return source.choice(PHRASES[task][language]).format(**slots)
