"""What marks a text that describes no picture: boilerplate of web pages, placeholders, source code, damaged or cut-off text.

    caption -> is_boilerplate, is_placeholder, is_code, is_unreadable, is_truncated: bool

The kinds are those that the family's second stage removes; the lists are ours, English and Chinese, and prefer to miss than to take.
"""

from __future__ import annotations

import re
import unicodedata

_BOX_MARKS = re.compile(r"</?(?:image|img|video|ref|box|quad)>|\[\[[\d, ]*\]\]")  # the family's own marks are no code

_STRONG_BOILERPLATE = re.compile(
    r"page (?:not found|cannot be displayed|does not exist)|\b(?:error|http)[ :]*[45]\d\d\b|\b404 error|"
    r"access (?:is )?denied|403 forbidden|"
    r"internal server error|bad gateway|service unavailable|enable javascript|javascript is (?:disabled|required)|"
    r"(?:we|site|website) uses? cookies|accept (?:all )?cookies|all rights reserved|"
    r"terms (?:of (?:use|service)|and conditions)|privacy policy|"
    r"add to (?:cart|basket|wishlist)|forgot (?:your )?password|sign up for (?:our|the) newsletter|subscribe to our|"
    r"(?:image|photo|picture|video) (?:is )?(?:not|un)[ -]?available|no (?:image|photo|picture) available|"
    r"click (?:here|image|to) (?:to )?(?:enlarge|zoom|view|download)|"
    r"you (?:do not|don't) have permission|are you a robot|verify (?:that )?you are human|session (?:has )?expired|"
    r"页面不存在|无法访问|找不到(?:该|此|您)?.{0,6}(?:页面|网页)|版权所有|保留所有权利|隐私政策|服务条款|免责声明|加入购物车|忘记密码|请登录|点击(?:查看|下载|放大)|"
    r"暂无(?:图片|数据|内容)|图片(?:加载|不存在|已失效)|请(?:启用|开启) ?javascript",
    re.IGNORECASE,
)
_WEAK_BOILERPLATE = re.compile(
    r"\b(?:home|about(?: us)?|contact(?: us)?|faq|blog|shop|cart|checkout|log ?in|sign ?(?:in|up)|register|search|menu|share|tweet|"
    r"follow us|subscribe|newsletter|read more|learn more|view (?:all|more|details)|click here|next|previous|"
    r"prev|back to top|skip to content|"
    r"print|download|buy now|free shipping|in stock|loading|sitemap|help|careers|pinterest|facebook|twitter|instagram)\b|"
    r"首页|登录|注册|关于我们|联系我们|更多|下一页|上一页|返回|搜索|分享|关注|购物车|收藏|下载|导航",
    re.IGNORECASE,
)
_WEAK_SHARE = 0.6
"""Three words of a menu that fill this share of the letters make a menu; "menu of a blog shop" does not fill it."""

_PLACEHOLDER = re.compile(
    r"(?:an? |the |my |new |no )?(?:image|photo|picture|pic|img|photograph|thumbnail|logo|banner|icon|caption|"
    r"alt(?:[ -]text)?|title|description|text|"
    r"default|placeholder|untitled|unnamed|unknown|undefined|null|none|nan|n/?a|tbd|todo|test(?:ing)?|sample|"
    r"example|xxx+|asdf\w*|qwerty|blank|empty|file)"
    r"[ \-_#.]*\d*|"
    r"(?:img|dsc[fn]?|dscn?|image|photo|pict?|scan|screen ?shot|wp|pxl|mvi|p|capture)[ \-_]*[\d \-_:.()]{2,}(?:at [\d. :apm]+)?|"
    r"\S{1,200}\.(?:jpe?g|png|gif|webp|bmp|tiff?|svg|heic|pdf|html?|php|aspx?)|"
    r"[\W\d_]*|https?://\S+|www\.\S+|"
    r"(?:无标题|未命名|未知|图片|照片|图像|图|占位(?:符|图)?|测试|示例|默认|标题|描述|暂无)\d*",
    re.IGNORECASE,
)
_PLACEHOLDER_INSIDE = re.compile(
    r"lorem ipsum|\binsert .{1,30} here\b|\b(?:your|alt) (?:text|caption|title|name|ad) here\b|\{\{.{0,60}\}\}|"
    r"\{[a-z_]{2,30}\}|%\((?:\w+)\)s|\$\{\w+\}|"
    r"\[(?:image|photo|name|title|caption|insert)[^\]]{0,30}\]|此处(?:插入|添加|填写)",
    re.IGNORECASE,
)

_CODE = re.compile(
    r"</?(?:div|span|p|a|br|img|li|ul|td|tr|table|html|body|script|style|h[1-6]|input|meta|font|b|i|"
    r"strong)\b[^<>]{0,300}/?>|<!(?:--|doctype)|&(?:nbsp|lt|gt|quot|amp|#\d{2,5});|"
    r"\bfunction\s*\w*\s*\([^)]{0,80}\)\s*\{|\b(?:var|let|const)\s+\w+\s*=|\bdef\s+\w+\([^)]{0,80}\)\s*:|"
    r"#include\s*[<\"]|\bimport\s+[\w.]+;|"
    r"\b(?:public|private|protected)\s+(?:static\s+)?(?:void|int|class|string)\b|\bselect\s+.{1,80}\s+from\s+\w+\s+(?:where|limit|;)|"
    r"\bdocument\.(?:get|query|write)|\bconsole\.log\(|\bwindow\.\w+\s*[=(]|"
    r"[.#][\w-]+\s*\{[^}]{0,200}:[^}]{0,200};|\{\s*\"[\w-]+\"\s*:|"
    r"<\?php|<%[=@]|\bstd::\w+|\bprintf\(|\breturn\s+[\w.()]+;|\$\(\s*['\"]",
    re.IGNORECASE,
)
_CODE_SIGNS = frozenset("{}[]();<>=\\|$_#@^~`*/+&")
_CODE_SHARE, _CODE_LEAST = 0.18, 6

_MOJIBAKE = re.compile(
    r"Ã[\u0080-\u00bf©®ª¼¶¤±³º¡­¨´]|â€[\u0080-\u02ff™œ¦\u201c-\u201d]|ï¿½|Â[\u0080-\u00bf]|锟斤拷|烫烫烫|屯屯屯|"
    r"ä¸[\u0080-\u00ff]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}"
)
_SCRAMBLED = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}|(?=\w*\d)(?=\w*[a-z])[a-z\d]{12,}", re.IGNORECASE)
_SCRAMBLED_SHARE = 0.5

_CUT_OFF = re.compile(
    r"(?:\.\.\.|…|\[\.{2,}\]|\[…\]|&hellip;)\s*$|[,;(\[{<&+/\-–—“‘「《（、，；]\s*$|"
    r"\b(?:the|an|and|or|of|with|from|by|to|for|at|into|onto|its|their|his|her|your|our|my|is|are|was|were|"
    r"which|that|because|including|featuring|between)\s*$",
    re.IGNORECASE,
)
_PAIRS = (("(", ")"), ("[", "]"), ("“", "”"), ("「", "」"), ("《", "》"), ("（", "）"))


def is_boilerplate(text: str) -> bool:
    """Error pages, legal lines, shop buttons, menus."""
    if _STRONG_BOILERPLATE.search(text):
        return True
    weak = _WEAK_BOILERPLATE.findall(text)
    letters = sum(character.isalnum() for character in text)
    covered = sum(character.isalnum() for each in weak for character in each)
    return len({each.casefold() for each in weak}) >= 3 and covered >= _WEAK_SHARE * letters


def is_placeholder(text: str) -> bool:
    """A file name, "untitled", "image 12", an address, a template that was never filled in; also a text without any letter."""
    plain = _plain(text)
    return _PLACEHOLDER.fullmatch(plain.rstrip(" .!")) is not None or _PLACEHOLDER_INSIDE.search(plain) is not None


def is_code(text: str) -> bool:
    """Markup or source code, by its words or by the share of its signs."""
    plain = _plain(text)
    if _CODE.search(plain):
        return True
    signs = sum(character in _CODE_SIGNS for character in plain)
    return signs >= _CODE_LEAST and signs >= _CODE_SHARE * len(plain)


def is_unreadable(text: str) -> bool:
    """Wrongly decoded text, control and private characters, or mostly scrambled words."""
    if "\ufffd" in text or _MOJIBAKE.search(text):
        return True
    if any(unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") and character not in "\n\r\t" for character in text):
        return True
    scrambled = sum(len(each[0]) for each in _SCRAMBLED.finditer(text))
    return scrambled > _SCRAMBLED_SHARE * max(1, sum(character.isalnum() for character in text))


def is_truncated(text: str) -> bool:
    """Ends in dots, a comma, an open bracket or a word that needs another one."""
    plain = _plain(text).strip()
    opens = any(plain.count(opening) > plain.count(closing) for opening, closing in _PAIRS)
    return bool(plain) and (opens or _CUT_OFF.search(plain) is not None)


def _plain(text: str) -> str:
    return _BOX_MARKS.sub(" ", text).strip()
