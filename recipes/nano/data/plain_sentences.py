"""Made-up sentences of everyday life: notices, messages and short news, from small grammars over places, things, people and times.

    (language, how many) -> documents of five sentences, the same every time

They stand in where the text materials are missing, and beside the Chinese ones, which are mostly about computers.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from recipes.nano.data.sample import Language

WORDS_FOLDER = Path(__file__).resolve().parents[1] / "words"
FILES: dict[Language, str] = {"en": "english.txt", "zh": "chinese.txt"}
# Slot -> what may stand there.
SLOTS: dict[Language, dict[str, str]] = {
    "en": {
        "place": "station/library/museum/market/bakery/harbour/town hall/school/hospital/post office/car park/bridge/hotel/cinema",
        "thing": "umbrella/ticket/camera/blue bag/notebook/bicycle/passport/key/lamp/map/red coat/laptop/parcel/watch/guitar",
        "food": "tea/coffee/bread/noodles/apples/cheese/soup/rice/fish/honey/chocolate/milk/salad/oranges/eggs/pancakes",
        "who": "my sister/our neighbour/the teacher/a tourist/the driver/the doctor/the manager/grandmother/the new student/the chef",
        "when": "on Monday/on Friday evening/before noon/after lunch/next week/tomorrow morning/at half past six/every day in July",
        "weather": "sunny/windy/cloudy/cold and clear/foggy/warm and dry/rainy",
    },
    "zh": {
        "place": "车站/图书馆/博物馆/菜市场/面包店/码头/市政府/学校/医院/邮局/停车场/大桥/花园/酒店/电影院/机场/体育馆/书店/地铁口",
        "thing": "雨伞/车票/照相机/蓝色背包/笔记本/自行车/护照/钥匙/台灯/地图/红色外套/椅子/电脑/包裹/手表/吉他/行李箱",
        "food": "茶/咖啡/面包/牛肉面/苹果/豆腐/鸡汤/米饭/鱼/蜂蜜/巧克力/牛奶/沙拉/橙子/鸡蛋/饺子/包子",
        "who": "我姐姐/邻居/王老师/一位游客/司机/李医生/一个年轻人/经理/奶奶/新同学/厨师/志愿者/张叔叔",
        "when": "星期一/星期五晚上/中午以前/午饭后/下个星期/明天早上/六点半/七月的每一天/下午/国庆节期间/周末",
        "weather": "晴朗/多云/有风/有雾/寒冷/暖和/有小雨/闷热",
    },
}
SENTENCES: dict[Language, tuple[str, ...]] = {
    "en": (
        "The {place} is closed {when} because of repairs.",
        "Please meet us at the {place} {when} and bring your {thing}.",
        "{who} left a {thing} at the {place}.",
        "We had {food} and {food2} near the {place}.",
        "It was {weather} when {who} reached the {place}.",
        "Buy {n} boxes of {food} and get one free {when}.",
        "There are {n} people waiting in front of the {place}.",
        "Has anyone seen the {thing} that {who} bought {when}?",
        "The bus to the {place} leaves {when} from stop {n}.",
        "Keep the {food} in a cool and dry place.",
        "{who} told us that the {thing} cost {n} dollars.",
        "From the {place} it is a walk of {n} minutes to the {place2}.",
        "A new {place} with {n} rooms opens {when}.",
        "Tomorrow will be {weather}, with {n} degrees at the {place2}.",
        "No {thing} or {food} may be taken into the {place}.",
        "{who} ordered {food}, {food2} and a large bottle of water.",
        "Lost: a {thing}, last seen {when} close to the {place}.",
        "Thank you for visiting the {place}; please come again!",
        "The {thing} on page {n} is not for sale.",
        "In the morning {who} walks past the {place} with a {thing}.",
    ),
    "zh": (
        "{place}正在维修，{when}暂停开放。",
        "请{when}到{place}门口集合，并带好{thing}。",
        "{who}把{thing}忘在{place}了。",
        "我们在{place}附近吃了{food}和{food2}。",
        "{who}到{place}的时候，天气{weather}。",
        "买{n}盒{food}，送一份{food2}，{when}有效。",
        "{place}前面有{n}个人在排队。",
        "有没有人看见{who}{when}买的{thing}？",
        "去{place}的公共汽车在{n}号站台上车。",
        "{food}请放在阴凉干燥的地方保存。",
        "{who}说这个{thing}要{n}元。",
        "从{place}走到{place2}大约要{n}分钟。",
        "新的{place}有{n}个房间，{when}开业。",
        "明天天气{weather}，{place}一带最高气温{n}度。",
        "请不要把{thing}和{food}带进{place}。",
        "{who}点了{food}、{food2}和一大瓶水。",
        "寻物启事：{when}在{place}附近丢失{thing}一个。",
        "感谢您光临{place}，欢迎下次再来！",
        "第{n}页上的{thing}是非卖品。",
        "{who}每天早上都带着{thing}经过{place}。",
        "温馨提示：请保管好您的{thing}，小心地滑。",
        "{when}，{who}要坐{n}路车去{place}。",
        "今天的{food}比昨天便宜{n}元，{who}买了不少。",
        "听说{place}旁边开了一家卖{food}的小店。",
    ),
}
HEADINGS: dict[Language, tuple[str, ...]] = {
    "en": ("{0} and {1}", "The {0} of the {1}", "New {0}", "{0} Guide", "All about {0}", "{0} News", "A Short History of {0}"),
    "zh": ("{0}与{1}", "{0}指南", "{0}的故事", "关于{0}", "新{0}", "{0}简介", "{0}通知", "{0}日记", "走进{0}"),
}


def plain_words(language: Language) -> list[str]:
    """The words of the repository's own list."""
    return (WORDS_FOLDER / FILES[language]).read_text(encoding="utf-8").split()


def plain_headings(language: Language, words: list[str], count: int) -> list[str]:
    """Headings made of the given words, all different."""
    source = random.Random(f"headings {language}")
    made = (source.choice(HEADINGS[language]).format(*(word.capitalize() for word in source.sample(words, 2))) for _ in range(count))
    return list(dict.fromkeys(made))


def plain_documents(language: Language, count: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(key, five sentences) of made-up documents."""
    for index in range(count):
        source = random.Random(f"document {language} {index}")
        yield f"plain/{index}", tuple(_fill(source, shape, language) for shape in source.sample(SENTENCES[language], 5))


def _fill(source: random.Random, shape: str, language: Language) -> str:
    slots: dict[str, str] = {"n": str(source.randint(2, 60))}
    for name, choices in SLOTS[language].items():
        slots[name], slots[f"{name}2"] = source.sample(choices.split("/"), 2)
    text = shape.format(**slots)
    return text[0].upper() + text[1:]
