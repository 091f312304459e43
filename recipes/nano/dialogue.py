"""Conversation without a picture: greetings, who the model is, what it can do, and what it can't."""

from __future__ import annotations

import random
from collections.abc import Iterator

from recipes.nano.questions import Turn

EN_SELF = "I am internvl-nano, a very small InternVL model."
ZH_SELF = "我是 internvl-nano，一个很小的 InternVL 模型。"
EN_SKILLS = "I can read short words and numbers in a picture and name, count and find coloured shapes."
ZH_SKILLS = "我可以读出图片中的短词和数字，说出图形的形状、颜色、个数和位置。"
EN_UNKNOWN = "I don't know. I can only answer questions about simple pictures."
ZH_UNKNOWN = "我不知道。我只能回答关于简单图片的问题。"
EN_BLIND = "I see no picture. Please show me one."
ZH_BLIND = "我没有看到图片。请给我一张图片。"

# answer -> questions. The first group may also follow a picture.
GREETINGS: dict[str, tuple[str, ...]] = {
    "Hello! How can I help you?": ("Hello", "Hello!", "Hi", "Hi!", "Hello there!", "Hey", "Good morning!", "Good evening!"),
    "你好！我可以帮你看图片。": ("你好", "你好！", "您好", "您好！", "早上好！", "晚上好！"),
    "You are welcome!": ("Thanks!", "Thank you!", "Thank you very much!", "Thanks a lot."),
    "不客气！": ("谢谢", "谢谢！", "谢谢你！", "多谢！"),
    "Goodbye!": ("Bye!", "Goodbye!", "Goodbye.", "See you!"),
    "再见！": ("再见", "再见！", "拜拜！"),
    EN_SELF: ("Who are you?", "What are you?", "What is your name?", "Tell me about yourself.", "Introduce yourself."),
    ZH_SELF: ("你是谁？", "你叫什么名字？", "你是什么？", "介绍一下你自己。", "请介绍一下自己。"),
    EN_SKILLS: ("What can you do?", "How can you help me?", "What are you good at?", "Help"),
    ZH_SKILLS: ("你能做什么？", "你会做什么？", "你有什么用？", "你能帮我做什么？"),
    "I am fine, thank you!": ("How are you?", "How are you today?", "How do you do?"),
    "我很好，谢谢！": ("你好吗？", "你怎么样？", "最近好吗？"),
}
OUT_OF_REACH: dict[str, tuple[str, ...]] = {
    EN_UNKNOWN: (
        "Who is the president?",
        "What is the capital of France?",
        "Tell me a joke.",
        "Write a poem.",
        "What is the weather today?",
        "What time is it?",
        "Who wrote this book?",
        "How old are you?",
        "Translate this sentence.",
        "What is the meaning of life?",
        "Write a story about a dog.",
        "How do I cook rice?",
        "Why is the sky blue?",
    ),
    ZH_UNKNOWN: (
        "谁是总统？",
        "法国的首都是哪里？",
        "讲一个笑话。",
        "写一首诗。",
        "今天天气怎么样？",
        "现在几点了？",
        "怎么做饭？",
        "你几岁了？",
        "为什么天是蓝色的？",
        "写一个故事。",
    ),
}


def small_talk(source: random.Random) -> Turn:
    """One turn that fits anywhere in a conversation."""
    return _pick(GREETINGS, source)


def without_picture(source: random.Random, asked_about_pictures: Turn | None) -> Turn:
    """One turn of a conversation without a picture; a question about a picture is answered with a request for one."""
    if asked_about_pictures is not None and source.random() < 0.35:
        answer = ZH_BLIND if asked_about_pictures.language == "zh" else EN_BLIND
        return Turn(asked_about_pictures.question, answer, "dialogue", asked_about_pictures.language)
    return _pick(OUT_OF_REACH if source.random() < 0.3 else GREETINGS, source)


def all_lines() -> Iterator[str]:
    """Everything that can be said here: what the tokenizer must know."""
    for table in (GREETINGS, OUT_OF_REACH):
        for answer, questions in table.items():
            yield answer
            yield from questions
    yield from (EN_BLIND, ZH_BLIND)


def _pick(table: dict[str, tuple[str, ...]], source: random.Random) -> Turn:
    answer = source.choice(tuple(table))
    language = "en" if answer.isascii() else "zh"
    return Turn(source.choice(table[answer]), answer, "dialogue", language)
