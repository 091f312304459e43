"""Small pieces of text that things carry in life: numbers, prices, dates, times, codes, phones, e-mails, addresses, people, companies.

    (random source, language) -> one string, drawn fresh

They are made up, so they need no split. Names, streets and firms come from Faker where it is installed (`pip install faker`), and from
short lists of our own otherwise.
"""

from __future__ import annotations

import calendar
import random
import string
from functools import lru_cache
from typing import Any

from recipes.nano.data.sample import Language


def _listed(words: str) -> tuple[str, ...]:
    return tuple(words.split())


MONTHS = tuple(calendar.month_name)[1:]
DIGITS = string.digits
# Without I, O and Q, as codes in life leave them out.
CODE_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"

ENGLISH_GIVEN = _listed("Anna Ben Carla David Emma Frank Grace Henry Iris Jack Kate Leo Maria Nina Oscar Paul Rosa Sam Tina Victor")
ENGLISH_FAMILY = _listed(
    "Adams Baker Clark Davis Evans Fisher Green Harris Jones King Lewis Moore Parker Reed Smith Turner Walker Young"
)
ENGLISH_STREETS = _listed("Oak Maple Park Hill River Church Station Mill Garden Lake King Queen Market Bridge")
ENGLISH_TOWNS = _listed("Springfield Riverton Lakeside Fairview Milford Oakdale Westport Kingston Ashford Hillsboro")
ENGLISH_TRADES = _listed("Foods Trading Press Motors Systems Bakery Design Travel Tools Partners Logistics Books")
DAY_PARTS = ("凌晨", "上午", "下午", "晚上")
CHINESE_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
CHINESE_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建文辉力鹏宇欣雪梅琳晨浩然子涵思雨佳怡梓轩"
CHINESE_CITIES = _listed("北京市 上海市 广州市 深圳市 杭州市 南京市 成都市 武汉市 西安市 重庆市 天津市 苏州市 青岛市 长沙市")
CHINESE_DISTRICTS = _listed("朝阳区 海淀区 浦东新区 天河区 西湖区 鼓楼区 锦江区 江汉区 城关区 和平区")
CHINESE_ROADS = _listed("人民路 中山路 解放路 建设路 新华路 文化路 和平路 东风路 长江路 学院路")
CHINESE_TRADES = _listed("食品 科技 贸易 图书 汽车 网络 餐饮 旅游 家具 服饰 医药 电器")
CHINESE_BRANDS = _listed("华兴 东方 天一 金星 新星 万和 长城 光明 安泰 同心 福源 明达")


def number(source: random.Random, language: Language) -> str:
    """A whole number or a decimal, from one digit to millions, sometimes with a sign, separators or a percent mark."""
    kind = source.random()
    if kind < 0.4:
        return str(source.randrange(10 ** source.randint(1, 6)))
    if kind < 0.65:
        return f"{source.randrange(1000, 10 ** source.randint(4, 8)):,}"
    if kind < 0.85:
        return f"{source.uniform(0, 10 ** source.randint(0, 4)):.{source.randint(1, 3)}f}"
    if kind < 0.95 or language == "en":
        return f"{source.uniform(0, 100):.{source.randint(0, 2)}f}%"
    return f"{source.randint(1, 999)}万"


def price(source: random.Random, language: Language) -> str:
    """An amount of money with its currency: mostly dollars in English, mostly yuan in Chinese."""
    amount = source.choice((0.5, 0.9, 0.95, 0.99, source.random())) + source.randrange(10 ** source.randint(1, 4))
    plain, grouped = f"{amount:.2f}", f"{amount:,.2f}"
    if language == "zh":
        return source.choice((f"¥{plain}", f"¥{grouped}", f"{plain}元", f"{int(amount)}元", f"人民币{grouped}元"))
    return source.choice((f"${plain}", f"${grouped}", f"${grouped}", f"USD {grouped}", f"${int(amount)}", f"EUR {plain}", f"£{plain}"))


def date(source: random.Random, language: Language) -> str:
    """A day between 1980 and 2035 in one of the usual ways of writing it."""
    year, month = source.randint(1980, 2035), source.randint(1, 12)
    day = source.randint(1, calendar.monthrange(year, month)[1])
    iso = f"{year}-{month:02d}-{day:02d}"
    if language == "zh":
        return source.choice(
            (f"{year}年{month}月{day}日", f"{year}年{month:02d}月{day:02d}日", iso, f"{year}/{month}/{day}", f"{month}月{day}日")
        )
    name = MONTHS[month - 1]
    long = (f"{name} {day}, {year}", f"{day} {name} {year}", f"{name[:3]} {day}, {year}", f"{day} {name[:3]} {year}")
    return source.choice((*long, iso, f"{month:02d}/{day:02d}/{year}", f"{day:02d}.{month:02d}.{year}"))


def time(source: random.Random, language: Language) -> str:
    """A time of day, to the minute or the second, on a 24 or 12 hour clock."""
    hour, minute, second = source.randrange(24), source.randrange(60), source.randrange(60)
    clock = f"{hour:02d}:{minute:02d}"
    half = f"{(hour + 11) % 12 + 1}:{minute:02d}"
    if language == "zh":
        part = DAY_PARTS[hour // 6]
        return source.choice((clock, clock, f"{clock}:{second:02d}", f"{part}{half}", f"{hour}点{minute:02d}分"))
    return source.choice(
        (clock, clock, f"{clock}:{second:02d}", f"{half} {'am' if hour < 12 else 'pm'}", f"{half} {'AM' if hour < 12 else 'PM'}")
    )


def code(source: random.Random, language: Language) -> str:
    """A code such as an order number, a flight, a number plate or a serial number."""
    letters = _letters
    digits = _digits
    ways = [
        letters(source, 2) + digits(source, 4),
        f"{letters(source, 3)}-{digits(source, 4)}",
        f"{letters(source, 2)}{digits(source, 2)}-{letters(source, 1)}{digits(source, 3)}",
        f"#{digits(source, 6)}",
        f"INV-{source.randint(2015, 2030)}-{digits(source, 4)}",
        f"SN{digits(source, 8)}",
        digits(source, source.choice((8, 10, 12, 13))),
    ]
    if language == "zh":
        ways.append(f"{source.choice('京沪粤苏浙川鄂陕津渝')}{letters(source, 1)} {_digits(source, 5)}")
    return source.choice(ways)


def phone(source: random.Random, language: Language) -> str:
    """A telephone number as it is written in the United States, in Britain or in China."""
    if language == "zh":
        mobile = source.choice(("13", "15", "18", "17")) + _digits(source, 9)
        area = source.choice(("010", "021", "0755", "0571", "028", "025"))
        spaced = f"{mobile[:3]} {mobile[3:7]} {mobile[7:]}"
        return source.choice(
            (mobile, spaced, f"{area}-{source.randint(2, 8)}{_digits(source, 7)}", f"400-{_digits(source, 3)}-{_digits(source, 4)}")
        )
    area, middle, last = str(source.randint(201, 989)), str(source.randint(200, 999)), _digits(source, 4)
    plain = (f"({area}) {middle}-{last}", f"{area}-{middle}-{last}", f"+1 {area} {middle} {last}")
    return source.choice((*plain, f"+44 20 {_digits(source, 4)} {last}", f"{area}.{middle}.{last}"))


def email(source: random.Random, language: Language) -> str:
    """An e-mail address at a made-up domain."""
    given, family = source.choice(ENGLISH_GIVEN).lower(), source.choice(ENGLISH_FAMILY).lower()
    name = source.choice((f"{given}.{family}", f"{given[0]}{family}", f"{given}{source.randint(1, 99)}", "info", "contact", "service"))
    host = source.choice(ENGLISH_STREETS).lower() + source.choice(ENGLISH_TRADES).lower()
    ending = source.choice((".cn", ".com.cn", ".com")) if language == "zh" else source.choice((".com", ".org", ".net", ".co.uk"))
    return f"{name}@{host}{ending}"


def address(source: random.Random, language: Language) -> str:
    """A postal address on one line."""
    if (faker := _faker(language)) is not None and source.random() < 0.7:
        return _one_line(_seeded(faker, source).address(), language)
    if language == "zh":
        place = source.choice(CHINESE_CITIES) + source.choice(CHINESE_DISTRICTS) + source.choice(CHINESE_ROADS)
        return f"{place}{source.randint(1, 999)}号" + source.choice(
            ("", f"{source.randint(1, 30)}栋{source.randint(1, 30)}0{source.randint(1, 8)}室")
        )
    street = f"{source.randint(1, 999)} {source.choice(ENGLISH_STREETS)} {source.choice(('Street', 'Road', 'Avenue', 'Lane'))}"
    return f"{street}, {source.choice(ENGLISH_TOWNS)}" + source.choice(("", f" {_digits(source, 5)}"))


def person(source: random.Random, language: Language) -> str:
    """A person's name."""
    if (faker := _faker(language)) is not None and source.random() < 0.7:
        return str(_seeded(faker, source).name())
    if language == "zh":
        return source.choice(CHINESE_FAMILY) + "".join(source.sample(CHINESE_GIVEN, source.choice((1, 2, 2))))
    return f"{source.choice(ENGLISH_GIVEN)} {source.choice(ENGLISH_FAMILY)}"


def company(source: random.Random, language: Language) -> str:
    """A firm's name."""
    if (faker := _faker(language)) is not None and source.random() < 0.7:
        return str(_seeded(faker, source).company())
    if language == "zh":
        return source.choice(CHINESE_BRANDS) + source.choice(CHINESE_TRADES) + source.choice(("有限公司", "股份有限公司", "店", "集团"))
    return f"{source.choice(ENGLISH_FAMILY)} {source.choice(ENGLISH_TRADES)}" + source.choice(("", " Ltd", " Inc.", " Co.", " LLC"))


def _digits(source: random.Random, count: int) -> str:
    return "".join(source.choices(DIGITS, k=count))


def _letters(source: random.Random, count: int) -> str:
    return "".join(source.choices(CODE_LETTERS, k=count))


def _one_line(text: str, language: Language) -> str:
    return text.replace("\n", "" if language == "zh" else ", ").strip()


def _seeded(faker: Any, source: random.Random) -> Any:
    """Faker with our source's next state, so that the same seed gives the same name."""
    faker.seed_instance(source.getrandbits(64))
    return faker


@lru_cache(maxsize=2)
def _faker(language: Language) -> Any | None:
    try:
        from faker import Faker
    except ModuleNotFoundError:
        return None
    return Faker("zh_CN" if language == "zh" else "en_US")
