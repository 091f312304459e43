"""What tables are about, in both languages: topics with columns and ranges of numbers, names of rows, and a few real tables.

A column is (English, Chinese, unit, least, most, decimals); the unit `$` is the language's money. A column of words has its choices
instead: (English, Chinese, "a|b/甲|乙").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from recipes.nano.data.sample import Language

Column: TypeAlias = tuple[str, str, str, float, float, int] | tuple[str, str, str]


@dataclass(frozen=True)
class Topic:
    """One kind of table. title: with `{}` for a year or not; rows: the name of a list in ROWS; groups: joint headings."""

    title: dict[Language, tuple[str, ...]]
    key: dict[Language, str]
    rows: str
    columns: tuple[Column, ...]
    groups: dict[Language, tuple[str, str]] | None = None


def _split(english: str, chinese: str) -> dict[Language, tuple[str, ...]]:
    return {"en": tuple(english.split("|")), "zh": tuple(chinese.split("|"))}


ROWS: dict[str, dict[Language, tuple[str, ...]]] = {
    "products": _split(
        "Desk lamp|Office chair|Backpack|Water bottle|Headphones|Keyboard|Notebook|Umbrella|Coffee maker"
        "|Blanket|Bicycle|Tent|Kettle|Toaster|Sofa|Mirror",
        "台灯|办公椅|双肩包|水杯|耳机|键盘|笔记本|雨伞|咖啡机|毛毯|自行车|帐篷|电水壶|面包机|沙发|镜子|剃须刀|电饭煲",
    ),
    "cities": _split(
        "Oslo|Lisbon|Cairo|Lima|Toronto|Sydney|Mumbai|Seoul|Vienna|Nairobi|Boston|Chicago|Madrid|Athens|Dublin|Prague|Hanoi|Zurich",
        "北京|上海|广州|成都|武汉|西安|杭州|南京|重庆|天津|青岛|厦门|昆明|哈尔滨|长沙|沈阳|拉萨|海口",
    ),
    "countries": _split(
        "Norway|Portugal|Egypt|Peru|Canada|Japan|India|Kenya|Austria|Chile|Poland|Turkey|Mexico|Vietnam|Spain|Greece|Ghana|Finland",
        "挪威|葡萄牙|埃及|秘鲁|加拿大|日本|印度|肯尼亚|奥地利|智利|波兰|土耳其|墨西哥|越南|西班牙|希腊|加纳|芬兰",
    ),
    "departments": _split(
        "Sales|Marketing|Finance|Research|Production|Logistics|Support|Legal|Purchasing|Training|IT|Quality",
        "销售部|市场部|财务部|研发部|生产部|物流部|客服部|法务部|采购部|培训部|信息部|质检部|人事部",
    ),
    "foods": _split(
        "Apple|Banana|Rice|Bread|Milk|Egg|Chicken|Salmon|Potato|Carrot|Cheese|Almonds|Yogurt|Lentils|Spinach|Honey",
        "苹果|香蕉|米饭|面包|牛奶|鸡蛋|鸡肉|三文鱼|土豆|胡萝卜|奶酪|杏仁|酸奶|豆腐|菠菜|蜂蜜",
    ),
    "teams": _split(
        "Rovers|United|Tigers|Falcons|Harbour FC|City Stars|Wolves|Rangers|Eagles|Lions|Comets|Athletic",
        "雄鹰队|猛虎队|海港队|申城队|蓝鲨队|红星队|泰山队|长江队|飞龙队|金牛队|黑豹队|北极星队",
    ),
    "subjects": _split(
        "Maths|English|Physics|Chemistry|Biology|History|Geography|Music|Art|Sport",
        "语文|数学|英语|物理|化学|生物|历史|地理|音乐|美术|体育",
    ),
    "months": _split(
        "January|February|March|April|May|June|July|August|September|October|November|December",
        "一月|二月|三月|四月|五月|六月|七月|八月|九月|十月|十一月|十二月",
    ),
    "samples": _split(
        "Sample A|Sample B|Sample C|Sample D|Sample E|Sample F|Sample G|Control|Blank",
        "样品A|样品B|样品C|样品D|样品E|样品F|样品G|对照组|空白组",
    ),
    "animals": _split(
        "Elephant|Lion|Giraffe|Zebra|Hippo|Wolf|Red fox|Brown bear|Otter|Badger|Hare|Moose",
        "大象|狮子|长颈鹿|斑马|河马|狼|赤狐|棕熊|水獭|獾|野兔|驼鹿",
    ),
    "plans": _split(
        "Basic|Standard|Plus|Premium|Family|Student|Business|Unlimited", "基础版|标准版|进阶版|高级版|家庭版|学生版|企业版|无限版"
    ),
    "lines": _split(
        "Line 1|Line 2|Line 3|Line 4|Line 5|Line 6|Line 7|Line 8|Line 9|Line 10",
        "1号线|2号线|3号线|4号线|5号线|6号线|7号线|8号线|9号线|10号线",
    ),
}
YES_NO = "Yes|No/是|否"
TOPICS: tuple[Topic, ...] = (
    Topic(
        _split("Sales of {}|Products Sold in {}|Sales Report", "{}年销售表|商品销售情况|销售报表"),
        {"en": "Product", "zh": "商品"},
        "products",
        (
            ("Units sold", "销量", "", 12, 2400, 0),
            ("Price", "单价", "$", 5, 480, 2),
            ("Revenue", "销售额", "$", 500, 90000, 0),
            ("Returns", "退货", "", 0, 60, 0),
            ("In stock", "有货", YES_NO),
        ),
    ),
    Topic(
        _split("Stock List|Warehouse Inventory|Inventory {}", "库存清单|仓库盘点表|{}年库存表"),
        {"en": "Item", "zh": "物品"},
        "products",
        (
            ("Quantity", "数量", "", 0, 900, 0),
            ("Weight", "重量", "kg", 0.2, 40, 1),
            ("Shelf", "货架", "A1|A2|B1|B2|C1|C3|D4/A1|A2|B1|B2|C1|C3|D4"),
            ("Unit cost", "成本", "$", 2, 320, 2),
            ("Reorder level", "补货线", "", 5, 80, 0),
        ),
    ),
    Topic(
        _split("Weather|Weather in Selected Cities|Climate Data {}", "城市天气|各城市气象数据|{}年气候数据"),
        {"en": "City", "zh": "城市"},
        "cities",
        (
            ("High", "最高温", "°C", 8, 39, 0),
            ("Low", "最低温", "°C", -18, 7, 0),
            ("Rainfall", "降水量", "mm", 0, 320, 1),
            ("Humidity", "湿度", "%", 20, 98, 0),
            ("Wind", "风速", "km/h", 2, 65, 0),
            ("Sky", "天气", "Sunny|Cloudy|Rain|Snow|Fog/晴|多云|雨|雪|雾"),
        ),
        {"en": ("Temperature", "Other"), "zh": ("气温", "其他")},
    ),
    Topic(
        _split("Country Statistics|Key Figures {}|Economic Indicators", "各国统计|{}年主要指标|经济指标"),
        {"en": "Country", "zh": "国家"},
        "countries",
        (
            ("Exports", "出口额", "bn $", 4, 900, 1),
            ("Imports", "进口额", "bn $", 4, 900, 1),
            ("Growth", "增长率", "%", -3, 9, 1),
            ("Inflation", "通胀率", "%", 0, 14, 1),
            ("Unemployment", "失业率", "%", 1, 19, 1),
        ),
        {"en": ("Trade", "Rates"), "zh": ("贸易", "比率")},
    ),
    Topic(
        _split("Budget {}|Department Budget|Spending by Department", "{}年预算|部门预算表|各部门支出"),
        {"en": "Department", "zh": "部门"},
        "departments",
        (
            ("Planned", "计划", "$", 8000, 640000, 0),
            ("Spent", "实际", "$", 8000, 640000, 0),
            ("Staff", "人数", "", 3, 140, 0),
            ("Projects", "项目数", "", 1, 30, 0),
        ),
        {"en": ("Money", "People"), "zh": ("资金", "其他")},
    ),
    Topic(
        _split("Nutrition Facts per 100 g|Nutrition Table|Food Composition", "每100克营养成分|营养成分表|食物成分"),
        {"en": "Food", "zh": "食物"},
        "foods",
        (
            ("Energy", "能量", "kcal", 18, 640, 0),
            ("Protein", "蛋白质", "g", 0, 30, 1),
            ("Fat", "脂肪", "g", 0, 50, 1),
            ("Carbs", "碳水", "g", 0, 80, 1),
            ("Fibre", "纤维", "g", 0, 15, 1),
        ),
    ),
    Topic(
        _split("League Table|League Table {}|Standings", "积分榜|{}赛季积分榜|联赛排名"),
        {"en": "Team", "zh": "球队"},
        "teams",
        (
            ("Won", "胜", "", 0, 22, 0),
            ("Drawn", "平", "", 0, 12, 0),
            ("Lost", "负", "", 0, 22, 0),
            ("Goals", "进球", "", 8, 80, 0),
            ("Points", "积分", "", 4, 78, 0),
        ),
    ),
    Topic(
        _split("Exam Results|Class Results {}|Test Scores", "考试成绩|{}年成绩表|班级成绩单"),
        {"en": "Subject", "zh": "科目"},
        "subjects",
        (
            ("Average", "平均分", "", 48, 92, 1),
            ("Best", "最高分", "", 80, 100, 0),
            ("Worst", "最低分", "", 5, 60, 0),
            ("Pupils", "人数", "", 12, 48, 0),
        ),
        {"en": ("Scores", "Class"), "zh": ("分数", "班级")},
    ),
    Topic(
        _split("Monthly Report {}|Visitors by Month|Energy Use {}", "{}年月报|每月客流|月度统计"),
        {"en": "Month", "zh": "月份"},
        "months",
        (
            ("Visitors", "访客", "", 120, 18000, 0),
            ("Income", "收入", "$", 900, 78000, 0),
            ("Power", "用电量", "kWh", 80, 4200, 0),
            ("Water", "用水量", "m³", 4, 320, 1),
        ),
    ),
    Topic(
        _split("Measurements|Laboratory Results|Test Series {}", "测量结果|实验数据|{}年实验记录"),
        {"en": "Sample", "zh": "样品"},
        "samples",
        (
            ("Mass", "质量", "g", 0.5, 40, 2),
            ("Volume", "体积", "mL", 1, 250, 1),
            ("pH", "pH", "", 2, 12, 1),
            ("Temperature", "温度", "°C", 12, 95, 1),
            ("Time", "时间", "min", 1, 120, 0),
            ("Passed", "合格", YES_NO),
        ),
    ),
    Topic(
        _split("Animals of the Park|Animal Facts|Wildlife Census {}", "公园动物|动物资料|{}年动物普查"),
        {"en": "Animal", "zh": "动物"},
        "animals",
        (
            ("Count", "数量", "", 1, 420, 0),
            ("Weight", "体重", "kg", 3, 5200, 0),
            ("Speed", "速度", "km/h", 8, 90, 0),
            ("Age", "寿命", "years", 4, 70, 0),
        ),
    ),
    Topic(
        _split("Price Plans|Compare Plans|Plans and Prices", "套餐对比|资费表|价格方案"),
        {"en": "Plan", "zh": "套餐"},
        "plans",
        (
            ("Price", "月费", "$", 4, 120, 2),
            ("Data", "流量", "GB", 1, 200, 0),
            ("Users", "用户数", "", 1, 50, 0),
            ("Support", "客服", "Email|Phone|24/7|None/邮件|电话|全天|无"),
            ("Roaming", "漫游", YES_NO),
        ),
    ),
    Topic(
        _split("Metro Lines|City Transport {}|Network", "地铁线路|{}年公共交通|线路一览"),
        {"en": "Line", "zh": "线路"},
        "lines",
        (
            ("Length", "长度", "km", 6, 68, 1),
            ("Stations", "车站数", "", 6, 48, 0),
            ("Riders a day", "日客流", "", 8000, 940000, 0),
            ("First train", "首班车", "05:10|05:25|05:40|06:00/05:10|05:25|05:40|06:00"),
        ),
    ),
)

# Real figures (rounded): (English name, Chinese name, values in the order of the columns).
PLANETS = (
    *(
        ("Mercury", "水星", 4879, 57.9, 0),
        ("Venus", "金星", 12104, 108.2, 0),
        ("Earth", "地球", 12756, 149.6, 1),
        ("Mars", "火星", 6792, 227.9, 2),
    ),
    *(("Jupiter", "木星", 142984, 778.6, 95), ("Saturn", "土星", 120536, 1433.5, 146), ("Uranus", "天王星", 51118, 2872.5, 28)),
    ("Neptune", "海王星", 49528, 4495.1, 16),
)
ELEMENTS = (
    *(
        ("Hydrogen", "氢", 1, 1.008, "H"),
        ("Helium", "氦", 2, 4.003, "He"),
        ("Carbon", "碳", 6, 12.011, "C"),
        ("Nitrogen", "氮", 7, 14.007, "N"),
    ),
    *(
        ("Oxygen", "氧", 8, 15.999, "O"),
        ("Sodium", "钠", 11, 22.99, "Na"),
        ("Iron", "铁", 26, 55.845, "Fe"),
        ("Copper", "铜", 29, 63.546, "Cu"),
    ),
    *(
        ("Silver", "银", 47, 107.868, "Ag"),
        ("Gold", "金", 79, 196.967, "Au"),
        ("Lead", "铅", 82, 207.2, "Pb"),
        ("Zinc", "锌", 30, 65.38, "Zn"),
    ),
)
MOUNTAINS = (
    *(
        ("Everest", "珠穆朗玛峰", 8849, 1953, "Asia|亚洲"),
        ("Aconcagua", "阿空加瓜山", 6961, 1897, "South America|南美洲"),
        ("Denali", "德纳里山", 6190, 1913, "North America|北美洲"),
    ),
    *(
        ("Kilimanjaro", "乞力马扎罗山", 5895, 1889, "Africa|非洲"),
        ("Elbrus", "厄尔布鲁士山", 5642, 1874, "Europe|欧洲"),
        ("Mont Blanc", "勃朗峰", 4806, 1786, "Europe|欧洲"),
    ),
    *(("K2", "乔戈里峰", 8611, 1954, "Asia|亚洲"), ("Fuji", "富士山", 3776, 663, "Asia|亚洲")),
)
REAL: tuple[tuple[Topic, tuple[tuple[object, ...], ...]], ...] = (
    (
        Topic(
            _split("The Planets|Planets of the Solar System", "太阳系行星|八大行星"),
            {"en": "Planet", "zh": "行星"},
            "",
            (
                ("Diameter", "直径", "km", 0, 0, 0),
                ("Distance from the Sun", "与太阳的距离", "million km", 0, 0, 1),
                ("Moons", "卫星数", "", 0, 0, 0),
            ),
        ),
        PLANETS,
    ),
    (
        Topic(
            _split("Chemical Elements|Some Elements", "化学元素|部分元素"),
            {"en": "Element", "zh": "元素"},
            "",
            (("Number", "原子序数", "", 0, 0, 0), ("Atomic mass", "原子量", "", 0, 0, 3), ("Symbol", "符号", "")),
        ),
        ELEMENTS,
    ),
    (
        Topic(
            _split("Mountains|Famous Mountains", "著名山峰|世界名山"),
            {"en": "Mountain", "zh": "山峰"},
            "",
            (("Height", "海拔", "m", 0, 0, 0), ("First climbed", "首次登顶", "year", 0, 0, 0), ("Continent", "所在洲", "")),
        ),
        MOUNTAINS,
    ),
)
UNITS_ZH = {"years": "年", "bn $": "亿元", "min": "分钟", "million km": "百万千米", "year": "年份", "kcal": "千卡", "$": "元"}

# Columns whose sum means something.
ADDABLE = frozenset(
    (
        *(
            "Units sold",
            "Revenue",
            "Returns",
            "Quantity",
            "Planned",
            "Spent",
            "Staff",
            "Projects",
            "Pupils",
            "Visitors",
            "Income",
            "Power",
        ),
        *("Water", "Count", "Volume", "Mass", "Goals", "Exports", "Imports", "Moons", "Stations", "Length", "Riders a day"),
        *(
            "销量",
            "销售额",
            "退货",
            "数量",
            "计划",
            "实际",
            "人数",
            "项目数",
            "访客",
            "收入",
            "用电量",
            "用水量",
            "体积",
            "质量",
            "进球",
        ),
        *("出口额", "进口额", "卫星数", "车站数", "长度", "日客流"),
    )
)

# Columns that may be taken for each other: none is asked for as missing where another of its group is there.
ALIKE_COLUMNS = tuple(
    frozenset(group.split("|"))
    for group in (
        "Weight|Mass|重量|体重|质量",
        "Income|Revenue|Exports|Spent|收入|销售额|出口额|实际",
        "Count|Quantity|Units sold|In stock|Reorder level|Planned|数量|销量|有货|补货线|计划",
        "Price|Unit cost|单价|月费|成本",
        "Staff|Pupils|Users|Visitors|Riders a day|人数|用户数|访客|日客流",
        "Temperature|High|Low|Best|Worst|Average|温度|最高温|最低温|最高分|最低分|平均分",
        "Speed|Wind|速度|风速",
        "Energy|Power|能量|用电量",
        "Water|Rainfall|Humidity|Volume|用水量|降水量|湿度|体积",
        "Time|First train|Age|时间|首班车|寿命",
        "Goals|Points|Won|进球|积分|胜",
        "Growth|Inflation|增长率|通胀率",
    )
)
