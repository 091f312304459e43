"""How people ask about a clip of moving things or text: task -> phrasings in both languages.

Stills are called Frame-1, Frame-2 and so on; {the}, {many}, {one}, {m} are forms of a name.
"""

from __future__ import annotations

from recipes.nano.data.families.phrases_scenes import Phrases
from recipes.nano.data.sample import Language

ENGLISH: Phrases = {
    "direction": (
        "In which direction does the {the} move?",
        "Which way does the {the} go?",
        "Where is the {the} moving?",
        "How does the {the} move in the video?",
        "What is the direction of the {the}?",
    ),
    "still": (
        "Which object stays still?",
        "What does not move?",
        "Which thing keeps its place during the video?",
    ),
    "faster": (
        "Which moves faster, the {a} or the {b}?",
        "Of the {a} and the {b}, which is faster?",
        "Which one is quicker: the {a} or the {b}?",
    ),
    "inside": (
        "What can be seen in the video?",
        "Which objects appear in the clip?",
        "What is in this video?",
        "List everything that appears in the clip.",
        "Name the objects in the video.",
    ),
    "happens": (
        "What happens in the video?",
        "Describe the clip.",
        "Describe what is going on in this video.",
        "Summarise the video.",
        "Tell me what happens.",
    ),
    "first": ("What appears first?", "Which object is seen first?", "Which thing comes first in the video?"),
    "last": ("What appears last?", "Which object appears last?", "Which thing is the last to come?"),
    "order": (
        "In which order do the things appear?",
        "List the objects in the order in which they appear.",
        "What appears, one after another?",
    ),
    "when": (
        "In which frame does the {the} first appear?",
        "When does the {the} appear?",
        "From which frame on can you see the {the}?",
    ),
    "gone": ("What disappears first?", "Which object is the first to disappear?", "Which thing vanishes first?"),
    "gone_order": ("In which order do the things disappear?", "List the objects in the order in which they vanish."),
    "gone_when": (
        "Which is the first frame without the {the}?",
        "In which frame has the {the} disappeared?",
        "From which frame on is the {the} gone?",
    ),
    "left": ("What is left at the end?", "What can be seen in the last frame?", "Which objects remain at the end of the clip?"),
    "count_start": ("How many {many} are there at the beginning?", "How many {many} can be seen in the first frame?"),
    "count_end": (
        "How many {many} are there at the end?",
        "Count the {many} in the last frame.",
        "How many {many} can be seen when the clip ends?",
    ),
    "count_frame": ("How many {many} are there in Frame-{n}?", "Count the {many} in Frame-{n}."),
    "size": (
        "Does the {the} get larger or smaller?",
        "How does the size of the {the} change?",
        "Is the {the} growing or shrinking?",
    ),
    "colours": (
        "Which colours does the {the} have, one after another?",
        "How does the colour of the {the} change?",
        "List the colours of the {the} in order.",
    ),
    "colour_end": ("What colour is the {the} at the end?", "Which color does the {the} have in the last frame?"),
    "exists": (
        "Does {one} appear in the video?",
        "Is there {one} in the clip?",
        "Can you see {one} at any time?",
        "Does the video show {one}?",
    ),
    "read": (
        "What does the text say?",
        "Read the moving text.",
        "What is written in the video?",
        "Transcribe the text of the clip.",
        "Which text runs through the video?",
        "Read out the whole text.",
    ),
    "words": (
        "Which words are shown, in order?",
        "Read the words in the order in which they appear.",
        "What words appear in the clip?",
    ),
    "numbers": ("Which numbers are shown, in order?", "Read the numbers one after another.", "List the numbers of the clip in order."),
    "last_number": ("Which number is shown last?", "What is the last number in the video?", "On which number does the clip end?"),
}

CHINESE: Phrases = {
    "direction": ("{the}朝哪个方向移动？", "{the}往哪边走？", "视频里{the}怎么移动？", "{the}的运动方向是什么？"),
    "still": ("哪个物体没有动？", "什么东西一直不动？", "视频里静止的是什么？"),
    "faster": ("{a}和{b}哪个移动得更快？", "{a}与{b}，哪个快？"),
    "inside": ("视频里能看到什么？", "视频中出现了哪些物体？", "这段视频里有什么？", "列出视频中出现的所有东西。"),
    "happens": ("视频里发生了什么？", "描述这段视频。", "概括一下视频的内容。", "请说说视频里的情况。"),
    "first": ("最先出现的是什么？", "什么东西第一个出现？", "视频里先出现什么？"),
    "last": ("最后出现的是什么？", "什么东西最后一个出现？"),
    "order": ("物体按什么顺序出现？", "按出现的先后列出物体。", "依次出现了什么？"),
    "when": ("{the}最早在第几帧出现？", "{the}什么时候出现？", "从哪一帧开始能看到{the}？"),
    "gone": ("最先消失的是什么？", "什么东西第一个消失？"),
    "gone_order": ("物体按什么顺序消失？", "按消失的先后列出物体。"),
    "gone_when": ("从哪一帧开始看不到{the}了？", "{the}在哪一帧消失了？"),
    "left": ("最后还剩下什么？", "最后一帧里有什么？", "视频结束时还能看到什么？"),
    "count_start": ("开始时有几{m}{the}？", "第一帧里有多少{m}{the}？"),
    "count_end": ("最后有几{m}{the}？", "数一数最后一帧里的{the}。", "视频结束时有多少{m}{the}？"),
    "count_frame": ("Frame-{n}里有几{m}{the}？", "数一数Frame-{n}中的{the}。"),
    "size": ("{the}变大了还是变小了？", "{the}的大小怎么变化？"),
    "colours": ("{the}的颜色依次是什么？", "{the}的颜色怎么变化？", "按顺序说出{the}的颜色。"),
    "colour_end": ("{the}最后是什么颜色？", "最后一帧里{the}是什么颜色？"),
    "exists": ("视频里出现{the}了吗？", "这段视频里有{the}吗？", "视频中有没有{the}？"),
    "read": ("视频里的文字是什么？", "读出滚动的文字。", "视频中写了什么？", "请转写视频里的文字。", "把整段文字读出来。"),
    "words": ("依次出现了哪些词？", "按顺序读出出现的词。", "视频里出现了什么词？"),
    "numbers": ("依次出现了哪些数字？", "按顺序读出这些数。", "视频里的数字依次是什么？"),
    "last_number": ("最后一个数字是多少？", "视频最后显示的数字是什么？"),
}

PHRASES: dict[Language, Phrases] = {"en": ENGLISH, "zh": CHINESE}
NOT_SHOWN: dict[Language, str] = {"en": "The video does not show that.", "zh": "视频中没有。"}
NO_TEXT: dict[Language, str] = {"en": "There is no text in the video.", "zh": "视频中没有文字。"}
WAYS: dict[Language, dict[str, str]] = {
    "en": {
        "left": "To the left.",
        "right": "To the right.",
        "up": "Up.",
        "down": "Down.",
        "up left": "Up and to the left.",
        "up right": "Up and to the right.",
        "down left": "Down and to the left.",
        "down right": "Down and to the right.",
        "": "It does not move.",
    },
    "zh": {
        "left": "向左。",
        "right": "向右。",
        "up": "向上。",
        "down": "向下。",
        "up left": "向左上方。",
        "up right": "向右上方。",
        "down left": "向左下方。",
        "down right": "向右下方。",
        "": "没有移动。",
    },
}
TELLS: dict[Language, dict[str, str]] = {
    "en": {
        "moves": "{one} moves {way}",
        "still": "{one} stays still",
        "larger": "{one} gets larger",
        "smaller": "{one} gets smaller",
    },
    "zh": {"moves": "{one}{way}移动", "still": "{one}没有动", "larger": "{one}变大", "smaller": "{one}变小"},
}
SIZES: dict[Language, dict[str, str]] = {
    "en": {"larger": "It gets larger.", "smaller": "It gets smaller."},
    "zh": {"larger": "变大了。", "smaller": "变小了。"},
}
