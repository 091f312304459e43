"""Questions whose right answer is that it isn't there. Only for pages of which every line is known.

complete PageText without "@" -> "What is the e-mail address?" -> "There is no e-mail address in the picture."
"""

from __future__ import annotations

import re

from internvl.pipelines.ocr.ask import Ask, squeezed
from internvl.pipelines.ocr.config import OcrConfig
from internvl.pipelines.ocr.line import PageText

# What even a part of such a thing would show; the page must be free of it.
_TRACES = {
    "email": re.compile(r"@|e-?mail|邮箱|邮件", re.IGNORECASE),
    "url": re.compile(r"http|www|://|\.(?:com|org|net|cn|edu|gov|io|de)\b|网址", re.IGNORECASE),
    "phone": re.compile(r"\+\d|\d[\d\s()./-]{4,}\d|tel|phone|fax|mobile|call|电话|手机|传真", re.IGNORECASE),
    "date": re.compile(
        r"\d{4}|\d\s?[/.-]\s?\d|\d\s?[年月日]|[年月日号]|date|日期|january|february|march|april|may|june|july|august|sept|octo|novem|decem",
        re.IGNORECASE,
    ),
}
LABELS = {
    "en": (
        "Total",
        "Invoice number",
        "Address",
        "Price",
        "Discount",
        "Author",
        "Weight",
        "Opening hours",
        "Model",
        "Size",
        "Due date",
        "Name",
    ),
    "zh": ("合计", "发票号码", "地址", "价格", "折扣", "作者", "重量", "营业时间", "型号", "尺寸", "有效期", "姓名"),
}
WORDS = {
    "en": (
        "EXIT",
        "Open",
        "Sale",
        "Welcome",
        "Warning",
        "Table of contents",
        "Password",
        "Airport",
        "Chapter 12",
        "Hotel",
        "Thank you",
        "Free",
    ),
    "zh": ("出口", "营业中", "促销", "欢迎光临", "注意安全", "目录", "密码", "机场", "第十二章", "酒店", "谢谢", "免费"),
}


def absent(page: PageText, config: OcrConfig) -> list[Ask]:
    """What the page doesn't have, of things that pages often have. Empty unless the page is complete."""
    if not page.complete:
        return []
    everything = squeezed(" ".join(line.text for line in page.lines))
    raw = "\n".join(line.text for line in page.lines)
    found = [Ask(f"no_{form}", "") for form, trace in _TRACES.items() if not trace.search(raw)]
    language = "zh" if page.language == "zh" else "en"
    for form, name, words in (("no_label", "label", LABELS[language]), ("no_text", "text", WORDS[language])):
        found += [Ask(form, "", {name: word}) for word in words if not _has_part(everything, word)]
    return found


def _has_part(everything: str, word: str) -> bool:
    """Whether any part of a word or phrase is there: one that is cut, bent or in another order is no clear absence."""
    pieces = word.split() if word.isascii() else [word[start : start + 2] for start in range(len(word) - 1)]
    return any(squeezed(piece) in everything for piece in pieces)
