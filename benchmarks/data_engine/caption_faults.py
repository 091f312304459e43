"""What can be wrong with a caption: too short, too long, repeated, boilerplate, a placeholder, source code.

    (random source, caption, other captions) -> the bad caption

Each kind is a handful of forms with parts that vary, as pages of the web have them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

CaptionFault = Callable[[random.Random, str, Sequence[str]], str]
_SITES = ("Flavora", "PixelBarn", "ShopLane", "MegaNews24", "Artwork Depot", "小站", "Kunstblatt")
_SECTIONS = ("Home", "About us", "Products", "Contact", "Blog", "Careers", "Gallery", "News", "Shop", "Help", "Sitemap", "Login")


def too_short(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """A letter or two, or nothing."""
    return source.choice(("", "-", "a", "x", "1", "?", "ok", "图", "42", "..", "B", "ja"))


def too_long(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """Stuffed with what other pictures are called: some thousand characters."""
    words, length = [caption], source.randint(1500, 8000)
    while sum(map(len, words)) < length:
        words.append(source.choice(others))
    return source.choice((", ", " | ", " ")).join(words)


def repeated(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """One word, or the whole caption, again and again."""
    times = source.randint(5, 14)
    word = source.choice(caption.split() or [caption])
    joint = source.choice((" ", ", ", " "))
    return joint.join([word if source.random() < 0.5 and len(word) > 2 else caption] * times)


def boilerplate(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """Menus, notices of rights and cookies, error pages, calls to click."""
    site, year = source.choice(_SITES), source.randint(2004, 2025)
    menu = source.sample(_SECTIONS, source.randint(4, 8))
    forms = (
        source.choice((" | ", " > ", " » ", " · ")).join(menu),
        f"Copyright © {year} {site}. All rights reserved.",
        f"© {year} {site} - Privacy Policy - Terms of Use",
        "Click here to enlarge the image",
        "Click on the picture to view a larger version",
        f"This website uses cookies to ensure you get the best experience on {site}. Accept all cookies",
        "404 Not Found: the page you requested could not be found",
        "Error 503 Service Unavailable. Please try again later.",
        f"Sign in to {site} to continue reading. Forgot your password?",
        "Please enable JavaScript in your browser to view this content",
        f"Subscribe to our newsletter and get {source.choice((5, 10, 15))}% off your next order",
        "Add to cart | Add to wishlist | Compare",
        f"Share on Facebook Share on Twitter Pin it Email {site}",
        "点击图片查看大图",
        f"版权所有 © {year} {site} 未经许可不得转载",
        "您的浏览器不支持该内容，请升级浏览器",
        "首页 | 关于我们 | 产品中心 | 联系我们",
        "Access denied. You don't have permission to access this resource.",
    )
    return source.choice(forms)


def placeholder(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """What stands where nobody wrote a caption."""
    number = source.randint(1, 9999)
    forms = (
        f"IMG_{number:04d}.JPG",
        f"DSC{number:05d}",
        f"image{number % 100}.png",
        f"screenshot {source.randint(2012, 2025)}-0{number % 9 + 1}-1{number % 10} at 09.{number % 60:02d}.11.png",
        "Untitled",
        f"Untitled-{number % 30}",
        "image description",
        "[image]",
        "No caption available",
        "Insert caption here",
        "Your text here",
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit",
        "placeholder image",
        "{{ image.alt }}",
        "%PRODUCT_NAME%",
        "${title}",
        "null",
        "undefined",
        "N/A",
        "图片",
        "暂无描述",
        "默认图片",
        f"photo-{number}-{number * 7919 % 100000}.jpg",
        f"thumb_{number}_{source.choice((200, 320, 640))}x{source.choice((150, 240, 480))}",
    )
    return source.choice(forms)


def source_code(source: random.Random, caption: str, others: Sequence[str]) -> str:
    """Pieces of pages and programs that a scraper took for text."""
    name = "".join(source.choices("abcdefghijklmnop", k=5))
    number = source.randint(2, 800)
    forms = (
        f'<div class="{name}"><a href="/p/{number}"><img src="{name}.jpg" width="{number}"></a></div>',
        f"function {name}(e) {{ var t = document.getElementById('{name}'); return t ? t.value : {number}; }}",
        f".{name} {{ margin: 0 auto; width: {number}px; background-color: #fff; display: inline-block; }}",
        f"def {name}(self, value):\n    if value is None:\n        return {number}\n    return self._{name}[value]",
        f"SELECT id, {name} FROM products WHERE price > {number} ORDER BY {name} DESC;",
        f'{{"id": {number}, "{name}": null, "tags": [], "visible": true, "src": "/img/{name}.png"}}',
        f'#include <stdio.h>\nint main(void) {{ printf("%d\\n", {number}); return 0; }}',
        f"$('#{name}').on('click', function() {{ $(this).toggleClass('active'); }});",
        f"<?php echo $this->get_{name}({number}); ?>",
        f"import {name} from './{name}.js'; const x = {name}.map((i) => i * {number});",
        f"&lt;p style=&quot;width:{number}px&quot;&gt;{name}&lt;/p&gt;",
        f"for (int i = 0; i < {number}; ++i) {{ {name}[i] += 1; }}",
    )
    return source.choice(forms)


CAPTION_FAULTS: dict[str, CaptionFault] = {
    "caption_too_short": too_short,
    "caption_too_long": too_long,
    "caption_repeated": repeated,
    "caption_boilerplate": boilerplate,
    "caption_placeholder": placeholder,
    "caption_source_code": source_code,
}
