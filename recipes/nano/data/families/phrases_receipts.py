"""Words of papers and questions about them: what fields are called on paper, in questions, and what can be bought.

key -> Key(labels printed en/zh, name in questions en/zh)        task -> {language: phrasings}
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """A field of a paper. printed: labels that papers use; asked: its name in a question; natural: whole questions about it."""

    printed_en: tuple[str, ...]
    printed_zh: tuple[str, ...]
    asked_en: str
    asked_zh: str
    natural_en: tuple[str, ...] = ()
    natural_zh: tuple[str, ...] = ()

    def printed(self, language: str) -> tuple[str, ...]:
        """Labels in a language."""
        return self.printed_zh if language == "zh" else self.printed_en

    def asked(self, language: str) -> str:
        """The name in a question."""
        return self.asked_zh if language == "zh" else self.asked_en

    def natural(self, language: str) -> tuple[str, ...]:
        """Questions that fit this field alone."""
        return self.natural_zh if language == "zh" else self.natural_en


def _key(en: str, zh: str, asked: str, natural_en: str = "", natural_zh: str = "") -> Key:
    """Labels and questions are written with bars between them; the first Chinese label is also the name in questions."""
    labels_zh = tuple(zh.split("|"))
    return Key(tuple(en.split("|")), labels_zh, asked, labels_zh[0], _split(natural_en), _split(natural_zh))


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


KEYS: dict[str, Key] = {
    "issuer": _key(
        "", "商家", "name of the business", "Who issued this?|Which company is it from?", "这是哪家开的？|是哪个单位开具的？"
    ),
    "address": _key(
        "Address|Addr.",
        "地址|详细地址",
        "address",
        "What address is printed?|Which address does it give?",
        "上面印的地址是什么？|地址写的是哪里？",
    ),
    "phone": _key("Phone|Tel|Tel.|Call", "电话|联系电话", "phone number", "Which number can I call?", "可以打什么电话？"),
    "email": _key("Email|E-mail|Mail", "邮箱|电子邮箱", "email address", "Where can I send an email?", "可以发邮件到哪里？"),
    "date": _key(
        "Date|DATE|Day",
        "日期",
        "date",
        "What date is on it?|Which day does it show?",
        "上面印的是哪一天？|日期是哪天？",
    ),
    "time": _key("Time", "时间", "time", "What time is printed?|At what time was it?", "是几点？|上面写的是几点？"),
    "number": _key("No.|Number|Ref. No.|Document No.", "编号|单号|票号", "number of the document", "", "编号是多少？"),
    "cashier": _key(
        "Cashier|Served by|Clerk", "收银员|营业员", "cashier", "Who was at the till?|Who served the customer?", "收银员是谁？"
    ),
    "table": _key("Table|Table No.", "桌号|台号", "table number", "At which table did they sit?", "坐的是几号桌？"),
    "guests": _key("Guests|Covers", "人数|用餐人数", "number of guests", "How many guests were there?", "有几位客人？"),
    "subtotal": _key("Subtotal|Sub-total|Net", "小计|商品金额", "subtotal", "How much is it before tax?", "小计是多少？"),
    "discount": _key("Discount|Savings|Coupon", "优惠|折扣|优惠金额", "discount", "How much was taken off?", "优惠了多少？"),
    "tax": _key("Tax|Sales tax|VAT", "税额|税费", "tax", "How much tax is there?|How much is the tax?", "税是多少？"),
    "tip": _key("Tip|Gratuity", "小费", "tip", "How much tip was given?", "给了多少小费？"),
    "service": _key("Service charge|Service", "服务费", "service charge", "How much is charged for service?", "服务费是多少？"),
    "total": _key(
        "Total|TOTAL|Amount due|Grand total|Total due",
        "合计|总计|应付金额|总金额",
        "total",
        "How much is it in total?|What does it come to?|How much has to be paid?|What's the total?",
        "一共多少钱？|总共要付多少？|总金额是多少？",
    ),
    "paid": _key("Cash|Paid|Tendered", "实收|现金|收款", "amount handed over", "How much did the customer hand over?", "实收多少？"),
    "change": _key("Change", "找零", "change", "How much change was given?", "找了多少钱？"),
    "payment": _key("Payment|Paid by|Method", "支付方式|付款方式", "way of payment", "How was it paid?", "是怎么付款的？"),
    "buyer": _key(
        "Bill to|Customer|Sold to|Client",
        "购买方|客户|客户名称",
        "customer",
        "Who is the customer?|Who has to pay?",
        "客户是谁？|买方是谁？",
    ),
    "due": _key(
        "Due date|Pay by|Payment due", "付款期限|缴费截止日|截止日期", "due date", "By when must it be paid?", "最晚什么时候付款？"
    ),
    "account": _key("Account No.|Account", "账号|户号", "account number", "", "账号是多少？"),
    "period": _key("Period|Billing month", "账期|计费月份", "billing period", "Which month is billed?", "是哪个月的账单？"),
    "previous": _key("Previous reading|Last reading", "上期读数|上次示数", "previous reading", "", "上期读数是多少？"),
    "current": _key("Current reading|This reading", "本期读数|本次示数", "current reading", "", "本期读数是多少？"),
    "usage": _key("Usage|Consumption", "用量|本期用量", "usage", "How much was used?", "用了多少？"),
    "rate": _key("Unit price|Rate", "单价|费率", "unit price", "", "单价是多少？"),
    "passenger": _key(
        "Passenger|Name of passenger|Name", "乘客|旅客姓名|乘客姓名", "passenger", "Who is travelling?", "乘客是谁？|谁要出行？"
    ),
    "from": _key("From|Departure|Origin", "出发地|始发站|出发", "place of departure", "Where does the journey start?", "从哪里出发？"),
    "to": _key(
        "To|Arrival|Destination",
        "目的地|到达站|到达",
        "destination",
        "Where does it go?|Where is the journey going?",
        "要去哪里？|到哪里？",
    ),
    "flight": _key("Flight|Flight No.", "航班号|航班", "flight number", "Which flight is it?", "是哪个航班？"),
    "train": _key("Train|Train No.", "车次", "train number", "Which train is it?", "是哪趟车？"),
    "gate": _key("Gate", "登机口", "gate", "Which gate is it?|Where do they board?", "在几号登机口？"),
    "boarding": _key("Boarding|Boarding time", "登机时间", "boarding time", "When does boarding start?", "几点登机？"),
    "departs": _key("Departs|Departure time|Leaves", "开车时间|发车时间", "departure time", "When does it leave?", "几点发车？"),
    "coach": _key("Coach|Car", "车厢", "coach", "Which coach is it?", "在几号车厢？"),
    "seat": _key("Seat|Seat No.", "座位|座位号", "seat", "Which seat is it?|Where does one sit?", "座位号是多少？|坐哪个位子？"),
    "class": _key("Class", "席别|舱位", "class", "What class is it?", "是什么席别？"),
    "price": _key("Price|Fare", "票价|价格", "price", "How much does it cost?|What did it cost?", "多少钱？|价格是多少？"),
    "film": _key("Film|Movie", "影片|片名", "film", "Which film is shown?", "看的是什么电影？"),
    "hall": _key("Hall|Screen", "影厅|厅号", "hall", "In which hall is it?", "在几号厅？"),
    "event": _key("Event|Show", "演出|活动名称", "event", "What is the ticket for?", "这是什么活动的票？"),
    "venue": _key("Venue|Place", "场馆|地点", "venue", "Where does it take place?", "在哪里举行？"),
    "plate": _key("Plate|Licence plate|Vehicle", "车牌号|车牌", "licence plate", "Which car is it for?", "车牌号是多少？"),
    "entry": _key("Entry|Entered|Time in", "入场时间|进场时间", "time of entry", "When did the car come in?", "车什么时候进场的？"),
    "exit": _key("Exit|Left|Time out", "出场时间|离场时间", "time of exit", "When did the car leave?", "车什么时候离场的？"),
    "name": _key("Name|Full name", "姓名", "name", "Whose is it?|What is the person called?", "这是谁的？|叫什么名字？"),
    "sex": _key("Sex", "性别", "sex", "", "性别是什么？"),
    "birth": _key("Date of birth|Born|Birth date", "出生日期|出生", "date of birth", "When was the person born?", "哪天出生的？"),
    "id": _key("ID No.|Card No.|ID", "证件号|卡号", "ID number", "", "证件号是多少？"),
    "expiry": _key("Expires|Valid until|Expiry", "有效期至|有效期", "expiry date", "Until when is it valid?", "有效期到什么时候？"),
    "job": _key("Position|Title|Role", "职位|职务", "position", "What is the person's job?", "是做什么工作的？|职位是什么？"),
    "department": _key("Department|Dept.", "部门", "department", "In which department is it?", "在哪个部门？"),
    "school": _key("School|Institute", "学校", "school", "Which school is it?", "是哪所学校？"),
    "sender": _key("From|Sender|Ship from", "寄件人|发件人", "sender", "Who sent it?", "谁寄的？|寄件人是谁？"),
    "receiver": _key(
        "To|Ship to|Recipient|Deliver to", "收件人|收货人", "recipient", "Who is it for?|Who gets it?", "寄给谁的？|收件人是谁？"
    ),
    "tracking": _key("Tracking No.|Tracking|Waybill", "运单号|快递单号", "tracking number", "", "快递单号是多少？"),
    "weight": _key("Weight|Wt.", "重量", "weight", "How heavy is it?", "有多重？|重量是多少？"),
    "product": _key("Product|Item|Article", "品名|产品名称|商品名称", "product", "What product is it?", "是什么产品？|这是什么商品？"),
    "barcode": _key("Code|Item code|EAN", "条码|商品编码", "number under the barcode", "", "条码号是多少？"),
    "origin": _key("Made in|Country of origin|Origin", "产地|原产地", "place of origin", "Where was it made?", "产地是哪里？"),
    "made": _key("Produced|Packed on|MFG", "生产日期", "production date", "When was it produced?", "什么时候生产的？"),
    "best_before": _key(
        "Best before|Use by|EXP", "保质期至|最佳食用日期", "best-before date", "Until when does it keep?", "保质期到哪天？"
    ),
    "batch": _key("Lot|Batch|Batch No.", "批号", "batch number", "", "批号是多少？"),
    "patient": _key("Patient", "患者|病人姓名", "patient", "Who is the medicine for?", "药是给谁的？"),
    "medicine": _key("Medicine|Drug", "药品|药品名称", "medicine", "Which medicine is it?", "是什么药？"),
    "dose": _key("Dose|Directions", "用法用量|用法", "directions", "How should it be taken?", "怎么服用？"),
    "payer": _key("Payer|From account of", "付款人", "payer", "Who paid?", "谁付的款？"),
    "payee": _key("Payee|In favour of", "收款人", "payee", "Who gets the money?", "收款人是谁？"),
    "amount": _key(
        "Amount|Sum", "金额|转账金额", "amount", "How much money was transferred?|How much is it?", "金额是多少？|转了多少钱？"
    ),
    "purpose": _key("Purpose|Reference|Memo", "用途|附言", "purpose", "What is the payment for?", "用途是什么？"),
    "guest": _key("Guest|Guest name", "住客|宾客姓名", "guest", "Who stayed there?", "住客是谁？"),
    "room": _key("Room|Room No.", "房号|房间号", "room number", "Which room is it?", "房间号是多少？"),
    "check_in": _key("Check-in|Arrival", "入住日期|入住", "check-in date", "When did the guest arrive?", "哪天入住？"),
    "check_out": _key("Check-out|Departure", "退房日期|离店日期", "check-out date", "When did the guest leave?", "哪天退房？"),
    "website": _key("Web|Website", "网址|网站", "website", "", "网址是什么？"),
    "pump": _key("Pump|Pump No.", "油枪号|枪号", "pump number", "Which pump was used?", "几号油枪？"),
    "fuel": _key("Fuel|Product", "油品", "kind of fuel", "What fuel was bought?", "加的是什么油？"),
    "volume": _key("Volume|Litres", "加油量|升数", "volume", "How much fuel was bought?", "加了多少升？"),
    "distance": _key("Distance|Trip", "里程|行驶里程", "distance", "How far was the ride?", "跑了多远？"),
    "blood": _key("", "血型", "blood type"),
    "nationality": _key("", "国籍", "nationality"),
    "insurance": _key("", "保险号", "insurance number"),
    "password": _key("", "密码", "password"),
    "iban": _key("", "国际银行账号", "IBAN"),
    "licence": _key("", "许可证号", "licence number"),
    "points": _key("", "会员积分", "number of bonus points"),
}
# Never printed by any paper here: asking for one is always asking for what isn't there.
NEVER_PRINTED = ("blood", "nationality", "insurance", "password", "iban", "licence", "points")
# Fields of one meaning: asking for one where another stands would have two right answers.
ALIKE: tuple[frozenset[str], ...] = (
    frozenset({"date", "due", "period", "birth", "expiry", "made", "best_before", "check_in", "check_out"}),
    frozenset({"time", "entry", "exit", "boarding", "departs"}),
    frozenset({"number", "account", "id", "tracking", "barcode", "batch", "flight", "train", "licence", "insurance", "iban"}),
    frozenset({"subtotal", "total", "paid", "amount", "price", "rate"}),
    frozenset({"buyer", "passenger", "name", "sender", "receiver", "patient", "payer", "payee", "guest", "cashier"}),
    frozenset({"from", "to", "address", "venue", "origin", "hall", "event", "film", "issuer", "school", "sender", "receiver"}),
    frozenset({"tip", "service"}),
    frozenset({"weight", "volume", "usage"}),
    frozenset({"medicine", "product", "fuel"}),
    frozenset({"room", "hall", "table", "pump", "gate", "coach"}),
)

KIND_NAMES: dict[str, tuple[str, str]] = {
    "shop": ("a shop receipt", "购物小票"),
    "restaurant": ("a restaurant bill", "餐厅账单"),
    "fuel": ("a fuel receipt", "加油小票"),
    "taxi": ("a taxi receipt", "出租车发票"),
    "parking": ("a parking ticket", "停车票"),
    "invoice": ("an invoice", "发票"),
    "quotation": ("a quotation", "报价单"),
    "utility": ("a utility bill", "缴费账单"),
    "hotel": ("a hotel bill", "酒店账单"),
    "transfer": ("a bank transfer slip", "银行转账单"),
    "train": ("a train ticket", "火车票"),
    "boarding": ("a boarding pass", "登机牌"),
    "cinema": ("a cinema ticket", "电影票"),
    "event": ("an event ticket", "演出门票"),
    "identity": ("an identity card", "身份卡"),
    "staff": ("a staff card", "工作证"),
    "student": ("a student card", "学生证"),
    "business_card": ("a business card", "名片"),
    "parcel": ("a shipping label", "快递面单"),
    "price_tag": ("a price tag", "价格标签"),
    "food": ("a food label", "食品标签"),
    "medicine": ("a medicine label", "药品标签"),
}

# ---- questions -------------------------------------------------------------------------------------------------------------------
PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "json": {
        "en": (
            "Convert this to JSON.",
            "Give me everything on this paper as JSON.",
            "Extract all fields as JSON.",
            "Turn the picture into a JSON object.",
            "Read the whole document and answer in JSON.",
            "Output all information here in JSON format.",
            "Please transcribe this document to JSON.",
            "List every field and its value as JSON.",
            "What does it say? Answer as JSON only.",
        ),
        "zh": (
            "把这张图转成 JSON。",
            "请用 JSON 给出上面的全部内容。",
            "提取所有字段，用 JSON 输出。",
            "读出整张单据，以 JSON 回答。",
            "将图片内容整理为 JSON。",
            "请把全部信息输出为 JSON 格式。",
            "把每个字段和它的值列成 JSON。",
            "结构化输出这张图的内容，只要 JSON。",
        ),
    },
    "json_some": {
        "en": (
            "Extract {names} as JSON; null if it is not there.",
            "Give me a JSON object with {names}. Use null for what is missing.",
            "JSON with the keys {names}, please; null where there is none.",
            "Read {names} and answer as JSON, with null for missing ones.",
        ),
        "zh": (
            "用 JSON 给出{names}，没有的填 null。",
            "提取{names}，输出 JSON，缺少的用 null。",
            "读出{names}，以 JSON 回答，没有就写 null。",
        ),
    },
    "field": {
        "en": (
            "What is the {name}?",
            "What's the {name}?",
            "Tell me the {name}.",
            "Read the {name}.",
            "Which {name} is printed?",
            "What {name} does it show?",
            "Please give me the {name}.",
            "Find the {name}.",
            "{Name}?",
            "I need the {name}.",
        ),
        "zh": (
            "{name}是什么？",
            "上面的{name}是什么？",
            "请读出{name}。",
            "告诉我{name}。",
            "图中的{name}是多少？",
            "找出{name}。",
            "{name}？",
            "帮我看一下{name}。",
            "{name}写的是什么？",
        ),
    },
    "label": {
        "en": (
            'What stands next to "{label}"?',
            'What is the value of "{label}"?',
            'Read what is written for "{label}".',
            'What does it say under or beside "{label}"?',
        ),
        "zh": ("“{label}”后面写的是什么？", "“{label}”一栏的内容是什么？", "读出“{label}”对应的内容。", "“{label}”是什么？"),
    },
    "kind": {
        "en": (
            "What kind of document is this?",
            "What is this?",
            "What sort of paper is shown?",
            "What do I see here?",
            "Name the type of document.",
        ),
        "zh": ("这是什么单据？", "这是什么？", "图中是哪种证件或票据？", "这张图是什么类型？", "请说出它的类型。"),
    },
    "price_of": {
        "en": (
            "How much is {item}?",
            "What does {item} cost in all?",
            "What is the amount for {item}?",
            "How much was paid for {item}?",
            "Which amount stands behind {item}?",
        ),
        "zh": ("{item}多少钱？", "{item}的金额是多少？", "{item}一共多少钱？", "买{item}花了多少？"),
    },
    "quantity_of": {
        "en": (
            "How many {item} were bought?",
            "What is the quantity of {item}?",
            "How many times is {item} counted?",
            "Quantity of {item}?",
        ),
        "zh": ("{item}买了几件？", "{item}的数量是多少？", "{item}有几份？", "{item}数量？"),
    },
    "unit_of": {
        "en": ("What is the unit price of {item}?", "What does one {item} cost?", "Price of a single {item}?"),
        "zh": ("{item}的单价是多少？", "一份{item}多少钱？", "{item}单价？"),
    },
    "count": {
        "en": (
            "How many different items are listed?",
            "How many lines of items are there?",
            "Count the items on the list.",
            "How many kinds of items are there?",
        ),
        "zh": ("一共列了几种商品？", "有几行项目？", "数一数有几种商品。", "清单上有多少项？"),
    },
    "list": {
        "en": ("List the items.", "Which items are on it?", "What was bought? List all of it.", "Name every item."),
        "zh": ("列出所有项目。", "上面有哪些商品？", "买了什么？请全部列出。", "说出每一项的名称。"),
    },
    "most": {
        "en": (
            "Which item costs the most?",
            "What is the most expensive line?",
            "Which line has the highest amount?",
            "What was the biggest item?",
        ),
        "zh": ("哪一项金额最高？", "最贵的是哪一项？", "金额最大的项目是什么？", "花钱最多的是什么？"),
    },
    "least": {
        "en": ("Which item costs the least?", "What is the cheapest line?", "Which line has the lowest amount?"),
        "zh": ("哪一项金额最低？", "最便宜的是哪一项？", "金额最小的项目是什么？"),
    },
    "sum_two": {
        "en": ("How much are {a} and {b} together?", "Add the amounts of {a} and {b}.", "What do {a} and {b} cost together?"),
        "zh": ("{a}和{b}一共多少钱？", "把{a}和{b}的金额加起来。", "{a}加{b}是多少钱？"),
    },
    "difference": {
        "en": (
            "How much more does {a} cost than {b}?",
            "What is the difference between {a} and {b}?",
            "By how much is {a} dearer than {b}?",
        ),
        "zh": ("{a}比{b}贵多少？", "{a}和{b}相差多少钱？", "{a}的金额比{b}多多少？"),
    },
    "compare": {
        "en": ("Which costs more, {a} or {b}?", "What is dearer: {a} or {b}?", "{a} or {b}: which amount is higher?"),
        "zh": ("{a}和{b}哪个更贵？", "{a}与{b}，哪个金额更高？", "哪个花钱多，{a}还是{b}？"),
    },
    "above": {
        "en": (
            "How many items cost more than {limit}?",
            "How many lines are above {limit}?",
            "Count the items with an amount over {limit}.",
        ),
        "zh": ("金额超过 {limit} 的有几项？", "有几项比 {limit} 贵？", "数一数金额大于 {limit} 的项目。"),
    },
    "yes_no": {
        "en": ("Is the total more than {limit}?", "Is the total above {limit}?", "Does it come to more than {limit}?"),
        "zh": ("总金额超过 {limit} 吗？", "合计大于 {limit} 吗？", "总共是不是多于 {limit}？"),
    },
    "box": {
        "en": (
            "Where is <ref>{name}</ref>? Give its box.",
            "Find <ref>{name}</ref> in the picture.",
            "Give the bounding box of <ref>{name}</ref>.",
            "Locate <ref>{name}</ref>.",
        ),
        "zh": (
            "<ref>{name}</ref>在哪里？请给出方框。",
            "在图中找到<ref>{name}</ref>。",
            "给出<ref>{name}</ref>的位置框。",
            "定位<ref>{name}</ref>。",
        ),
    },
    "read_box": {
        "en": ("What is written in {box}?", "Read the text in {box}.", "Which text stands at {box}?"),
        "zh": ("{box}里写的是什么？", "读出{box}中的文字。", "{box}处的文字是什么？"),
    },
}
ABSENT = {"en": ("The picture does not show that.",), "zh": ("图中没有。",)}
YES_NO = {"en": ("Yes.", "No."), "zh": ("是的。", "不是。")}
