"""What watermarks say: names of agencies that don't exist, addresses of sites, copyright lines, SAMPLE; English and Chinese.

    (random source, split) -> text

Syllables and words of the test are not those of the training. No name of a real agency is in here.
"""

from __future__ import annotations

import random

from recipes.nano.data import texts
from recipes.nano.data.sample import Language, Split

SYLLABLES = {
    "train": "ba co de fi ga ho ju ka lo me ni po ra so ti va wo xe zu len mar dor pix vis lum tor",
    "test": "be cu da fo gi ha jo ke la mu ne pa ro se tu vi wa xo zi lan mer dur pax ves lom tar",
}
TRADES = {
    "train": "stock images photo pics art studio photography design press foto graphics vector",
    "test": "media gallery shots pictures creative snaps lens library",
}
ENDINGS = {"train": ".com .com .net .org .cn .co.uk", "test": ".com .io .de .com.cn .photo"}
WORDS = {"train": "SAMPLE PREVIEW DRAFT COPY CONFIDENTIAL PROOF TRIAL", "test": "SPECIMEN VOID WATERMARK DEMO EVALUATION"}
CHINESE_TRADES = {"train": "图库 摄影 图片网 设计 素材 影像 图网 视觉", "test": "图片社 创意 传媒 画廊 相册"}
CHINESE_WORDS = {"train": "样品 版权所有 禁止转载 仅供预览 内部资料 翻版必究", "test": "请勿盗图 样图 严禁复制 机密 原创作品"}
CHINESE_SHARE = 0.28


def mark_text(source: random.Random, split: Split) -> tuple[str, Language]:
    """A text and its language. Validation says what training says: it chooses thresholds, and the test is what is new."""
    part = "test" if split == "test" else "train"
    if source.random() < CHINESE_SHARE:
        return _chinese(source, split, part), "zh"
    return _english(source, split, part), "en"


def site(source: random.Random, split: Split) -> str:
    """An address of a site."""
    part = "test" if split == "test" else "train"
    return _site(source, part)


def _english(source: random.Random, split: Split, part: str) -> str:
    name = _name(source, part)
    way = source.random()
    if way < 0.3:
        return source.choice((name, name.upper(), name.lower(), name.title()))
    if way < 0.52:
        return _site(source, part)
    if way < 0.66:
        line = source.choice(("© {}", "(c) {}", "Copyright {}", "© {} {}", "Photo by {}", "@{}"))
        return line.format(name, source.randint(1998, 2026))
    if way < 0.8:
        return _pick(source, WORDS[part])
    if way < 0.9:
        return " ".join(texts.words(source, "en", split, source.randint(1, 3)))
    return f"{name} {source.randint(10**5, 10**9)}"


def _chinese(source: random.Random, split: Split, part: str) -> str:
    name = "".join(texts.words(source, "zh", split, 1))[:4]
    way = source.random()
    if way < 0.45:
        return name + _pick(source, CHINESE_TRADES[part])
    if way < 0.75:
        return _pick(source, CHINESE_WORDS[part])
    return source.choice(("@{}", "© {}", "{} 版权", "微博@{}", "公众号 {}")).format(name)


def _site(source: random.Random, part: str) -> str:
    bare = _name(source, part).lower().replace(" ", source.choice(("", "", "-"))) + _pick(source, ENDINGS[part])
    return source.choice(("www.{}", "{}", "{}", "http://{}")).format(bare)


def _name(source: random.Random, part: str) -> str:
    syllables = SYLLABLES[part].split()
    stem = "".join(source.choice(syllables) for _ in range(source.randint(2, 3))).capitalize()
    return stem if source.random() < 0.25 else f"{stem}{source.choice(('', ' '))}{_pick(source, TRADES[part])}"


def _pick(source: random.Random, words: str) -> str:
    return source.choice(words.split())
