"""How people ask about a picture with things in it: task -> phrasings, in both languages.

{the} is a name ("red apple"), {many} its plural, {one} the name with its article, {m} the Chinese measure word.
"""

from __future__ import annotations

from recipes.nano.data.sample import Language

Phrases = dict[str, tuple[str, ...]]

ENGLISH: Phrases = {
    "caption": (
        "Describe the picture.",
        "What is in the picture?",
        "Write a caption for this image.",
        "What do you see?",
        "What does the image show?",
        "Give a short description of this picture.",
        "Tell me what is in this image.",
        "Caption this.",
        "Summarise the picture in one sentence.",
        "List what you can see.",
        "What objects are there?",
        "Describe this image briefly.",
    ),
    "detail": (
        "Describe the picture in detail, with positions.",
        "Describe where everything is.",
        "What is where in this picture?",
        "Describe the layout of the image.",
        "Say what is in the picture and where.",
        "Give a detailed description with the place of each object.",
    ),
    "name": (
        "What is this?",
        "What does the picture show?",
        "Name the object.",
        "What object is this?",
        "What can you see here?",
        "Tell me what this is.",
        "What is shown in the image?",
        "Identify the object in the picture.",
    ),
    "count": (
        "How many {many} are there?",
        "How many {many} are in the picture?",
        "Count the {many}.",
        "What is the number of {many}?",
        "How many {many} can you see?",
        "Tell me how many {many} there are.",
        "How many {many} does the image show?",
        "Please count the {many} in the image.",
    ),
    "locate": (
        "Where is <ref>the {the}</ref>?",
        "Find <ref>the {the}</ref>.",
        "Give the box of <ref>the {the}</ref>.",
        "Locate <ref>the {the}</ref>.",
        "Point out <ref>the {the}</ref>.",
        "Please provide the bounding box coordinate of the region this sentence describes: <ref>the {the}</ref>",
        "Draw a box around <ref>the {the}</ref>.",
        "Detect <ref>the {the}</ref>.",
    ),
    "locate_all": (
        "Find all <ref>{many}</ref>.",
        "Locate every one of the <ref>{many}</ref>.",
        "Give the boxes of <ref>{many}</ref>.",
        "Where are the <ref>{many}</ref>?",
        "Detect <ref>{many}</ref>.",
        "Mark all <ref>{many}</ref> with boxes.",
    ),
    "box": (
        "What is in {box}?",
        "What do you see at {box}?",
        "Name the object in {box}.",
        "What does the region {box} show?",
        "Describe the region {box}.",
        "Which object is inside {box}?",
        "What is at {box}?",
    ),
    "colour": (
        "What colour is the {the}?",
        "What color is the {the}?",
        "Which colour does the {the} have?",
        "Tell me the color of the {the}.",
        "The {the} is what colour?",
        "Name the colour of the {the}.",
    ),
    "position": (
        "Where in the picture is the {the}?",
        "In which part of the picture is the {the}?",
        "Where is the {the}?",
        "Which area of the image holds the {the}?",
        "In what part of the image can I find the {the}?",
    ),
    "relation": (
        "Where is the {a} compared with the {b}?",
        "Is the {a} above, below, left or right of the {b}?",
        "On which side of the {b} is the {a}?",
        "Seen from the {b}, where is the {a}?",
        "Where does the {a} stand in relation to the {b}?",
    ),
    "relation_check": (
        "Is the {a} {side} the {b}?",
        "Can you see the {a} {side} the {b}?",
        "True or not: the {a} is {side} the {b}?",
        "Does the {a} stand {side} the {b}?",
    ),
    "between": (
        "What is between the {a} and the {b}?",
        "Which object stands between the {a} and the {b}?",
        "Name what lies between the {a} and the {b}.",
    ),
    "order": (
        "What is the {nth} object from {end}?",
        "Which object is {nth} from {end}?",
        "Counting from {end}, what is the {nth} thing?",
        "Name the {nth} item from {end}.",
    ),
    "extreme": (
        "What is {most}?",
        "Which object is {most}?",
        "Name the thing that is {most}.",
        "Which thing is {most} in the picture?",
    ),
    "size": (
        "Which is larger, the {a} or the {b}?",
        "Which is bigger in the picture: the {a} or the {b}?",
        "What takes more room, the {a} or the {b}?",
        "Of the {a} and the {b}, which is drawn larger?",
    ),
    "size_small": (
        "Which is smaller, the {a} or the {b}?",
        "Of the {a} and the {b}, which is drawn smaller?",
        "Which one is smaller: the {a} or the {b}?",
    ),
    "exists": (
        "Is there {one} in the picture?",
        "Can you see {one}?",
        "Does the picture show {one}?",
        "Is there {one}?",
        "Do you see {one} here?",
        "Does the image contain {one}?",
        "Is {one} visible?",
    ),
    "total": (
        "How many objects are there in total?",
        "How many things does the picture show altogether?",
        "Count all objects.",
        "What is the total number of objects?",
        "How many objects can you see in all?",
    ),
    "animals": (
        "How many animals are there?",
        "Count the animals.",
        "How many animals can you see?",
        "How many of the things are animals?",
    ),
    "no_text": (
        "What does the text in the picture say?",
        "Read the text.",
        "What is written here?",
        "Transcribe the text of the image.",
        "What words can you read in the picture?",
    ),
}

CHINESE: Phrases = {
    "caption": (
        "描述这张图片。",
        "图里有什么？",
        "给这张图写一句说明。",
        "你看到了什么？",
        "这张图片展示了什么？",
        "简单描述一下这幅图。",
        "图中有哪些东西？",
        "用一句话概括这张图片。",
        "请说说图片的内容。",
        "列出图中的物体。",
        "请描述图像。",
    ),
    "detail": (
        "详细描述图片，并说明位置。",
        "图中的东西各在什么位置？",
        "说说图里有什么、在哪里。",
        "描述一下画面的布局。",
        "请详细描述每个物体及其位置。",
    ),
    "name": ("这是什么？", "图里是什么？", "图中的物体叫什么？", "说出这个东西的名字。", "这张图片上是什么？", "请识别图中的物体。"),
    "count": (
        "图中有几{m}{the}？",
        "有多少{m}{the}？",
        "数一数有几{m}{the}。",
        "图片里一共有几{m}{the}？",
        "{the}有几{m}？",
        "请数出{the}的数量。",
        "你能看到几{m}{the}？",
    ),
    "locate": (
        "<ref>{the}</ref>在哪里？",
        "找出<ref>{the}</ref>。",
        "给出<ref>{the}</ref>的坐标框。",
        "请定位<ref>{the}</ref>。",
        "框出<ref>{the}</ref>。",
        "请给出这句话描述的区域的边界框坐标：<ref>{the}</ref>",
        "检测<ref>{the}</ref>。",
    ),
    "locate_all": (
        "找出所有的<ref>{the}</ref>。",
        "框出全部<ref>{the}</ref>。",
        "给出每{m}<ref>{the}</ref>的坐标框。",
        "检测所有<ref>{the}</ref>。",
    ),
    "box": (
        "{box}里是什么？",
        "{box}处有什么？",
        "说出{box}里的物体。",
        "区域{box}里是什么东西？",
        "描述区域{box}。",
        "{box}这个位置是什么？",
    ),
    "colour": ("{the}是什么颜色？", "{the}是什么颜色的？", "图中{the}的颜色是什么？", "请说出{the}的颜色。", "{the}呈什么颜色？"),
    "position": ("{the}在图片的什么位置？", "{the}在图中的哪个部分？", "{the}位于画面的哪里？", "{the}在什么位置？"),
    "relation": ("{a}在{b}的哪一边？", "{a}相对于{b}在什么位置？", "{a}在{b}的上、下、左还是右边？", "从{b}看，{a}在哪边？"),
    "relation_check": ("{a}在{b}的{side}吗？", "{a}是不是在{b}的{side}？", "{b}的{side}是{a}吗？"),
    "between": ("{a}和{b}之间是什么？", "{a}与{b}中间的物体是什么？", "在{a}和{b}之间的是什么东西？"),
    "order": ("从{end}数第{nth}个是什么？", "从{end}起第{nth}个物体是什么？", "{end}数过来第{nth}个东西是什么？"),
    "extreme": ("{most}的是什么？", "图中{most}的物体是什么？", "哪个东西{most}？"),
    "size": ("{a}和{b}哪个更大？", "图中{a}与{b}相比，哪个大？", "{a}和{b}，哪个占的地方更大？"),
    "size_small": ("{a}和{b}哪个更小？", "图中{a}与{b}相比，哪个小？"),
    "exists": ("图中有{the}吗？", "图片里有没有{the}？", "你能看到{the}吗？", "这张图里有{the}吗？", "图里出现{the}了吗？"),
    "total": ("图中一共有几个物体？", "总共有多少个东西？", "数一数图中所有的物体。", "物体总数是多少？"),
    "animals": ("图中有几只动物？", "数一数有多少动物。", "能看到几只动物？", "一共有多少只动物？"),
    "no_text": ("图中的文字是什么？", "读出图片里的文字。", "这里写了什么？", "请转写图中的文字。"),
}

PHRASES: dict[Language, Phrases] = {"en": ENGLISH, "zh": CHINESE}
ABSENT: dict[Language, str] = {"en": "The picture does not show that.", "zh": "图中没有。"}
YES: dict[Language, str] = {"en": "Yes.", "zh": "有。"}
NO_TEXT: dict[Language, str] = {"en": "There is no text in the picture.", "zh": "图中没有文字。"}
NO: dict[Language, str] = {"en": "No.", "zh": "没有。"}
RIGHT: dict[Language, str] = {"en": "Yes.", "zh": "是。"}
WRONG: dict[Language, str] = {"en": "No.", "zh": "不是。"}

# Of a picture cut in three by three, from the top left.
REGIONS: dict[Language, tuple[str, ...]] = {
    "en": ("top left", "top", "top right", "left", "middle", "right", "bottom left", "bottom", "bottom right"),
    "zh": ("左上角", "上方", "右上角", "左边", "中间", "右边", "左下角", "下方", "右下角"),
}
REGION_ANSWERS: dict[Language, tuple[str, ...]] = {
    "en": (
        "At the top left.",
        "At the top.",
        "At the top right.",
        "On the left.",
        "In the middle.",
        "On the right.",
        "At the bottom left.",
        "At the bottom.",
        "At the bottom right.",
    ),
    "zh": tuple(f"在{place}。" for place in REGIONS["zh"]),
}
SIDES: dict[Language, dict[str, str]] = {
    "en": {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"},
    "zh": {"left": "左边", "right": "右边", "above": "上方", "below": "下方"},
}
SIDE_ANSWERS: dict[Language, dict[str, str]] = {
    "en": {"left": "To the left.", "right": "To the right.", "above": "Above.", "below": "Below."},
    "zh": {"left": "左边。", "right": "右边。", "above": "上方。", "below": "下方。"},
}
ORDINALS: dict[Language, tuple[str, ...]] = {
    "en": ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth"),
    "zh": ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"),
}
ENDS: dict[Language, dict[str, str]] = {
    "en": {"left": "the left", "right": "the right", "above": "the top", "below": "the bottom"},
    "zh": {"left": "左边", "right": "右边", "above": "上面", "below": "下面"},
}
MOSTS: dict[Language, dict[str, str]] = {
    "en": {"left": "furthest to the left", "right": "furthest to the right", "above": "highest up", "below": "lowest down"},
    "zh": {"left": "最左边", "right": "最右边", "above": "最上面", "below": "最下面"},
}
