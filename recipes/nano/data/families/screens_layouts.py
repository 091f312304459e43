"""The layouts of screens: editor, dialogs, settings, log-in, shop, files, mail, player, calculator, phones.

(source, language, split) -> lay_out -> Screen with its HTML and everything known about it
"""

from __future__ import annotations

import random
from collections.abc import Callable
from html import escape

from recipes.nano.data import texts
from recipes.nano.data.families.screens_pages import Fact, Screen, drawn
from recipes.nano.data.families.words_screens import (
    APPS,
    DIALOG_CHECKS,
    DIALOGS,
    FILES,
    FOLDERS,
    GOODS,
    ICON_BAR,
    MAIL_FOLDERS,
    MENUS,
    PAGES,
    SHORTCUTS,
    TOGGLES,
)
from recipes.nano.data.sample import Language, Split


def lay_out(source: random.Random, language: Language, split: Split) -> Screen:
    """A screen of a kind drawn at random."""
    screen = Screen(source.choice(tuple(LAYOUTS)), source, language, split)
    LAYOUTS[screen.kind](screen)
    return screen


def is_phone(kind: str) -> bool:
    """Whether a screen stands upright."""
    return kind in ("phone_settings", "chats", "phone_home", "player", "calculator")


def _editor(screen: Screen) -> None:
    source = screen.source
    name = source.choice(
        [one for one in FILES[screen.language] if one.rsplit(".", 1)[1] in ("txt", "docx", "md", "odt")] or FILES[screen.language]
    )
    opened = source.choice(("file", "edit_menu", "view", "insert", "", ""))
    heads = []
    for key, (english, chinese, _) in MENUS.items():
        mark = screen.add("item", screen.say(english, chinese), on=key == opened if opened else None)
        heads.append(f'<span class="item{" active" * (key == opened)}" data-id="{mark}">{screen.say(english, chinese)}</span>')
    menu = ""
    if opened:
        menu = (
            '<div class="menu card">'
            + "".join(_menu_line(screen, key) for key in MENUS[opened][2] if screen.words(key) not in screen.names)
            + "</div>"
        )
        listed = [one.name for one in screen.elements if one.command]
        screen.facts.append(Fact("menu", screen.say(*MENUS[opened][:2]), "\n".join(listed)))
    icons = [key for key in source.sample(ICON_BAR, source.randint(4, 9)) if screen.words(key) not in screen.names]
    tools = "".join(screen.icon(key, disabled=source.random() < 0.12) for key in icons)
    text = texts.paragraph(source, screen.language, screen.split, sentences=(2, 4))[:400]
    screen.html += [screen.bar(screen.heading(name, "b"), style="titlebar"), f'<div class="bar menubar">{"".join(heads)}</div>', menu]
    screen.html += [screen.bar(tools), f'<div class="sheet"><p>{escape(text)}</p></div>']


def _menu_line(screen: Screen, key: str) -> str:
    disabled = screen.source.random() < 0.18
    mark = screen.add("item", screen.words(key), command=key, disabled=disabled)
    short = f"Ctrl+{SHORTCUTS[key]}" if key in SHORTCUTS else ""
    if short:
        screen.facts.append(Fact("shortcut", screen.words(key), short))
    return (
        f'<div class="item between{" off" * disabled}" data-id="{mark}">'
        f"<span>{escape(screen.words(key))}</span><span>{short}</span></div>"
    )


def _dialog(screen: Screen) -> None:
    source = screen.source
    english, chinese, message, message_zh, keys = source.choice(DIALOGS)
    said = screen.say(message, message_zh)
    screen.facts.append(Fact("message", "", said))
    check = (
        screen.mark_of("check", source.choice(DIALOG_CHECKS[screen.language]), on=source.random() < 0.5)
        if source.random() < 0.5
        else ""
    )
    order = source.sample(keys, len(keys))
    main = source.randrange(len(order))
    buttons = "".join(
        screen.button(key, primary=place == main, disabled=source.random() < 0.1 and place != main) for place, key in enumerate(order)
    )
    close = screen.icon("close") if source.random() < 0.5 else ""
    head = f'<div class="between">{screen.heading(screen.say(english, chinese), "h2")}{close}</div>'
    screen.html.append(
        f'<div class="middle"><div class="card dialog">{head}<p>{escape(said)}</p>{check}<div class="right">{buttons}</div></div></div>'
    )


def _settings(screen: Screen) -> None:
    source = screen.source
    pages = screen.pick(PAGES[screen.language], 4, 7)
    side = screen.tabs(pages, "item side", "tab")
    chosen = screen.facts[-1].answer
    lines = []
    for name in screen.pick(TOGGLES[screen.language], 3, 6):
        role = source.choice(("switch", "check"))
        lines.append(screen.mark_of(role, name, on=source.random() < 0.5, disabled=source.random() < 0.1))
    if source.random() < 0.6:
        lines.append(screen.choice(source.choice(("theme", "quality"))))
    buttons = screen.button("apply", primary=True, disabled=source.random() < 0.3) + screen.button(source.choice(("reset", "cancel")))
    main = f'<div class="grow"><h1>{escape(chosen)}</h1>{"".join(lines)}<div class="right">{buttons}</div></div>'
    bar = screen.bar(screen.icon("back"), screen.heading(screen.words("settings"), "b"), screen.icon("search"))
    screen.html += [bar, f'<div class="flex"><div class="sidebar">{side}</div>{main}</div>']


def _login(screen: Screen) -> None:
    source, language = screen.source, screen.language
    name = source.choice((texts.email(source, language), texts.phone(source, language), ""))
    first = screen.entry(screen.say("Email or phone", "邮箱或手机号"), name)
    second = screen.entry(screen.say("Password", "密码"), texts.code(source, language) if name else "", secret=True)
    check = screen.mark_of("check", screen.say("Remember me", "记住我"), on=source.random() < 0.5)
    title = texts.company(source, language)
    buttons = screen.button("sign_in", primary=True, disabled=not name and source.random() < 0.5)
    links = screen.link("forgot") + screen.link("register")
    head = screen.heading(title, "h2")
    screen.html.append(
        f'<div class="middle"><div class="card dialog">{head}{first}{second}{check}<div class="stack">{buttons}</div>'
        f'<div class="between">{links}</div></div></div>'
    )


def _signup(screen: Screen) -> None:
    source, language = screen.source, screen.language
    fields = [
        ("Name", "姓名", texts.person),
        ("Email", "邮箱", texts.email),
        ("Phone", "手机号", texts.phone),
        ("City and street", "地址", texts.address),
    ]
    some = sorted(source.sample(range(4), source.randint(2, 4)))
    entries = [
        screen.entry(screen.say(*fields[place][:2]), "" if source.random() < 0.15 else fields[place][2](source, language))
        for place in some
    ]
    choice = screen.choice(source.choice(("payment", "delivery", "language")))
    agreed = source.random() < 0.5
    check = screen.mark_of("check", screen.say("I accept the terms", "我同意用户协议"), on=agreed)
    more = screen.mark_of("check", screen.say("Send me news by email", "接收邮件通知"), on=source.random() < 0.5)
    buttons = screen.button("register", primary=True, disabled=not agreed) + screen.button("cancel")
    title = screen.heading(
        screen.say(
            source.choice(("Create your account", "Join us", "New member")), source.choice(("创建账户", "新用户注册", "加入我们"))
        )
    )
    screen.html.append(f'<div class="pad">{title}{"".join(entries)}{choice}{check}{more}<div class="right">{buttons}</div></div>')


def _price(screen: Screen) -> str:
    amount = screen.source.randint(5, 900)
    return screen.say(f"${amount}.{screen.source.choice(('00', '50', '99', '95'))}", f"¥{amount}")


def _shop(screen: Screen) -> None:
    source, language = screen.source, screen.language
    tabs = screen.tabs(
        [*screen.pick(("New in", "Home", "Sale", "Sport") if language == "en" else ("新品", "家居", "特卖", "运动"), 3, 4)]
    )
    sent = source.choice(GOODS[language])
    screen.names.add(sent)  # what is searched for is not among the goods: its name would stand there twice
    search = screen.entry(screen.words("search"), sent if source.random() < 0.5 else "")
    cards = []
    for name in screen.pick(GOODS[language], 3, 8):
        price, stars = _price(screen), source.randint(1, 5)
        screen.facts += [Fact("price", name, price), Fact("stars", name, str(stars))]
        mark = screen.add("link", name)
        thumb = f'<div class="thumb" style="background:hsl({source.randrange(360)},45%,70%)"></div>'
        cards.append(
            f'<div class="card good" data-id="{mark}">{thumb}<div>{escape(name)}</div>'
            f"<div>{'★' * stars}{'☆' * (5 - stars)}</div><b>{price}</b></div>"
        )
    title = screen.heading(texts.company(source, language), "b")
    screen.facts.append(Fact("goods", "", str(len(cards))))
    screen.html += [
        screen.bar(title, screen.icon("user"), screen.icon("like"), screen.icon("cart")),
        f'<div class="pad">{search}<div class="tabs">{tabs}</div>',
    ]
    screen.html.append(
        f'<div class="between">{screen.button("filter")}{screen.button("sort")}</div><div class="goods">{"".join(cards)}</div></div>'
    )


def _product(screen: Screen) -> None:
    source, language = screen.source, screen.language
    name, price, count = source.choice(GOODS[language]), _price(screen), source.randint(1, 9)
    screen.facts += [Fact("price", name, price), Fact("value", screen.say("Quantity", "数量"), str(count))]
    choices = "".join(screen.choice(key) for key in source.sample(("size", "colour", "delivery"), source.randint(1, 2)))
    label = screen.say("Quantity", "数量")
    sold_out = source.random() < 0.2
    buttons = (
        screen.button("add_cart", primary=True, disabled=sold_out) + screen.button("buy", disabled=sold_out) + screen.icon("share")
    )
    note = screen.say("Out of stock", "缺货") if sold_out else screen.say("In stock", "有货")
    thumb = f'<div class="thumb big" style="background:hsl({source.randrange(360)},45%,70%)"></div>'
    text = escape(texts.sentence(source, language, screen.split)[:120])
    inner = (
        f"{screen.heading(name)}<p><b>{price}</b> · {note}</p>"
        f'<p>{text}</p>{choices}<p>{label}: <b>{count}</b></p><div class="row">{buttons}</div>'
    )
    screen.html += [
        screen.bar(screen.icon("menu"), screen.icon("search"), screen.icon("cart"), style="between"),
        f'<div class="flex pad">{thumb}<div class="grow">{inner}</div></div>',
    ]


def _phone_settings(screen: Screen) -> None:
    source = screen.source
    lines = [
        screen.mark_of("switch", name, on=source.random() < 0.5, disabled=source.random() < 0.1)
        for name in screen.pick(TOGGLES[screen.language], 5, 9)
    ]
    title = source.choice(PAGES[screen.language])
    screen.html += [
        _status(screen),
        screen.bar(screen.icon("back"), screen.heading(title, "b"), screen.icon("search")),
        f'<div class="pad card">{"".join(lines)}</div>',
    ]


def _chats(screen: Screen) -> None:
    source, language = screen.source, screen.language
    rows = []
    for name in dict.fromkeys(texts.person(source, language) for _ in range(source.randint(4, 7))):
        clock, unread = f"{source.randint(0, 23):02d}:{source.randint(0, 59):02d}", source.choice((0, 0, 1, 2, 3, 5, 12))
        last = texts.sentence(source, language, screen.split, **({} if language == "en" else {"traditional": False}))
        last = _cut(last, 22 if language == "en" else 12)
        mark = screen.add("link", name)
        screen.facts += [Fact("sent", name, clock), Fact("last", name, last), Fact("unread", name, str(unread))]
        badge = f'<span class="badge">{unread}</span>' if unread else ""
        face = f'<span class="face" style="background:hsl({source.randrange(360)},45%,60%)"></span>'
        rows.append(
            f'<div class="chat" data-id="{mark}">{face}<div class="grow"><b>{escape(name)}</b>'
            f'<div class="faint">{escape(last)}</div></div>'
            f'<div class="side-note"><span class="faint">{clock}</span>{badge}</div></div>'
        )
    head = screen.bar(screen.heading(screen.words("chats"), "b"), screen.icon("search"), screen.icon("add"))
    foot = screen.tabs([screen.words(key) for key in ("messages", "contacts", "user")])
    screen.html += [_status(screen), head, *rows, f'<div class="bar foot">{foot}</div>']


def _cut(text: str, most: int) -> str:
    """The beginning, as lists show it."""
    return text if len(text) <= most else text[: most - 1].strip() + "…"


def _phone_home(screen: Screen) -> None:
    source = screen.source
    apps = source.sample(APPS, source.randint(6, len(APPS)))
    cells = []
    for key in apps:
        mark = screen.add("app", screen.words(key), command=key)
        tint = f"hsl({source.randrange(360)},55%,{source.choice((35, 42, 48))}%)"
        cells.append(
            f'<div class="app" data-id="{mark}"><span class="tile" style="background:{tint}">{drawn(key)}</span>'
            f"<span>{escape(screen.words(key))}</span></div>"
        )
    screen.facts.append(Fact("apps", "", str(len(apps))))
    screen.html += [_status(screen), f'<div class="apps">{"".join(cells)}</div>']


def _status(screen: Screen) -> str:
    """The line at the top of a phone."""
    clock, charge = f"{screen.source.randint(0, 23):02d}:{screen.source.randint(0, 59):02d}", screen.source.randint(4, 100)
    screen.facts += [Fact("clock", "", clock), Fact("charge", "", f"{charge}%")]
    return f'<div class="status"><span>{clock}</span><span>{charge}%</span></div>'


def _files(screen: Screen) -> None:
    source, language = screen.source, screen.language
    folders = screen.pick(FOLDERS[language], 3, 6)
    side = screen.tabs(folders, "item side", "tab")
    rows = []
    names = screen.pick(FILES[language], 4, 8)
    chosen = source.choice((*names, ""))
    for name in names:
        size, day = f"{source.randint(1, 980)} {source.choice(('KB', 'MB'))}", texts.date(source, language)
        mark = screen.add("item", name, on=(name == chosen) if chosen else None)
        screen.facts += [Fact("size", name, size), Fact("day", name, day)]
        rows.append(
            f'<tr class="{"active" * (name == chosen)}" data-id="{mark}"><td>{escape(name)}</td><td>{size}</td><td>{day}</td></tr>'
        )
    if chosen:
        # Two things are highlighted then, and only "which file" tells them apart.
        screen.facts = [fact for fact in screen.facts if fact.task != "selected"]
        screen.facts.append(Fact("marked", "", chosen))
    tools = "".join(
        screen.icon(key, disabled=source.random() < 0.12)
        for key in source.sample(("new", "copy", "cut", "delete", "share", "upload", "download"), 4)
    )
    headings = (screen.say("Name", "名称"), screen.say("Size", "大小"), screen.say("Changed", "修改日期"))
    head = "<tr>" + "".join(f"<th>{heading}</th>" for heading in headings) + "</tr>"
    screen.html += [screen.bar(screen.icon("back"), screen.icon("forward"), screen.heading(screen.words("files"), "b"), tools)]
    screen.html.append(
        f'<div class="flex"><div class="sidebar">{side}</div><div class="grow"><table>{head}{"".join(rows)}</table></div></div>'
    )


def _player(screen: Screen) -> None:
    source, language = screen.source, screen.language
    artist, name = texts.person(source, language), texts.title(source, language, screen.split)[:24].strip()
    length = source.randint(120, 360)
    at = source.randint(3, length - 3)
    screen.facts += [
        Fact("artist", "", artist),
        Fact("length", "", f"{length // 60}:{length % 60:02d}"),
        Fact("played", "", f"{at // 60}:{at % 60:02d}"),
    ]
    above, below = source.randrange(360), source.randrange(360)
    shades = f"linear-gradient(hsl({above},60%,60%),hsl({below},60%,40%))"
    cover = f'<div class="thumb cover" style="background:{shades}"></div>'
    slide = f'<div class="slide"><div style="width:{100 * at / length:.0f}%"></div></div>'
    clocks = f'<div class="between faint"><span>{at // 60}:{at % 60:02d}</span><span>{length // 60}:{length % 60:02d}</span></div>'
    keys = "".join(screen.icon(key) for key in ("like", "previous", source.choice(("play", "pause")), "next", "mute"))
    inner = f'{cover}{screen.heading(name, "h2")}<p>{escape(artist)}</p>{slide}{clocks}<div class="between big-icons">{keys}</div>'
    screen.html += [screen.bar(screen.icon("back"), screen.icon("menu"), style="between"), f'<div class="pad">{inner}</div>']


def _mailbox(screen: Screen) -> None:
    source, language = screen.source, screen.language
    folders = screen.tabs(screen.pick(MAIL_FOLDERS[language], 4, 6), "item side", "tab")
    rows = []
    for name in dict.fromkeys(texts.person(source, language) for _ in range(source.randint(3, 6))):
        subject = texts.title(source, language, screen.split)[: 30 if language == "en" else 16].strip()
        day = f"{source.randint(1, 12)}/{source.randint(1, 28)}"
        mark = screen.add("link", name)
        screen.facts += [Fact("subject", name, subject), Fact("day", name, day)]
        rows.append(
            f'<div class="chat" data-id="{mark}"><div class="grow"><b>{escape(name)}</b>'
            f'<div>{escape(subject)}</div></div><span class="faint">{day}</span></div>'
        )
    tools = "".join(
        screen.icon(key, disabled=source.random() < 0.12)
        for key in source.sample(("edit", "delete", "search", "refresh", "print", "attach"), 4)
    )
    screen.facts.append(Fact("mails", "", str(len(rows))))
    screen.html += [
        screen.bar(screen.heading(screen.words("mail"), "b"), tools),
        f'<div class="flex"><div class="sidebar">{screen.button("compose", primary=True)}{folders}</div>',
    ]
    screen.html.append(f'<div class="grow">{"".join(rows)}</div></div>')


def _calculator(screen: Screen) -> None:
    one, two, sign = screen.source.randint(2, 999), screen.source.randint(2, 999), screen.source.choice("+−×")
    result = {"+": one + two, "−": one - two, "×": one * two}[sign]
    shown = str(result).replace("-", "−")
    screen.facts += [Fact("result", "", shown), Fact("sum", "", f"{one} {sign} {two}")]
    keys = []
    for name in ["C", "(", ")", "÷", "7", "8", "9", "×", "4", "5", "6", "−", "1", "2", "3", "+", "0", ".", "%", "="]:
        keys.append(f'<span class="btn key{" primary" * (name == "=")}" data-id="{screen.add("button", name)}">{name}</span>')
    screen.html.append(
        f'<div class="pad">{screen.heading(screen.words("calculator"), "b")}<div class="display">'
        f'<div class="faint">{one} {sign} {two} =</div><b>{shown}</b></div>'
    )
    screen.html.append(f'<div class="keys">{"".join(keys)}</div></div>')


LAYOUTS: dict[str, Callable[[Screen], None]] = {
    "editor": _editor,
    "dialog": _dialog,
    "settings": _settings,
    "login": _login,
    "signup": _signup,
    "shop": _shop,
    "product": _product,
    "phone_settings": _phone_settings,
    "chats": _chats,
    "phone_home": _phone_home,
    "files": _files,
    "player": _player,
    "mailbox": _mailbox,
    "calculator": _calculator,
}
