"""Words on charts in English and Chinese: names of categories, of measures and of what real tables hold.

say("France", "zh") -> "法国"          a word without a translation, such as a film's name, stays as it is
"""

from __future__ import annotations

from dataclasses import dataclass

from recipes.nano.data.sample import Language


def say(word: str, language: Language) -> str:
    """The word in the language of the chart."""
    return CHINESE.get(word, word) if language == "zh" else word


def _pairs(text: str) -> dict[str, str]:

    return dict((part.strip() for part in pair.split("=", 1)) for pair in text.replace("\n", ";").split(";") if "=" in pair)  # type: ignore[misc]


COUNTRIES = _pairs("""
Afghanistan=阿富汗; Argentina=阿根廷; Australia=澳大利亚; Austria=奥地利; Bahamas=巴哈马; Bangladesh=孟加拉国
Barbados=巴巴多斯; Belgium=比利时
Bolivia=玻利维亚; Brazil=巴西; Canada=加拿大; Chile=智利; China=中国; Colombia=哥伦比亚; Costa Rica=哥斯达黎加
Croatia=克罗地亚; Cuba=古巴
Dominican Republic=多米尼加; Ecuador=厄瓜多尔; Egypt=埃及; El Salvador=萨尔瓦多; Finland=芬兰; France=法国; Georgia=格鲁吉亚
Germany=德国
Greece=希腊; Grenada=格林纳达; Haiti=海地; Iceland=冰岛; India=印度; Indonesia=印度尼西亚; Iran=伊朗; Iraq=伊拉克
Ireland=爱尔兰; Israel=以色列
Italy=意大利; Jamaica=牙买加; Japan=日本; Kenya=肯尼亚; Lebanon=黎巴嫩; Mexico=墨西哥; Netherlands=荷兰; New Zealand=新西兰
Nigeria=尼日利亚
North Korea=朝鲜; Norway=挪威; Pakistan=巴基斯坦; Peru=秘鲁; Philippines=菲律宾; Poland=波兰; Portugal=葡萄牙; Rwanda=卢旺达
Saudi Arabia=沙特阿拉伯
South Africa=南非; South Korea=韩国; Spain=西班牙; Switzerland=瑞士; Turkey=土耳其; United Kingdom=英国; United States=美国
Venezuela=委内瑞拉
""")
WORDS = _pairs("""
Jan=1月; Feb=2月; Mar=3月; Apr=4月; May=5月; Jun=6月; Jul=7月; Aug=8月; Sep=9月; Oct=10月; Nov=11月; Dec=12月
Q1=一季度; Q2=二季度; Q3=三季度; Q4=四季度; Mon=周一; Tue=周二; Wed=周三; Thu=周四; Fri=周五; Sat=周六; Sun=周日
Seattle=西雅图; New York=纽约; Fossil Fuels=化石燃料; Nuclear Energy=核能; Renewables=可再生能源; Month=月份; Year=年份
Country=国家; Region=地区
Government=政府; Construction=建筑业; Manufacturing=制造业; Education and Health=教育与卫生; Information=信息业
Finance=金融业; Agriculture=农业
Mining and Extraction=采矿业; Wholesale and Retail Trade=批发零售业; Leisure and hospitality=休闲住宿业
Transportation and Utilities=交通与公用事业
Business services=商务服务; Self-employed=自雇; Other=其他; Adelie=阿德利企鹅; Gentoo=巴布亚企鹅; Chinstrap=帽带企鹅
USA=美国; Europe=欧洲
Torgersen=托格森岛; Biscoe=比斯科岛; Dream=梦岛; south_asia=南亚; europe_central_asia=欧洲与中亚; middle_east_north_africa=中东与北非
sub_saharan_africa=撒哈拉以南非洲; america=美洲; east_asia_pacific=东亚与太平洋; Climb=爬升; Approach=进近
Landing Roll=着陆滑跑; Take-off run=起飞滑跑
Descent=下降; Parked=停放; Taxi=滑行; En Route=巡航; Day=白天; Night=夜间; Dawn=黎明; Dusk=黄昏; Small=小型; Medium=中型
Large=大型; Men=男; Women=女
drizzle=小雨; rain=雨; sun=晴; snow=雪; fog=雾; Drama=剧情片; Comedy=喜剧片; Action=动作片; Adventure=冒险片; Horror=恐怖片
Musical=音乐片
Documentary=纪录片; Western=西部片; Romantic Comedy=爱情喜剧; Thriller/Suspense=惊悚片; Black Comedy=黑色喜剧
""")
SETS_TEXT = {
    "Month": "Jan; Feb; Mar; Apr; May; Jun; Jul; Aug; Sep; Oct; Nov; Dec",
    "Quarter=季度": "Q1; Q2; Q3; Q4",
    "Weekday=星期": "Mon; Tue; Wed; Thu; Fri; Sat; Sun",
    "Product=产品": (
        "Laptops=笔记本电脑; Phones=手机; Tablets=平板电脑; Cameras=相机; Headphones=耳机; Monitors=显示器; "
        "Printers=打印机; Keyboards=键盘; Speakers=音箱; Routers=路由器"
    ),
    "Food=食品": (
        "Apples=苹果; Bananas=香蕉; Rice=大米; Bread=面包; Milk=牛奶; Eggs=鸡蛋; Cheese=奶酪; Fish=鱼; Beef=牛肉; "
        "Tea=茶叶; Coffee=咖啡; Noodles=面条"
    ),
    "Department=部门": (
        "Sales=销售部; Marketing=市场部; Finance dept.=财务部; Research=研发部; Support=客服部; Legal=法务部; "
        "Design=设计部; Logistics=物流部; Human Resources=人力资源部"
    ),
    "City=城市": (
        "Beijing=北京; Shanghai=上海; London=伦敦; Paris=巴黎; Tokyo=东京; Berlin=柏林; Madrid=马德里; Sydney=悉尼; "
        "Toronto=多伦多; Guangzhou=广州; Chengdu=成都; Rome=罗马"
    ),
    "Region": "North=华北; South=华南; East=华东; West=西部; Central=华中; Northeast=东北; Southwest=西南",
    "Channel=渠道": (
        "Online=线上; Retail stores=零售门店; Wholesale=批发; Partners=合作伙伴; Phone orders=电话订购; Direct sales=直销"
    ),
    "Age group=年龄段": "0-14=0-14岁; 15-24=15-24岁; 25-34=25-34岁; 35-44=35-44岁; 45-54=45-54岁; 55-64=55-64岁; 65+=65岁以上",
    "School subject=科目": (
        "Maths=数学; English=英语; Physics=物理; Chemistry=化学; Biology=生物; History=历史; Geography=地理; Music=音乐; Art=美术"
    ),
    "Team=队伍": "Team A=甲队; Team B=乙队; Team C=丙队; Team D=丁队; Tigers=猛虎队; Eagles=雄鹰队; Sharks=鲨鱼队; Wolves=野狼队",
    "Energy source=能源": "Coal=煤炭; Gas=天然气; Solar=太阳能; Wind=风能; Hydro=水电; Nuclear=核电; Oil=石油; Biomass=生物质能",
    "Transport=交通方式": "Bus=公交车; Metro=地铁; Car=汽车; Bicycle=自行车; Walking=步行; Train=火车; Taxi ride=出租车; Ferry=轮渡",
    "Browser=浏览器": "Chrome; Firefox; Safari; Edge; Opera; Brave",
    "Expense=支出项目": (
        "Rent=房租; Groceries=食品杂货; Utilities=水电费; Transport costs=交通费; Insurance=保险; Clothing=服装; "
        "Education=教育; Travel=旅行; Savings=储蓄"
    ),
    "Sport=运动": (
        "Football=足球; Basketball=篮球; Tennis=网球; Swimming=游泳; Badminton=羽毛球; Running=跑步; Cycling=骑行; Table tennis=乒乓球"
    ),
    "Model=型号": "A100; B200; C310; D45; E7; F900; G12; H8",
}


@dataclass(frozen=True)
class Measure:
    """What a made-up chart counts. `sets`: of what kinds of things; `whole`: the parts add up to something."""

    english: str
    chinese: str
    unit: str
    low: float
    high: float
    decimals: int
    sets: tuple[str, ...]
    whole: bool = False


GOODS, PLACES, TIMES = ("Product", "Food", "Model"), ("City", "Region"), ("Month", "Quarter", "Year")
MEASURES = (
    Measure("Revenue", "营业收入", "$", 40, 900, 0, (*GOODS, *PLACES, *TIMES, "Channel"), True),
    Measure("Sales (thousand units)", "销量（千件）", "", 5, 400, 0, (*GOODS, *PLACES, *TIMES, "Channel"), True),
    Measure("Sales (million yuan)", "销售额（百万元）", "", 2, 90, 1, (*GOODS, *PLACES, *TIMES), True),
    Measure("Profit margin", "利润率", "%", 2, 45, 1, (*GOODS, *PLACES, *TIMES)),
    Measure("Number of employees", "员工人数", "", 10, 500, 0, ("Department", "City", "Region", "Year"), True),
    Measure("Customer visits", "客流量", "", 80, 5000, 0, ("Weekday", "Month", "City"), True),
    Measure("Website traffic (thousands)", "网站访问量（千次）", "", 10, 800, 0, ("Weekday", "Month", "Browser", "Quarter"), True),
    Measure("Average score", "平均分", "", 52, 99, 1, ("School subject", "Year")),
    Measure("Matches won", "获胜场数", "", 1, 40, 0, ("Team", "Year"), True),
    Measure("Electricity output (TWh)", "发电量（太瓦时）", "", 4, 300, 0, ("Energy source", "Year", "Month"), True),
    Measure("Commuters", "通勤人数", "", 200, 9000, 0, ("Transport", "City"), True),
    Measure("Market share", "市场份额", "%", 3, 40, 1, ("Browser", "Product", "Model")),
    Measure("Household spending", "家庭支出", "¥", 200, 8000, 0, ("Expense", "Month"), True),
    Measure("Club members", "俱乐部会员数", "", 12, 300, 0, ("Sport", "Age group", "City"), True),
    Measure("Average temperature", "平均气温", "°C", -8, 33, 1, ("Month", "City")),
    Measure("Rainfall (mm)", "降雨量（毫米）", "", 5, 320, 0, ("Month", "City"), True),
    Measure("Population (millions)", "人口（百万）", "", 1, 40, 1, ("City", "Age group", "Year"), True),
    Measure("Satisfaction", "满意度", "%", 40, 99, 0, ("Department", "Product", "Channel", "Quarter", "Year")),
    Measure("Delivery time", "配送时长", "h", 4, 96, 0, ("City", "Region", "Channel", "Month")),
    Measure("Growth rate", "增长率", "%", -12, 25, 1, ("Year", "Quarter", "Product", "Region")),
    Measure("Production (tonnes)", "产量（吨）", "", 100, 9500, 0, ("Food", "Year", "Month"), True),
    Measure("Defects found", "发现缺陷数", "", 1, 60, 0, ("Model", "Month", "Weekday", "Product"), True),
)
SETS = {name.split("=")[0]: tuple(part.split("=")[0].strip() for part in text.split(";")) for name, text in SETS_TEXT.items()}
CHINESE = {**COUNTRIES, **WORDS, **_pairs(";".join([*SETS_TEXT, *SETS_TEXT.values()]))}
