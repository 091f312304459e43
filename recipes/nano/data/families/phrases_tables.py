"""Wordings of questions about tables.

    phrase(source, task, language, **slots) -> a question

{row}, {other}: names of rows; {column}: a column's name; {key}: what rows are ("Product"); {value}: a cell; {name}: what to find.
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language

PHRASES: dict[str, dict[Language, tuple[str, ...]]] = {
    "cell": {
        "en": (
            "What is the {column} of {row}?",
            "What does the table give as {column} for {row}?",
            "{row}: what is the {column}?",
            "Look up the {column} of {row}.",
            'What value is in the row "{row}" and the column "{column}"?',
            "{column} of {row}?",
            "Read the {column} for {row} from the table.",
            "Find {row} and tell me its {column}.",
        ),
        "zh": (
            "{row}的{column}是多少？",
            "表中{row}的{column}是什么？",
            "查一下{row}的{column}。",
            "“{row}”行、“{column}”列的内容是什么？",
            "{row}，{column}？",
            "请读出{row}的{column}。",
            "找到{row}，它的{column}是多少？",
        ),
    },
    "find": {
        "en": (
            "Which {key} has {value} as its {column}?",
            'In which row is the {column} "{value}"?',
            "Whose {column} is {value}?",
            "Which row has a {column} of {value}?",
            "Find the {key} with {column} {value}.",
        ),
        "zh": (
            "哪个{key}的{column}是{value}？",
            "{column}为{value}的是哪一行？",
            "谁的{column}是{value}？",
            "{column}等于{value}的{key}是哪个？",
        ),
    },
    "max": {
        "en": (
            "Which {key} has the highest {column}?",
            "Which row has the largest {column}?",
            "Which {key} leads in {column}?",
            "Where is the {column} greatest?",
            "Name the {key} with the maximum {column}.",
            "Top {key} by {column}?",
        ),
        "zh": (
            "哪个{key}的{column}最高？",
            "{column}最大的是哪个{key}？",
            "哪一行的{column}最大？",
            "{column}最多的{key}是？",
            "按{column}排第一的是谁？",
        ),
    },
    "min": {
        "en": (
            "Which {key} has the lowest {column}?",
            "Which row has the smallest {column}?",
            "Where is the {column} least?",
            "Name the {key} with the minimum {column}.",
            "Which {key} comes last by {column}?",
        ),
        "zh": (
            "哪个{key}的{column}最低？",
            "{column}最小的是哪个{key}？",
            "哪一行的{column}最小？",
            "{column}最少的{key}是？",
            "按{column}排最后的是谁？",
        ),
    },
    "max_value": {
        "en": (
            "What is the highest {column}?",
            "What is the largest value in the column {column}?",
            "What is the maximum {column}?",
            "Highest {column} in the table?",
        ),
        "zh": ("最高的{column}是多少？", "“{column}”一列的最大值是多少？", "{column}最大是多少？", "{column}的最大值？"),
    },
    "min_value": {
        "en": (
            "What is the lowest {column}?",
            "What is the smallest value in the column {column}?",
            "What is the minimum {column}?",
            "Lowest {column} in the table?",
        ),
        "zh": ("最低的{column}是多少？", "“{column}”一列的最小值是多少？", "{column}最小是多少？", "{column}的最小值？"),
    },
    "sum": {
        "en": (
            "What is the {column} of {row} and {other} together?",
            "Add up the {column} of {row} and {other}.",
            "What is the sum of the {column} of {row} and {other}?",
            "{row} plus {other}: what is the {column}?",
        ),
        "zh": (
            "{row}和{other}的{column}一共是多少？",
            "把{row}与{other}的{column}相加是多少？",
            "{row}加{other}的{column}总和是多少？",
            "{row}、{other}的{column}合计？",
        ),
    },
    "total": {
        "en": (
            "What is the total {column}?",
            "Add up the column {column}.",
            "What do all the rows of {column} add up to?",
            "What is the sum of the column {column}?",
        ),
        "zh": ("{column}总共是多少？", "“{column}”一列的总和是多少？", "把{column}全部加起来是多少？", "{column}合计多少？"),
    },
    "difference": {
        "en": (
            "How much higher is the {column} of {row} than that of {other}?",
            "What is the difference in {column} between {row} and {other}?",
            "By how much do {row} and {other} differ in {column}?",
            "{column}: {row} minus {other}?",
        ),
        "zh": (
            "{row}的{column}比{other}高多少？",
            "{row}和{other}的{column}相差多少？",
            "{column}：{row}减{other}等于多少？",
            "{row}的{column}与{other}差多少？",
        ),
    },
    "compare": {
        "en": (
            "Which has the higher {column}, {row} or {other}?",
            "Is the {column} greater for {row} or for {other}?",
            "{row} or {other}: whose {column} is larger?",
            "Compare {row} and {other}: which has more {column}?",
        ),
        "zh": (
            "{row}和{other}，哪个的{column}更高？",
            "{row}与{other}谁的{column}更大？",
            "比较{row}和{other}，{column}较大的是哪个？",
            "{column}更高的是{row}还是{other}？",
        ),
    },
    "above": {
        "en": (
            "How many rows have a {column} above {value}?",
            "In how many rows is the {column} more than {value}?",
            "Count the rows whose {column} is greater than {value}.",
            "How many have a {column} over {value}?",
        ),
        "zh": (
            "{column}大于{value}的有几行？",
            "有多少个{key}的{column}超过{value}？",
            "数一数{column}高于{value}的行数。",
            "几个{key}的{column}比{value}大？",
        ),
    },
    "alike": {
        "en": (
            'How many rows have "{value}" as {column}?',
            'Count the rows with the {column} "{value}".',
            'How often does "{value}" occur in the column {column}?',
        ),
        "zh": ("{column}为“{value}”的有几行？", "“{column}”一列中“{value}”出现几次？", "有几个{key}的{column}是“{value}”？"),
    },
    "rows": {
        "en": (
            "How many rows does the table have, without the header?",
            "Count the rows below the header.",
            "How many {key} entries are listed?",
            "How many rows of data are there?",
        ),
        "zh": ("不算表头，表格有几行？", "表中列了多少个{key}？", "数一数有几行数据。", "表头下面有多少行？"),
    },
    "columns": {
        "en": ("How many columns does the table have?", "Count the columns.", "How many columns are there in all?"),
        "zh": ("表格有几列？", "一共有多少列？", "数一数列数。"),
    },
    "headings": {
        "en": (
            "What are the column headings?",
            "List the headings of the columns.",
            "Which columns does the table have?",
            "Read the header row.",
        ),
        "zh": ("各列的标题是什么？", "列出表头。", "表格有哪些列？", "读出表头这一行。"),
    },
    "names": {
        "en": (
            "List everything in the column {key}.",
            "What are the entries of the first column, {key}?",
            "Which rows are there? Read the column {key}.",
        ),
        "zh": ("列出“{key}”一列的全部内容。", "“{key}”列有哪些？", "逐行读出“{key}”这一列。"),
    },
    "row": {
        "en": (
            'Read the row "{row}".',
            "What are all the values for {row}?",
            "Give me the whole row of {row}.",
            "Read out the line {row}.",
        ),
        "zh": ("读出“{row}”这一行。", "{row}的各项数值是什么？", "把{row}整行读出来。", "“{row}”行写了什么？"),
    },
    "title": {
        "en": ("What is the title of the table?", "What is the table about?", "Read the caption.", "What is written above the table?"),
        "zh": ("表格的标题是什么？", "这张表是关于什么的？", "读出表名。", "表格上方写的是什么？"),
    },
    "group": {
        "en": (
            'Which columns stand under "{name}"?',
            "What columns does the heading {name} cover?",
            'List the columns below "{name}".',
        ),
        "zh": ("“{name}”下面有哪些列？", "表头“{name}”包含哪几列？", "列出“{name}”之下的各列。"),
    },
    "block": {
        "en": ("Which {name} does {row} belong to?", "In which {name} is {row}?", "{row}: which {name}?"),
        "zh": ("{row}属于哪个{name}？", "{row}在哪个{name}？", "{row}的{name}是什么？"),
    },
    "block_rows": {
        "en": ("How many rows belong to {name}?", "Count the rows of {name}.", "How many entries does {name} have?"),
        "zh": ("{name}有几行？", "属于{name}的有几个？", "数一数{name}的行数。"),
    },
    "markdown": {
        "en": (
            "Transcribe the table as Markdown.",
            "Turn this table into a Markdown table.",
            "Write the table in Markdown.",
            "Convert the table to Markdown.",
        ),
        "zh": ("把表格转成 Markdown。", "用 Markdown 写出这张表。", "将表格转换为 Markdown 格式。", "请以 Markdown 表格的形式抄写。"),
    },
    "html": {
        "en": (
            "Transcribe the table as HTML.",
            "Turn this table into HTML.",
            "Write the HTML of the table.",
            "Convert the table to HTML.",
        ),
        "zh": ("把表格转成 HTML。", "用 HTML 写出这张表。", "将表格转换为 HTML。", "写出这张表的 HTML 代码。"),
    },
    "where": {
        "en": (
            "Where is <ref>{name}</ref>?",
            "Find <ref>{name}</ref> in the table.",
            "Give the box of <ref>{name}</ref>.",
            "Mark <ref>{name}</ref>.",
        ),
        "zh": ("<ref>{name}</ref>在哪里？", "在表中找出<ref>{name}</ref>。", "给出<ref>{name}</ref>的框。", "框出<ref>{name}</ref>。"),
    },
    "at": {
        "en": (
            "What is in the cell <box>{box}</box>?",
            "Read the cell at <box>{box}</box>.",
            "Which value stands in <box>{box}</box>?",
        ),
        "zh": ("单元格<box>{box}</box>里是什么？", "读出<box>{box}</box>处的单元格。", "<box>{box}</box>里的值是多少？"),
    },
    "the_row": {"en": ("the row {row}",), "zh": ("{row}这一行",)},
    "the_cell": {"en": ("the {column} of {row}",), "zh": ("{row}的{column}",)},
}


def phrase(source: random.Random, task: str, language: Language, **slots: object) -> str:
    """A question for a task, worded at random."""
    return source.choice(PHRASES[task][language]).format(**slots)
