"""Ways to ask about formulas, in English and Chinese, by task. Blanks: {number} {row} {column} {sign}."""

from __future__ import annotations

from recipes.nano.data.sample import Language

Phrases = dict[str, dict[Language, tuple[str, ...]]]

PHRASES: Phrases = {
    "transcribe": {
        "en": (
            "Write the formula in LaTeX.",
            "Transcribe this formula to LaTeX.",
            "What is the LaTeX code of this formula?",
            "Convert the formula to LaTeX.",
            "Give the LaTeX for the expression.",
            "LaTeX, please.",
            "How would I type this in LaTeX?",
            "Read the equation as LaTeX.",
            "Turn the picture into LaTeX code.",
            "Recognise the formula.",
        ),
        "zh": (
            "用LaTeX写出这个公式。",
            "把公式转成LaTeX。",
            "这个公式的LaTeX代码是什么？",
            "识别图中的公式。",
            "请给出该式的LaTeX。",
            "这个式子用LaTeX怎么写？",
            "将图片中的公式转换为LaTeX代码。",
            "读出公式，用LaTeX表示。",
        ),
    },
    "transcribe_numbered": {
        "en": (
            "Write formula ({number}) in LaTeX.",
            "What is formula ({number})? Use LaTeX.",
            "Give equation ({number}) as LaTeX.",
            "Transcribe number ({number}) to LaTeX.",
            "LaTeX of ({number})?",
        ),
        "zh": (
            "用LaTeX写出公式({number})。",
            "公式({number})是什么？用LaTeX表示。",
            "给出式({number})的LaTeX。",
            "将式({number})转成LaTeX。",
            "({number})式的LaTeX是什么？",
        ),
    },
    "left": {
        "en": (
            "What is on the left side of the equals sign?",
            "Give the left-hand side in LaTeX.",
            "Write the left side of the equation.",
        ),
        "zh": ("等号左边是什么？", "用LaTeX写出左边。", "等式的左边是什么？"),
    },
    "right": {
        "en": (
            "What is on the right side of the equals sign?",
            "Give the right-hand side in LaTeX.",
            "Write the right side of the equation.",
        ),
        "zh": ("等号右边是什么？", "用LaTeX写出右边。", "等式的右边是什么？"),
    },
    "numerator": {
        "en": ("What is the numerator?", "What stands above the fraction bar?", "Give the numerator of the fraction in LaTeX."),
        "zh": ("分子是什么？", "分数线上面是什么？", "用LaTeX写出分子。"),
    },
    "denominator": {
        "en": ("What is the denominator?", "What stands below the fraction bar?", "Give the denominator of the fraction in LaTeX."),
        "zh": ("分母是什么？", "分数线下面是什么？", "用LaTeX写出分母。"),
    },
    "lower": {
        "en": (
            "What is the lower limit?",
            "What stands below the {sign}?",
            "Give the lower limit of the {sign}.",
            "Where does the {sign} start?",
        ),
        "zh": ("下限是什么？", "{sign}的下限是多少？", "{sign}从哪里开始？", "{sign}下面写的是什么？"),
    },
    "upper": {
        "en": (
            "What is the upper limit?",
            "What stands above the {sign}?",
            "Give the upper limit of the {sign}.",
            "Where does the {sign} end?",
        ),
        "zh": ("上限是什么？", "{sign}的上限是多少？", "{sign}到哪里为止？", "{sign}上面写的是什么？"),
    },
    "under_root": {
        "en": (
            "What is under the root?",
            "What is the radicand?",
            "What does the root sign cover?",
            "Give what is under the root in LaTeX.",
        ),
        "zh": ("根号下是什么？", "被开方数是什么？", "根号里面写的是什么？", "用LaTeX写出根号下的部分。"),
    },
    "contains": {
        "en": ("Does the formula contain {sign}?", "Is there {sign} in the formula?", "Do you see {sign}?"),
        "zh": ("公式里有{sign}吗？", "式子中是否含有{sign}？", "图中有没有{sign}？"),
    },
    "size": {
        "en": (
            "How many rows and columns does the matrix have?",
            "What is the size of the matrix?",
            "Give rows x columns of the matrix.",
            "What are the dimensions of this matrix?",
        ),
        "zh": ("矩阵有几行几列？", "矩阵的大小是多少？", "这个矩阵是几乘几的？", "给出矩阵的行数和列数。"),
    },
    "entry": {
        "en": (
            "What is the entry in row {row}, column {column}?",
            "What stands in row {row} and column {column}?",
            "Read row {row}, column {column}.",
            "Give the element at ({row}, {column}).",
        ),
        "zh": (
            "第{row}行第{column}列是什么？",
            "矩阵第{row}行第{column}列的元素是什么？",
            "读出第{row}行、第{column}列。",
            "({row},{column})处的元素是多少？",
        ),
    },
    "count": {
        "en": ("How many formulas are there?", "Count the equations.", "How many numbered formulas does the picture show?"),
        "zh": ("图中有几个公式？", "数一数有几个式子。", "一共有多少个编号的公式？"),
    },
    "locate": {
        "en": (
            "Where is <ref>formula ({number})</ref>?",
            "Locate <ref>formula ({number})</ref>.",
            "Give the box of <ref>formula ({number})</ref>.",
        ),
        "zh": ("<ref>公式({number})</ref>在哪里？", "框出<ref>公式({number})</ref>。", "请给出<ref>公式({number})</ref>的位置。"),
    },
    "name": {
        "en": ("What is this formula called?", "Which formula is this?", "What is the name of this formula?", "Name the formula."),
        "zh": ("这个公式叫什么？", "这是什么公式？", "该公式的名称是什么？", "说出公式的名字。"),
    },
}
REFUSALS: dict[Language, tuple[str, ...]] = {
    "en": ("The picture does not show that.", "That is not in the picture.", "There is no such thing in the picture."),
    "zh": ("图中没有。", "图里没有这个。", "图中没有显示。"),
}
# mark in LaTeX -> how to speak of it: with an article, and bare
SIGNS: dict[str, dict[Language, tuple[str, str]]] = {
    r"\int": {"en": ("an integral", "integral"), "zh": ("积分号", "积分")},
    r"\sum": {"en": ("a sum sign", "sum"), "zh": ("求和符号", "求和")},
    r"\prod": {"en": ("a product sign", "product"), "zh": ("连乘符号", "连乘")},
    r"\sqrt": {"en": ("a root", "root"), "zh": ("根号", "根号")},
    r"\frac": {"en": ("a fraction", "fraction"), "zh": ("分数", "分数")},
    r"\lim": {"en": ("a limit", "limit"), "zh": ("极限", "极限")},
    r"\begin": {"en": ("a matrix or cases", "matrix"), "zh": ("矩阵或分段", "矩阵")},
}
