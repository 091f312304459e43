"""Wordings of questions about screens.

    phrase(source, task, language, **slots) -> a question

{name}: what is written on an element; {role}: "button"; {purpose}: what a command is for, "save the changes"; {box}: a place.
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language

YES: dict[Language, str] = {"en": "Yes.", "zh": "是的。"}
NO: dict[Language, str] = {"en": "No.", "zh": "没有。"}
CAN: dict[Language, str] = {"en": "Yes.", "zh": "可以。"}
CANNOT: dict[Language, str] = {"en": "No.", "zh": "不可以。"}
PURPOSE: dict[Language, str] = {"en": "To {}.", "zh": "用来{}。"}


def _pair(english: str, chinese: str) -> dict[Language, tuple[str, ...]]:
    return {"en": tuple(english.split("|")), "zh": tuple(chinese.split("|"))}


PHRASES: dict[str, dict[Language, tuple[str, ...]]] = {
    "where": _pair(
        "Where is <ref>{name}</ref>?|Find <ref>{name}</ref> on the screen.|Give the box of <ref>{name}</ref>.|Locate <ref>{name}</ref>."
        "|Show me where <ref>{name}</ref> is.|Point to <ref>{name}</ref>.|Mark <ref>{name}</ref>.",
        "<ref>{name}</ref>在哪里？|在屏幕上找出<ref>{name}</ref>。|给出<ref>{name}</ref>的框。|定位<ref>{name}</ref>。"
        "|指出<ref>{name}</ref>的位置。|框出<ref>{name}</ref>。",
    ),
    "click": _pair(
        "Where do I click to {purpose}?|I want to {purpose}. Where should I click?"
        "|Which place do I tap to {purpose}?|How can I {purpose} here? Show the element."
        "|What must I press to {purpose}? Give its box.|Click to {purpose}: where?",
        "要{purpose}应该点哪里？|我想{purpose}，点哪儿？|想{purpose}，请指出要点击的位置。|在这里怎样{purpose}？给出要点的地方。|点击哪个位置可以{purpose}？",
    ),
    "which": _pair(
        "Which element lets me {purpose}?|What do I click to {purpose}? Just its name."
        "|Name the element to {purpose}.|What is the control called that serves to {purpose}?",
        "哪个控件可以{purpose}？|要{purpose}，点的是哪一个？只说名称。|用来{purpose}的控件叫什么？|说出可以{purpose}的那一项的名称。",
    ),
    "at": _pair(
        "What is at <box>{box}</box>?|Name the element in <box>{box}</box>."
        "|Which element is at <box>{box}</box>?|What is the element <box>{box}</box> called?",
        "<box>{box}</box>处是什么？|说出<box>{box}</box>里的控件名称。|<box>{box}</box>是哪个控件？|位于<box>{box}</box>的元素叫什么？",
    ),
    "purpose": _pair(
        "What is the {role} {name} for?|What does the {role} {name} do?|Why would I click {name}?|What happens with the {role} {name}?",
        "{role}“{name}”是做什么用的？|“{name}”这个{role}有什么作用？|点“{name}”可以做什么？|{role}“{name}”的功能是什么？",
    ),
    "purpose_at": _pair(
        "What is the element at <box>{box}</box> for?|What does the icon at <box>{box}</box> do?"
        "|What can I do with the element in <box>{box}</box>?",
        "<box>{box}</box>处的控件是做什么用的？|<box>{box}</box>的图标有什么作用？|点<box>{box}</box>可以做什么？",
    ),
    "role": _pair(
        'What kind of control is "{name}"?|What type of element is {name}?|Is "{name}" a button, a check box or something else?',
        "“{name}”是哪种控件？|{name}属于什么类型的控件？|“{name}”是按钮、复选框还是别的？",
    ),
    "checked": _pair(
        "Which check boxes are ticked?|What is checked?|List the check boxes that are on.|Which boxes have a tick?",
        "哪些复选框被勾选了？|勾选了什么？|列出已勾选的复选框。|哪些框打了勾？",
    ),
    "switches": _pair(
        "Which switches are on?|What is switched on?|List everything that is turned on.|Which settings have their switch on?",
        "哪些开关是打开的？|打开了哪些开关？|列出所有已开启的开关。|哪些设置处于开启状态？",
    ),
    "switches_off": _pair(
        "Which switches are off?|What is switched off?|List the switches that are turned off.",
        "哪些开关是关着的？|关闭了哪些开关？|列出所有已关闭的开关。",
    ),
    "is_on": _pair(
        "Is {name} on?|Is {name} switched on?|Is {name} turned on?|Has {name} been turned on?",
        "{name}打开了吗？|{name}是开着的吗？|{name}开启了没有？",
    ),
    "is_checked": _pair(
        'Is "{name}" checked?|Is the box "{name}" ticked?|Has "{name}" been ticked?',
        "“{name}”勾选了吗？|“{name}”打勾了没有？|“{name}”被选上了吗？",
    ),
    "chosen": _pair(
        "Which {name} is chosen?|What is selected for {name}?|Which option is selected under {name}?|{name}: which one is picked?",
        "{name}选的是哪一项？|“{name}”选中了什么？|“{name}”下面选择的是什么？|选择了哪种{name}？",
    ),
    "selected": _pair(
        "Which tab or page is selected?|Which entry is highlighted?|What is the active entry?|Which one is currently selected?",
        "当前选中的是哪一项？|哪个标签是选中的？|高亮的是哪一项？|现在在哪一页？",
    ),
    "marked": _pair(
        "Which file is selected?|Which file is highlighted?|What file has been marked?",
        "选中的是哪个文件？|哪个文件被高亮了？|当前选择的文件是什么？",
    ),
    "disabled": _pair(
        "Which elements can't be used now?|What is greyed out?|Which elements are disabled?|List what is disabled.",
        "哪些控件现在不能用？|哪些是灰色的？|哪些控件被禁用了？|列出不可用的项。",
    ),
    "is_enabled": _pair(
        "Can I click {name} now?|Is {name} enabled?|Is {name} available?",
        "现在可以点“{name}”吗？|“{name}”可用吗？|“{name}”能用吗？",
    ),
    "value": _pair(
        "What is entered for {name}?|What does the field {name} hold?|{name}: what is the value?|What is the {name}?",
        "“{name}”填的是什么？|{name}一栏的内容是什么？|{name}的值是什么？|输入的{name}是什么？",
    ),
    "title": _pair(
        "What is the title?|What does the title say?|What is the heading of this screen?|Read the title.",
        "标题是什么？|标题写的是什么？|这个界面的标题是什么？|读出标题。",
    ),
    "kind": _pair(
        "What kind of screen is this?|What sort of program or page is shown?|What am I looking at?|What is this a picture of?",
        "这是什么界面？|图中是哪种程序或页面？|这是什么画面？|这张截图是什么？",
    ),
    "message": _pair(
        "What does the message say?|Read the message of the dialog.|What does the dialog tell me?|What is the text of the dialog?",
        "提示的内容是什么？|读出对话框的内容。|对话框说了什么？|弹窗里写的是什么？",
    ),
    "buttons": _pair(
        "Which buttons are there?|List the buttons.|What buttons does it have?|Name all buttons with words on them.",
        "有哪些按钮？|列出所有按钮。|界面上有什么按钮？|说出带文字的按钮。",
    ),
    "button_count": _pair(
        "How many buttons with words are there?|Count the buttons that have words on them.",
        "有几个带文字的按钮？|数一数有文字的按钮有几个。",
    ),
    "menu": _pair(
        "What is in the menu {name}?|List the entries of the open menu.|Which commands does the menu {name} have?",
        "“{name}”菜单里有什么？|列出打开的菜单中的各项。|“{name}”菜单有哪些命令？",
    ),
    "shortcut": _pair(
        "What is the shortcut for {name}?|Which keys are for {name}?|Shortcut of {name}?",
        "“{name}”的快捷键是什么？|{name}用什么快捷键？",
    ),
    "price": _pair(
        "How much is the {name}?|What does the {name} cost?|What is the price of the {name}?|Price of {name}?",
        "{name}多少钱？|{name}的价格是多少？|{name}卖多少钱？",
    ),
    "stars": _pair(
        "How many stars does the {name} have?|What is the rating of the {name} in stars?", "{name}有几颗星？|{name}的评分是几星？"
    ),
    "goods": _pair(
        "How many goods are shown?|How many products are on the page?|Count the products.",
        "页面上有几件商品？|展示了多少件商品？|数一数商品的数量。",
    ),
    "apps": _pair(
        "How many apps are there?|Count the app icons.|How many apps are on the screen?",
        "有几个应用？|屏幕上有多少个应用图标？|数一数应用的数量。",
    ),
    "mails": _pair(
        "How many messages are listed?|Count the e-mails.|How many mails are shown?", "列出了几封邮件？|有多少封邮件？|数一数邮件。"
    ),
    "sent": _pair(
        "When did {name} write?|At what time was the last message of {name}?|What time stands beside {name}?",
        "{name}是几点发来的？|{name}最后一条消息是什么时间？",
    ),
    "last": _pair(
        "What did {name} write?|What is the last message from {name}?|Read the message from {name}.",
        "{name}发了什么？|{name}的最后一条消息是什么？|读出{name}的消息。",
    ),
    "unread": _pair(
        "How many unread messages are there from {name}?|How many new messages has {name} sent?",
        "{name}有几条未读消息？|{name}发来几条新消息？",
    ),
    "size": _pair("How big is {name}?|What is the size of {name}?|Size of {name}?", "{name}有多大？|{name}的大小是多少？"),
    "day": _pair("What date is given for {name}?|Which date stands beside {name}?", "{name}的日期是哪天？|{name}旁边的日期是什么？"),
    "subject": _pair(
        "What is the subject of the mail from {name}?|What did {name} write about?", "{name}的邮件主题是什么？|{name}来信的主题是什么？"
    ),
    "artist": _pair("Who is the artist?|Who plays this song?|Whose song is it?", "歌手是谁？|这首歌是谁唱的？"),
    "length": _pair("How long is the song?|What is the length of the track?", "这首歌有多长？|歌曲总时长是多少？"),
    "played": _pair("How much of the song has been played?|At what time of the track are we?", "播放到哪里了？|已经播放了多久？"),
    "clock": _pair(
        "What time does the phone show?|What time is it on the screen?|Read the clock.", "手机上显示几点？|现在几点？|读出时间。"
    ),
    "charge": _pair("How full is the battery?|What is the battery level?|Battery?", "电量是多少？|电池还剩多少？"),
    "result": _pair("What is the result?|What does the calculator show as the result?", "结果是多少？|计算器显示的结果是什么？"),
    "sum": _pair("What is being calculated?|Which sum was typed?", "算的是什么？|输入的算式是什么？"),
}


def phrase(source: random.Random, task: str, language: Language, **slots: object) -> str:
    """A question for a task, worded at random."""
    return source.choice(PHRASES[task][language]).format(**slots)
