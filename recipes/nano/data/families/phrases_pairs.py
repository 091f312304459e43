"""How people ask about two and more pictures: task -> phrasings in both languages. Pictures are called Image-1, Image-2 and so on.

{one}, {many}, {the}, {m} are forms of a name, {n} the number of a picture, {pair} both pictures of a pair.
"""

from __future__ import annotations

from recipes.nano.data.families.phrases_scenes import Phrases
from recipes.nano.data.sample import Language

ENGLISH: Phrases = {
    "same": (
        "Are the two pictures the same?",
        "Are Image-1 and Image-2 identical?",
        "Do Image-1 and Image-2 show exactly the same?",
        "Is there any difference between the pictures? Answer yes if they are the same, no otherwise.",
        "Is Image-2 a copy of Image-1?",
        "Are these two images alike in every way?",
    ),
    "changed": (
        "What changed from Image-1 to Image-2?",
        "What is different in Image-2?",
        "Find the difference between Image-1 and Image-2.",
        "Compared with Image-1, what has changed in Image-2?",
        "Spot the difference.",
        "What happened between Image-1 and Image-2?",
    ),
    "more": (
        "Which picture has more {many}?",
        "In which picture are there more {many}, Image-1 or Image-2?",
        "Compare the number of {many}: which image has more?",
        "Where do you see more {many}?",
    ),
    "fewer": ("Which picture has fewer {many}?", "In which picture are there fewer {many}, Image-1 or Image-2?"),
    "shows": (
        "Which picture shows {one}?",
        "In which image can you see {one}?",
        "Find the picture with {one}.",
        "Which of the pictures contains {one}?",
        "Where is {one} to be seen?",
    ),
    "inside": (
        "What is in Image-{n}?",
        "Describe Image-{n}.",
        "What does Image-{n} show?",
        "Give a caption for Image-{n}.",
        "Tell me what you see in Image-{n}.",
    ),
    "each": (
        "What does each picture show?",
        "Describe the pictures one by one.",
        "List what is in each image.",
        "Give one caption for each picture.",
    ),
    "count": (
        "How many {many} are there in Image-{n}?",
        "Count the {many} in Image-{n}.",
        "How many {many} does Image-{n} show?",
    ),
    "sum": (
        "How many {many} are there in all pictures together?",
        "Count the {many} over all the images.",
        "What is the total number of {many} in the pictures?",
    ),
    "common": (
        "What appears in both Image-1 and Image-2?",
        "Which object do the two pictures have in common?",
        "What is in both pictures?",
    ),
    "sort": (
        "Sort the pictures by the number of {many}, fewest first.",
        "Order the images from the fewest {many} to the most.",
        "Put the pictures in order of how many {many} they show, starting with the fewest.",
    ),
    "kind": (
        "Do the two pictures show the same kind of thing?",
        "Is the object in Image-1 the same kind of object as in Image-2?",
        "Do Image-1 and Image-2 show the same thing?",
    ),
    "locate": (
        "Where is <ref>the {the}</ref> in Image-{n}?",
        "Find <ref>the {the}</ref> in Image-{n}.",
        "Give the box of <ref>the {the}</ref> in Image-{n}.",
    ),
}

CHINESE: Phrases = {
    "same": ("两张图一样吗？", "Image-1和Image-2完全相同吗？", "这两张图片是不是一模一样？", "Image-2和Image-1一样吗？"),
    "changed": (
        "从Image-1到Image-2有什么变化？",
        "Image-2里有什么不同？",
        "找出Image-1和Image-2的不同之处。",
        "与Image-1相比，Image-2变了什么？",
        "两张图有什么区别？",
    ),
    "more": ("哪张图里的{the}更多？", "Image-1和Image-2哪张图里{the}多？", "比较{the}的数量，哪张图更多？"),
    "fewer": ("哪张图里的{the}更少？", "Image-1和Image-2哪张图里{the}少？"),
    "shows": ("哪张图里有{the}？", "{the}出现在哪张图片里？", "找出有{the}的图片。", "哪一张图能看到{the}？"),
    "inside": ("Image-{n}里有什么？", "描述Image-{n}。", "Image-{n}展示了什么？", "给Image-{n}写一句说明。"),
    "each": ("每张图里各有什么？", "逐一描述这些图片。", "分别说出每张图的内容。"),
    "count": ("Image-{n}中有几{m}{the}？", "数一数Image-{n}里的{the}。", "Image-{n}里有多少{m}{the}？"),
    "sum": ("所有图片里一共有几{m}{the}？", "这些图中总共有多少{m}{the}？"),
    "common": ("Image-1和Image-2里都有什么？", "两张图共同的物体是什么？", "什么东西在两张图里都出现了？"),
    "sort": ("按{the}的数量从少到多给图片排序。", "把图片按{the}的多少从少到多排列。"),
    "kind": ("两张图里是同一种东西吗？", "Image-1和Image-2里的物体是同一种吗？", "这两张图画的是同一种东西吗？"),
    "locate": (
        "<ref>{the}</ref>在Image-{n}的哪里？",
        "找出Image-{n}中的<ref>{the}</ref>。",
        "给出Image-{n}中<ref>{the}</ref>的坐标框。",
    ),
}

PHRASES: dict[Language, Phrases] = {"en": ENGLISH, "zh": CHINESE}
NOTHING_CHANGED: dict[Language, str] = {"en": "Nothing changed.", "zh": "没有变化。"}
SAME_NUMBER: dict[Language, str] = {"en": "Both have the same number.", "zh": "一样多。"}
IN_NONE: dict[Language, str] = {"en": "None of the pictures shows that.", "zh": "图中没有。"}
ALIKE: dict[Language, tuple[str, str]] = {"en": ("Yes.", "No."), "zh": ("一样。", "不一样。")}
SAME_KIND: dict[Language, tuple[str, str]] = {"en": ("Yes.", "No."), "zh": ("是。", "不是。")}
CHANGES: dict[Language, dict[str, tuple[str, ...]]] = {
    "en": {
        "added": ("{One} was added.",),
        "removed": ("The {the} is gone.",),
        "replaced": ("The {the} was replaced by {other}.",),
        "painted": ("The {noun} changed from {before} to {after}.",),
        "moved": ("The {the} moved {way}.",),
    },
    "zh": {
        "added": ("多了{one}。",),
        "removed": ("{the}不见了。",),
        "replaced": ("{the}变成了{other}。",),
        "painted": ("{noun}从{before}变成了{after}。",),
        "moved": ("{the}向{way}移动了。",),
    },
}
WAYS: dict[Language, dict[str, str]] = {
    "en": {"left": "to the left", "right": "to the right", "above": "up", "below": "down"},
    "zh": {"left": "左", "right": "右", "above": "上", "below": "下"},
}
