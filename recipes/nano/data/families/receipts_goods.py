"""What papers are about: goods, dishes, services, places, films. Names are composed, so that each split has its own.

pick_goods(source, language, split, "food", 5) -> 5 names of the split
"""

from __future__ import annotations

import random

from recipes.nano.data.sample import Language, Split, part_of

_EN_FOOD = (
    "Apples|Bananas|Oranges|Lemons|Grapes|Pears|Peaches|Tomatoes|Potatoes|Carrots|Onions|Spinach|Broccoli|Mushrooms|Rice|Pasta|"
    "Noodles|Flour|Sugar|Salt|Olive Oil|Butter|Cheese|Yogurt|Milk|Eggs|Bread|Bagels|Cookies|Crackers|Chocolate|Honey|Jam|Coffee|"
    "Green Tea|Apple Juice|Water|Lemonade|Chicken|Beef|Salmon|Tuna|Ham|Sausages|Tofu|Beans|Corn|Soup|Cereal|Oats|Almonds|Walnuts"
)
_EN_FOOD_BEFORE = "|Organic |Fresh |Large |Mini |Family |Classic |Golden |Premium |Local |Sweet |Farm |Country |Budget "
_EN_FOOD_AFTER = "| 250g| 500g| 1kg| 2kg| 6pk| 12pk| 330ml| 1L| 750ml| Box| Bag"
_EN_DISH = (
    "Soup|Salad|Burger|Pizza|Pasta|Risotto|Curry|Steak|Omelette|Sandwich|Wrap|Pie|Noodles|Dumplings|Tacos|Lasagne|Stew|Fish|"
    "Ribs|Skewers|Pancakes|Waffles|Ice Cream|Cheesecake|Brownie|Espresso|Latte|Tea|Lemonade|Cider|Smoothie|Soda"
)
_EN_DISH_BEFORE = (
    "House |Grilled |Roasted |Spicy |Crispy |Classic |Garden |Smoked |Baked |Sweet |Double |Small |Large |Daily |Chef's |Vegan "
)
_EN_SERVICE = (
    "Web design|Translation|Consulting|Bookkeeping|Photography|Printing|Editing|Software licence|Hosting|Training|Cleaning|Painting|"
    "Plumbing|Gardening|Delivery|Repair|Installation|Maintenance|Inspection|Catering|Office chairs|Desk lamps|Paper A4|Toner|Cables|"
    "Monitors|Keyboards|Headsets|Batteries|Shelves|Steel pipes|Screws M6|Wood panels|Cement|Work gloves|LED bulbs"
)
_EN_SERVICE_AFTER = (
    "|, basic|, premium|, phase 1|, phase 2|, January|, March|, June|, October|, per day|, per hour|, large|, small|, set of 10"
)
_ZH_FOOD = (
    "苹果|香蕉|橙子|柠檬|葡萄|梨|桃子|西红柿|土豆|胡萝卜|洋葱|菠菜|西兰花|蘑菇|大米|面条|面粉|白糖|食盐|花生油|黄油|奶酪|酸奶|牛奶|鸡蛋|面包|饼干|巧克力|蜂蜜|"
    "果酱|咖啡|绿茶|苹果汁|矿泉水|鸡肉|牛肉|三文鱼|火腿|香肠|豆腐|黄豆|玉米|燕麦|核桃|瓜子|牙膏|毛巾|洗发水|纸巾|香皂|电池|酱油|陈醋|辣椒酱"
)
_ZH_FOOD_BEFORE = "|有机|新鲜|精选|家庭装|迷你|经典|特级|本地|农家|优质|进口|实惠"
_ZH_FOOD_AFTER = "|250克|500克|1千克|2千克|6支装|12支装|330毫升|1升|盒装|袋装"
_ZH_DISH = (
    "牛肉面|炒饭|鱼香肉丝|宫保鸡丁|麻婆豆腐|红烧肉|水煮鱼|清蒸鲈鱼|糖醋排骨|酸辣土豆丝|西红柿炒蛋|炸酱面|小笼包|蒸饺|馄饨|春卷|烤鸭|酸菜鱼|回锅肉|干煸豆角|"
    "凉拌黄瓜|紫菜汤|酸辣汤|米饭|馒头|豆浆|奶茶|绿豆汤|果汁|啤酒|冰淇淋|蛋糕"
)
_ZH_DISH_BEFORE = "|招牌|特色|家常|微辣|大份|小份|双人|秘制|农家|老味"
_ZH_SERVICE = (
    "网站设计|翻译服务|咨询服务|会计服务|摄影|印刷|软件许可|服务器托管|培训|保洁|粉刷|管道维修|园艺|配送|设备维修|安装调试|检测|餐饮服务|办公椅|台灯|复印纸|硒鼓|"
    "数据线|显示器|键盘|耳机|电池|货架|钢管|螺丝|木板|水泥|手套|灯泡"
)
_ZH_SERVICE_AFTER = "|（基础）|（高级）|（一期）|（二期）|（一月）|（三月）|（六月）|（按天）|（大号）|（小号）"

_GOODS: dict[tuple[str, Language], tuple[str, str, str]] = {
    ("food", "en"): (_EN_FOOD_BEFORE, _EN_FOOD, _EN_FOOD_AFTER),
    ("dish", "en"): (_EN_DISH_BEFORE, _EN_DISH, ""),
    ("service", "en"): ("", _EN_SERVICE, _EN_SERVICE_AFTER),
    ("food", "zh"): (_ZH_FOOD_BEFORE, _ZH_FOOD, _ZH_FOOD_AFTER),
    ("dish", "zh"): (_ZH_DISH_BEFORE, _ZH_DISH, ""),
    ("service", "zh"): ("", _ZH_SERVICE, _ZH_SERVICE_AFTER),
}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


CITIES: dict[Language, tuple[str, ...]] = {
    "en": _words(
        "London|Paris|Berlin|Madrid|Rome|Vienna|Prague|Lisbon|Dublin|Oslo|Helsinki|Athens|Boston|Chicago|Denver|Seattle|Toronto|"
        "Montreal|Sydney|Perth|Auckland|Tokyo|Osaka|Seoul|Singapore|Bangkok|Delhi|Dubai|Cairo|Nairobi|Lima|Bogota|Zurich|Hamburg"
    ),
    "zh": _words(
        "北京|上海|广州|深圳|杭州|南京|苏州|武汉|成都|重庆|西安|天津|长沙|郑州|青岛|大连|厦门|福州|昆明|贵阳|南宁|海口|兰州|西宁|银川|太原|"
        "石家庄|济南|合肥|南昌|沈阳|"
        "长春|哈尔滨|宁波"
    ),
}
_SHOWS: dict[tuple[str, Language], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("film", "en"): (
        _words("The Last|The Silent|A Distant|The Golden|Beyond the|The Secret|Return to the|The Lost|One Summer|The Blue"),
        _words("River|Island|Garden|Train|Winter|Harbour|Mountain|Letter|Clock|Forest|Bridge|Kingdom|Star|Road"),
    ),
    ("film", "zh"): (
        _words("最后的|沉默的|遥远的|金色|秘密|失落的|夏日|蓝色|长河与|归来的"),
        _words("河流|岛屿|花园|列车|冬天|港湾|高山|来信|时钟|森林|大桥|王国|星辰|道路"),
    ),
    ("event", "en"): (
        _words("Spring|Summer|Winter|City|Night|Open Air|Royal|Jazz|Folk|Science"),
        _words("Concert|Festival|Fair|Gala|Exhibition|Ballet|Opera|Marathon|Show|Lecture"),
    ),
    ("event", "zh"): (
        _words("春季|夏日|冬季|城市|星空|户外|皇家|爵士|民乐|科学"),
        _words("音乐会|艺术节|展览会|晚会|画展|芭蕾舞|歌剧|马拉松|演唱会|讲座"),
    ),
}


def pick_goods(source: random.Random, language: Language, split: Split, kind: str, count: int) -> list[str]:
    """Different names that belong to the split. kind: food, dish or service."""
    before, names, after = (text.split("|") for text in _GOODS[kind, language])
    found: list[str] = []
    while len(found) < count:
        name = source.choice(before) + source.choice(names) + source.choice(after)
        # Neither may stand inside of the other: "Milk 1L" asked for beside "Milk" would be unclear.
        if part_of(name) == split and not any(name in other or other in name for other in found):
            found.append(name)
    return found


def pick_show(source: random.Random, language: Language, split: Split, kind: str) -> str:
    """The name of a film or an event that belongs to the split."""
    first, second = _SHOWS[kind, language]
    gap = " " if language == "en" else ""
    names = [one + gap + other for one in first for other in second]
    return source.choice([name for name in names if part_of(name) == split] or names)


def pick_cities(source: random.Random, language: Language) -> tuple[str, str]:
    """Two different cities."""
    start, end = source.sample(CITIES[language], 2)
    return start, end
