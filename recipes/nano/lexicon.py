"""The words of the nano world in English and Chinese: colours, shapes, places, and what signs can say.

A sign's text is never both trained on and tested on: `is_held_out` splits all possible texts by a hash of their characters, so the
rule also covers made-up words and numbers, and nobody has to keep two lists apart by hand.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Name:
    """One thing with its English and its Chinese name; `plural` is the English plural."""

    en: str
    zh: str
    plural: str = ""


@dataclass(frozen=True)
class Colour:
    """A named colour and the sRGB value around which its shades are drawn."""

    name: Name
    rgb: tuple[int, int, int]


COLOURS = (
    Colour(Name("red", "红色"), (214, 36, 36)),
    Colour(Name("orange", "橙色"), (245, 138, 20)),
    Colour(Name("yellow", "黄色"), (246, 216, 32)),
    Colour(Name("green", "绿色"), (38, 155, 60)),
    Colour(Name("blue", "蓝色"), (34, 84, 210)),
    Colour(Name("purple", "紫色"), (128, 44, 168)),
    Colour(Name("pink", "粉色"), (250, 140, 190)),
    Colour(Name("black", "黑色"), (16, 16, 16)),
    Colour(Name("white", "白色"), (246, 246, 246)),
    Colour(Name("grey", "灰色"), (132, 132, 132)),
)

SHAPES = (
    Name("circle", "圆形", "circles"),
    Name("square", "正方形", "squares"),
    Name("triangle", "三角形", "triangles"),
    Name("star", "五角星", "stars"),
    Name("diamond", "菱形", "diamonds"),
    Name("cross", "十字形", "crosses"),
    Name("heart", "心形", "hearts"),
    Name("ring", "圆环", "rings"),
)

PLACES = (
    (Name("top left", "左上角"), Name("top", "上方"), Name("top right", "右上角")),
    (Name("left", "左边"), Name("centre", "中间"), Name("right", "右边")),
    (Name("bottom left", "左下角"), Name("bottom", "下方"), Name("bottom right", "右下角")),
)

ENGLISH_WORDS = tuple(
    """
    open closed exit enter push pull stop go slow fast sale free new hot cold cafe coffee tea milk water juice bread cake rice soup
    fish meat egg apple pear lemon peach grape banana orange mango melon plum fig nut bean corn salt sugar honey pizza pasta salad
    bar pub hotel motel inn room suite lobby lift stairs floor gate door window wall roof garden park lake river sea beach island
    hill forest tree leaf flower rose lily grass sun moon star sky cloud rain snow wind storm fire ice rock sand road street lane
    bridge tower castle palace temple church school library museum theatre cinema music dance art book pen paper desk chair table
    lamp clock watch phone radio camera screen mouse key lock bag box cup glass plate bowl knife fork spoon pan pot oven bed sofa
    shirt coat hat shoe sock glove scarf belt ring gold silver iron steel wood stone cotton silk wool leather cat dog horse cow
    sheep goat pig hen duck goose bird eagle owl crow swan frog snake lion tiger bear wolf fox deer rabbit monkey zebra panda whale
    shark crab bee ant king queen prince knight doctor nurse teacher baker farmer pilot driver sailor singer writer friend mother
    father sister brother baby child man woman boy girl team game ball goal race win run walk jump swim ride fly drive train bus
    taxi car truck bike boat ship plane ticket police bank post office market shop store mall price cash card bill tax gift prize
    news mail email web link file home menu help info start end begin finish yes no left right up down north south east west spring
    summer autumn winter monday tuesday friday sunday april july august morning evening night today happy smile love hope dream
    peace luck health power energy light dark quiet loud clean dirty safe danger warning notice wet dry high low big small long
    short wide deep old young rich poor strong weak soft hard sweet sour fresh early late first last next back front private public
    """.split()
)

CHINESE_WORDS = tuple(
    """
    出口 入口 开门 关门 小心 注意 禁止 停车 安全 危险 茶 咖啡 牛奶 面包 水果 苹果 西瓜 米饭 面条 鱼 牛肉 鸡蛋 蛋糕 水 酒店 饭店 书店 商店 药店
    学校 医院 银行 公园 车站 机场 地铁 火车 汽车 飞机 自行车 出租车 图书馆 电影院 博物馆 动物园 超市 市场 广场 花园 北京 上海 天津 广州 南京
    西安 杭州 成都 中国 长城 长江 黄河 东方 南方 西北 北方 春天 夏天 秋天 冬天 今天 明天 昨天 早上 中午 晚上 星期 太阳 月亮 星星 天空 白云
    下雨 大雪 大风 高山 大海 河流 湖水 森林 树木 花草 小鸟 小猫 小狗 大象 老虎 熊猫 马 牛 羊 猪 鸡 鸭 兔子 猴子 爸爸 妈妈 哥哥 姐姐 弟弟
    妹妹 老师 学生 朋友 医生 工人 先生 女士 男 女 你好 谢谢 再见 欢迎 光临 请进 快乐 幸福 健康 平安 新年 生日 福 春 喜 红茶 绿茶 白酒 热水
    冷水 电话 电视 电脑 手机 照片 音乐 故事 报纸 书 笔 桌子 椅子 门 窗 灯 床 衣服 鞋子 帽子 雨伞 红包 礼物 金 木 火 土 一 二 三 四 五 六 七
    八 九 十 百 千 万 元 年 月 日 号 楼 层 房间 左 右 前 后 东 西 南 北 上 下 大 小 多 少 长 短 高 低 新 老 好 美 爱 心 家 国 人 山 石 田 力
    口 手 目 耳 足 王 玉 文 字 中 外 里 同 学 生 工 作 时 间 道 路 街 桥 村 城 市 省 世界 和平 自由 希望 梦想 成功 努力 加油 美丽 可爱 干净
    安静 打折 免费 特价 营业 休息 推 拉 洗手间 电梯 楼梯 服务 前台 收银
    """.split()
)

MARKS = "-:.$%&!"
LATIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + MARKS
HANZI = "".join(sorted({character for word in CHINESE_WORDS for character in word}))
ALPHABET = LATIN + HANZI


def is_held_out(text: str) -> bool:
    """Whether a sign's text belongs to the test half of the world: one text in eight of two or more characters."""
    compact = text.casefold().replace(" ", "")
    return len(compact) > 1 and zlib.crc32(compact.encode()) % 8 == 0
