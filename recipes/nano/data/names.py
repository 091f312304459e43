"""What things are called in English and Chinese, and the grammar of the names: articles, plurals, measure words, lists.

    Name(en, zh, kind) -> "a red apple", "three red apples", "三个红苹果"

`Name.words` are the words under which people might know the thing; two names that share one are never told apart in a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recipes.nano.data.object_names import ALSO_CALLED, ANIMALS, NOT_COUNTED
from recipes.nano.data.sample import Language

_SMALL = frozenset({"a", "an", "of", "with", "and", "the", "on", "in"})
# Words that say how a thing looks, not what it is.
_LOOKING = "red green blue yellow orange black white pink brown purple gray open closed slice piece bowl"
_LOOKS = frozenset(_LOOKING.split())
_IRREGULAR_PAIRS = (
    "mouse=mice goose=geese ox=oxen foot=feet tooth=teeth wolf=wolves leaf=leaves knife=knives sheep=sheep deer=deer fish=fish "
    "shrimp=shrimp squid=squid bison=bison moose=moose dice=dice potato=potatoes tomato=tomatoes mango=mangoes "
    "volcano=volcanoes tornado=tornadoes jellyfish=jellyfish blowfish=blowfish moai=moai sushi=sushi snowman=snowmen "
    "reindeer=reindeer buffalo=buffaloes superhero=superheroes"
)
_IRREGULAR: dict[str, str] = {one: more for one, _, more in (pair.partition("=") for pair in _IRREGULAR_PAIRS.split())}
_NUMBER_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_CHINESE_NUMBERS = ("零", "一", "两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_MEASURES = {
    **dict.fromkeys(ANIMALS, "只"),
    "vehicle": "辆",
    "ship": "艘",
    "aircraft": "架",
}
# Chinese names by measure word, where it is not that of the kind; a name that holds its own number takes none.
_MEASURE_OF = {
    zh: word
    for word, names in {
        "匹": "马 斑马",
        "条": "蛇 鱼 龙 鲨鱼 热带鱼 裙子 牛仔裤 围巾 领带 连衣裙",
        "头": "公牛 奶牛 猪 大象 野牛 水牛 牦牛 野猪 驴",
        "棵": "树 松树 棕榈树 圣诞树 盆栽植物 仙人掌 西兰花",
        "朵": "玫瑰 郁金香 荷花 向日葵 芙蓉 樱花 云 水仙花 蘑菇",
        "束": "花束",
        "根": "香蕉 黄瓜 胡萝卜 玉米 骨头 棒棒糖 拐杖糖",
        "支": "铅笔 钢笔 圆珠笔 蜡笔 画笔 口红 牙刷 蜡烛",
        "把": "椅子 钥匙 锤子 斧头 锯子 扳手 螺丝刀 勺子 匕首 吉他 小提琴 雨伞 菜刀 直尺 剪刀",
        "列": "火车 蒸汽火车",
        "本": "书 打开的书 绿色的书 蓝色的书 橙色的书 笔记本",
        "颗": "卫星 牙齿 栗子 糖果 草莓",
        "枚": "火箭 硬币 戒指 奖牌 金牌 银牌 铜牌",
        "台": "电视机 笔记本电脑 台式电脑 打印机 相机 收音机 传真机 显微镜 望远镜 摄像机",
        "部": "手机 电话",
        "件": "T恤 外套 白大褂 和服 泳衣",
        "顶": "帽子 皇冠 礼帽 鸭舌帽 学士帽 头盔 圣诞帽 宽边帽 蓝色礼帽 绿色礼帽 帐篷",
        "副": "眼镜 墨镜 护目镜 耳机 手套",
        "杯": "咖啡 牛奶 啤酒 葡萄酒 鸡尾酒 珍珠奶茶",
        "碗": "米饭 面条 沙拉",
        "块": "饼干 披萨 奶酪 蛋糕 巧克力 肥皂 海绵 冰块 滑板",
        "片": "枫叶 落叶 面包",
        "串": "葡萄",
        "面": "红旗 绿旗 黄旗 白旗 方格旗 镜子 鼓",
        "道": "彩虹 闪电",
        "只": "苍蝇 袜子",
        "位": "厨师 农民 消防员 侦探 宇航员 警察 建筑工人 飞行员",
        "张": "床 信用卡 光盘",
        "扇": "门 窗户",
        "座": "房子 医院 学校 工厂 城堡 教堂 清真寺 火山 办公楼 体育场 喷泉",
        "": "一摞书 一碗冰淇淋 一杯水",
    }.items()
    for zh in names.split()
}


@dataclass(frozen=True)
class Name:
    """A thing's name. kind: "mammal", "fruit", "shape" and so on; exact: nothing else could be meant (coloured shapes)."""

    en: str
    zh: str
    kind: str = "thing"
    exact: bool = False

    @property
    def counted(self) -> bool:
        """Whether one picture of it is one of it."""
        return self.en not in NOT_COUNTED

    @property
    def animal(self) -> bool:
        return self.kind in ANIMALS

    @property
    def wordless(self) -> bool:
        """Whether its drawings never carry letters or digits."""
        return self.animal or self.kind in {"shape", "fruit", "vegetable", "flower", "plant"}

    @property
    def words(self) -> frozenset[str]:
        own = {word for word in self.en.lower().replace("-", " ").split() if word not in _SMALL and word not in _LOOKS}
        own |= {self.en.lower()} if not own else set()
        return frozenset(own | {general for general, special in ALSO_CALLED.items() if own & set(special.split())})

    def said(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


def confusable(first: Name, second: Name) -> bool:
    """Whether one may be taken for the other, or be called by the same word."""
    if first.exact and second.exact:
        return first.en == second.en
    overlap = first.words & second.words or first.zh in second.zh or second.zh in first.zh
    return bool(overlap)


def one(name: Name, language: Language) -> str:
    """`a red apple`, `an owl`, `grapes`; `一个红苹果`."""
    if language == "zh":
        return f"一{measure(name)}{name.zh}" if measure(name) else name.zh
    return name.en if not name.counted else f"{article(name.en)} {name.en}"


def several(name: Name, count: int, language: Language) -> str:
    """`three red apples`, `三个红苹果`; 12 at most."""
    if count == 1:
        return one(name, language)
    if language == "zh":
        return f"{_CHINESE_NUMBERS[count]}{measure(name)}{name.zh}"
    return f"{_NUMBER_WORDS[count]} {plural(name.en)}"


def listed(parts: Sequence[str], language: Language) -> str:
    """`a, b and c`, `a、b和c`."""
    comma, last = (", ", " and ") if language == "en" else ("、", "和")
    return last.join([comma.join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]


def article(phrase: str) -> str:
    """`a` or `an` by how the phrase is spoken."""
    first = phrase.lower()
    if first.startswith(("uni", "ufo", "uk", "one", "eu")):
        return "a"
    return "an" if first[0] in "aeiou" else "a"


def plural(phrase: str) -> str:
    """The plural of a noun phrase: the noun before `of` or `with` changes, else the last word."""
    for joint in (" of ", " with ", " and "):
        if joint in phrase:
            head, rest = phrase.split(joint, 1)
            return f"{plural(head)}{joint}{rest}"
    start, _, word = phrase.rpartition(" ")
    return f"{start} {_plural_word(word)}" if start else _plural_word(word)


def measure(name: Name) -> str:
    """The Chinese measure word."""
    if name.zh in _MEASURE_OF:
        return _MEASURE_OF[name.zh]
    return _MEASURES.get(name.kind, "个")


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("s", "x", "ch", "sh", "z")):
        return f"{word}es"
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return f"{word[:-1]}ies"
    return f"{word}s"
