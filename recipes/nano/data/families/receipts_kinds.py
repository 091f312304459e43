"""The kinds of papers: what each has on it.

kind -> maker(Writer) -> Paper
"""

from __future__ import annotations

from dataclasses import replace

from recipes.nano.data.families.receipts_documents import Field, Maker, Paper, Writer, route, show, start, with_sums

ALL_COLUMNS = ("name", "quantity", "price", "amount")


def shop(writer: Writer) -> Paper:
    """What a till prints."""
    source = writer.source
    head = (*writer.issuer(), *writer.fields(date=writer.date(), time=writer.clock()))
    head += writer.some(0.5, number=writer.digits(source.randint(4, 10)), cashier=writer.person(), payment=_payment(writer))
    paper = start(writer, "shop", "strip", "RECEIPT|SALES RECEIPT|Receipt|CASH RECEIPT", "购物小票|收银小票|销售小票|结账单", head)
    paper = replace(
        paper, items=writer.items("food", source.randint(2, 8), 100, 2500), columns=_columns(writer), footer=_thanks(writer)
    )
    return with_sums(paper, writer, tax=_tax(writer), cash=source.random() < 0.4)


def restaurant(writer: Writer) -> Paper:
    """A bill at the table."""
    source = writer.source
    head = (*writer.issuer(), *writer.fields(date=writer.date(), table=writer.code(source.choice(("9", "A9", "99")))))
    head += writer.some(0.6, time=writer.clock(), guests=str(source.randint(1, 9)), number=writer.digits(5))
    paper = start(writer, "restaurant", "strip", "BILL|Guest Check|CHECK|Table Bill", "结账单|消费清单|点菜单|餐饮小票", head)
    paper = replace(
        paper, items=writer.items("dish", source.randint(2, 7), 300, 4500), columns=_columns(writer), footer=_thanks(writer)
    )
    return with_sums(paper, writer, tax=_tax(writer), tip=source.random() < 0.5)


def fuel(writer: Writer) -> Paper:
    """A receipt of a filling station."""
    source = writer.source
    litres, rate = source.randint(500, 7000), source.randint(95, 899)
    total = (litres * rate + 50) // 100
    kind = writer.choice("Diesel|Unleaded 95|Unleaded 98|Super E10", "92号汽油|95号汽油|98号汽油|0号柴油")
    head = (*writer.issuer(), *writer.fields(date=writer.date(), time=writer.clock(), pump=str(source.randint(1, 16)), fuel=kind))
    head += writer.fields(volume=f"{litres / 100:.2f} L", rate=writer.money.full(rate))
    paper = start(writer, "fuel", "strip", "FUEL RECEIPT|Fuel Sale|PUMP RECEIPT", "加油小票|加油凭证", head, footer=_thanks(writer))
    return replace(paper, totals=writer.fields(total=writer.money.full(total)), cents={"total": total})


def taxi(writer: Writer) -> Paper:
    """A receipt of a ride."""
    source = writer.source
    tenths, total = source.randint(8, 480), source.randint(500, 9900)
    head = (*writer.issuer(), *writer.fields(plate=_plate(writer), date=writer.date(), distance=f"{tenths / 10:.1f} km"))
    head += writer.some(0.6, time=writer.clock(), number=writer.digits(8), payment=_payment(writer))
    paper = start(writer, "taxi", "strip", "TAXI RECEIPT|Cab Receipt|Ride Receipt", "出租车发票|乘车发票", head)
    return replace(paper, totals=writer.fields(total=writer.money.full(total)), cents={"total": total})


def parking(writer: Writer) -> Paper:
    """A ticket of a car park."""
    source = writer.source
    came = source.randrange(6 * 60, 18 * 60)
    left = came + source.randint(10, 300)
    total = source.randint(1, 60) * 50
    head = (
        *writer.issuer(),
        *writer.fields(plate=_plate(writer), date=writer.date(), entry=writer.clock(came), exit=writer.clock(left)),
    )
    paper = start(writer, "parking", "strip", "PARKING TICKET|Car Park|PARKING RECEIPT", "停车收费单|停车票|停车小票", head)
    return replace(paper, totals=writer.fields(total=writer.money.full(total)), cents={"total": total})


def invoice(writer: Writer) -> Paper:
    """A page for a customer to pay."""
    return _page(
        writer, "invoice", "INVOICE|Invoice|Tax Invoice", "发票|电子发票|销售发票", writer.date(writer.source.choice((7, 14, 30)))
    )


def quotation(writer: Writer) -> Paper:
    """A page with an offer."""
    return _page(writer, "quotation", "QUOTATION|Quote|Offer", "报价单|报价表", "")


def _page(writer: Writer, kind: str, en: str, zh: str, due: str) -> Paper:
    source = writer.source
    head = writer.issuer()
    head += writer.fields(
        number=writer.code(source.choice(("AA-99999", "2099-9999", "999999", "A999/99"))), date=writer.date(), buyer=writer.company()
    )
    head += writer.fields(due=due) if due else writer.some(0.7, expiry=writer.date(30))
    head += writer.some(0.4, account=writer.digits(12), email=_email(writer))
    paper = replace(start(writer, kind, "page", en, zh, head), columns=ALL_COLUMNS, footer=_thanks(writer))
    paper = replace(paper, items=writer.items("service", source.randint(2, 8), 1000, 90000))
    return with_sums(paper, writer, tax=_tax(writer) or 0.1)


def utility(writer: Writer) -> Paper:
    """A bill for power, water or gas by meter."""
    source = writer.source
    before, used, rate = source.randint(100, 90000), source.randint(5, 900), source.randint(5, 480)
    total = used * rate
    unit = source.choice(("kWh", "m³"))
    head = (*writer.issuer(), *writer.fields(account=writer.digits(10), buyer=writer.person(), period=writer.day.strftime("%Y-%m")))
    head += writer.fields(previous=str(before), current=str(before + used), usage=f"{used} {unit}", rate=writer.money.full(rate))
    head += writer.fields(due=writer.date(20))
    title = "ELECTRICITY BILL|Energy Bill" if unit == "kWh" else "WATER BILL|Gas Bill"
    paper = start(writer, "utility", "page", title, "电费账单|电费通知单" if unit == "kWh" else "水费账单|燃气费账单", head)
    return replace(paper, totals=writer.fields(total=writer.money.full(total)), cents={"total": total})


def hotel(writer: Writer) -> Paper:
    """Nights and extras."""
    source = writer.source
    nights = source.randint(1, 7)
    head = (*writer.issuer(), *writer.fields(guest=writer.person(), room=writer.digits(source.choice((3, 4)))))
    head += writer.fields(check_in=writer.date(), check_out=writer.date(nights), number=writer.digits(6))
    paper = replace(
        start(writer, "hotel", "page", "HOTEL BILL|Guest Folio|Room Invoice", "酒店账单|住宿清单", head), columns=ALL_COLUMNS
    )
    room = replace(
        writer.items("dish", 1, 4000, 30000)[0],
        name=writer.choice("Room per night|Double room", "房费（每晚）|双人房"),
        quantity=nights,
    )
    room = replace(room, amount=room.price * nights)
    paper = replace(paper, items=(room, *writer.items("dish", source.randint(1, 4), 300, 4000)), footer=_thanks(writer))
    return with_sums(paper, writer, tax=_tax(writer))


def transfer(writer: Writer) -> Paper:
    """A slip of a bank."""
    cents = writer.source.randint(1000, 9_000_000)
    head = (
        writer.field(
            "issuer",
            writer.choice("City Bank|Harbour Bank|First Union Bank|Northern Savings", "城市银行|海港银行|联合银行|北方储蓄"),
            label=False,
        ),
    )
    head += writer.fields(date=writer.date(), payer=writer.person(), payee=writer.company(), account=writer.digits(14))
    head += writer.fields(amount=writer.money.full(cents), number=writer.code("AA9999999"))
    head += writer.some(
        0.7, purpose=writer.choice("Rent|Salary|Invoice payment|Deposit|School fees|Gift", "房租|工资|货款|押金|学费|礼金")
    )
    title = ("TRANSFER RECEIPT|Payment Slip|Bank Transfer", "转账凭证|电子回单|汇款回执")
    return start(writer, "transfer", "ticket", *title, head, cents={"amount": cents})


def train(writer: Writer) -> Paper:
    """A railway ticket."""
    source, (origin, goal), cents = writer.source, route(writer), writer.source.randint(5, 900) * 50
    number = writer.code("A999") if writer.language == "en" else source.choice("GDKZT") + writer.digits(source.choice((2, 3, 4)))
    head = writer.fields(**{"from": origin, "to": goal}, train=number, date=writer.date(), departs=writer.clock())
    head += writer.fields(
        coach=str(source.randint(1, 16)), seat=f"{source.randint(1, 18)}{source.choice('ABCDF')}", price=writer.money.full(cents)
    )
    head += writer.fields(**{"class": writer.choice("First|Second|Standard", "一等座|二等座|商务座|硬座")})
    head += writer.some(0.7, passenger=writer.person(), number=writer.code("A9999999"))
    return start(writer, "train", "ticket", "TRAIN TICKET|Rail Ticket|RAILWAY", "火车票|铁路客票", head, cents={"price": cents})


def boarding(writer: Writer) -> Paper:
    """A boarding pass."""
    source, (origin, goal) = writer.source, route(writer)
    head = writer.fields(
        passenger=writer.person(), flight=writer.code("AA" + source.choice(("999", "9999"))), **{"from": origin, "to": goal}
    )
    head += writer.fields(date=writer.date(), gate=writer.code(source.choice(("A9", "A99", "99"))), boarding=writer.clock())
    head += writer.fields(seat=f"{source.randint(1, 42)}{source.choice('ABCDEF')}")
    head += writer.some(0.7, **{"class": writer.choice("Economy|Business|First", "经济舱|公务舱|头等舱")})
    return start(writer, "boarding", "ticket", "BOARDING PASS|Boarding Pass", "登机牌", head)


def cinema(writer: Writer) -> Paper:
    """A cinema ticket."""
    source, cents = writer.source, writer.source.randint(10, 180) * 50
    row = source.randint(1, 20)
    seat = f"{source.choice('ABCDEFGHJ')}{row}" if writer.language == "en" else f"{source.randint(1, 15)}排{row}座"
    head = (
        writer.field(
            "issuer",
            writer.choice("Star Cinema|Grand Pictures|Odeon House|Lumen Cinema", "星光影城|大世界影院|万象影城|蓝天影院"),
            label=False,
        ),
    )
    head += writer.fields(
        film=show(writer, "film"), date=writer.date(), time=writer.clock(), hall=str(source.randint(1, 12)), seat=seat
    )
    head += writer.fields(price=writer.money.full(cents))
    head += writer.some(0.5, number=writer.digits(10))
    return start(writer, "cinema", "ticket", "ADMIT ONE|Cinema Ticket|MOVIE TICKET", "电影票|入场券", head, cents={"price": cents})


def event(writer: Writer) -> Paper:
    """A ticket to a show."""
    cents = writer.source.randint(5, 900) * 100
    place = writer.choice("Town Hall|City Stadium|Opera House|Riverside Park|Old Theatre", "市民中心|体育场|大剧院|滨江公园|文化宫")
    head = writer.fields(event=show(writer, "event"), venue=place, date=writer.date(), time=writer.clock())
    head += writer.fields(seat=writer.code(writer.source.choice(("A-99", "A9", "99A"))), price=writer.money.full(cents))
    head += writer.some(0.5, number=writer.code("AA999999"))
    return start(writer, "event", "ticket", "TICKET|ENTRANCE TICKET|Admission", "门票|入场券|演出票", head, cents={"price": cents})


def identity(writer: Writer) -> Paper:
    """A card that says who someone is."""
    born = writer.day.replace(year=writer.day.year - writer.source.randint(18, 70))
    head = writer.fields(name=writer.person(), sex=writer.choice("F|M", "男|女"), birth=born.isoformat())
    head += writer.fields(id=writer.code(writer.source.choice(("A99999999", "999999999", "AA9999999")))) + writer.some(
        0.6, address=writer.address()
    )
    head += writer.fields(expiry=writer.date(3652))
    return start(writer, "identity", "card", "IDENTITY CARD|Identification Card|RESIDENT CARD", "身份卡|居民卡|居住证", head)


def staff(writer: Writer) -> Paper:
    """A card of a company for those who work there."""
    head = (writer.field("issuer", writer.company(), label=False), *writer.fields(name=writer.person(), job=_job(writer)))
    head += writer.fields(
        department=writer.choice("Sales|Research|Finance|Design|Support|Legal", "销售部|研发部|财务部|设计部|客服部|法务部")
    )
    head += writer.fields(id=writer.digits(6)) + writer.some(0.4, expiry=writer.date(365))
    return start(writer, "staff", "card", "STAFF CARD|Employee ID|STAFF PASS", "工作证|员工证", head)


def student(writer: Writer) -> Paper:
    """A card of a school."""
    towns = route(writer)
    school = (
        f"{towns[0]} {writer.choice('University|College|High School', '')}"
        if writer.language == "en"
        else towns[0] + writer.choice("", "大学|学院|第一中学|实验中学")
    )
    head = (writer.field("school", school.strip(), label=False), *writer.fields(name=writer.person(), id=writer.digits(8)))
    head += writer.fields(expiry=writer.date(900)) + writer.some(0.5, birth=writer.day.replace(year=writer.day.year - 18).isoformat())
    return start(writer, "student", "card", "STUDENT CARD|Student ID", "学生证|学生卡", head)


def business_card(writer: Writer) -> Paper:
    """A card to hand over."""
    plain = [
        writer.field(key, value, label=False)
        for key, value in (("name", writer.person()), ("job", _job(writer)), ("issuer", writer.company()))
    ]
    head: tuple[Field, ...] = (*plain, *writer.fields(phone=writer.phone(), email=_email(writer)))
    head += writer.some(0.6, address=writer.address(), website=f"www.{_email(writer).partition('@')[2]}")
    return start(writer, "business_card", "card", "", "", head)


def parcel(writer: Writer) -> Paper:
    """A label on a parcel."""
    source = writer.source
    head = writer.fields(sender=writer.person(), receiver=writer.person(), address=writer.address(), phone=writer.phone())
    head += writer.fields(
        tracking=writer.code(source.choice(("AA999999999", "999999999999", "A99999999"))),
        weight=f"{source.randint(1, 200) / 10:.1f} kg",
    )
    head += writer.some(0.5, date=writer.date())
    return start(writer, "parcel", "label", "EXPRESS|PRIORITY MAIL|PARCEL", "快递面单|特快专递|标准快递", head)


def price_tag(writer: Writer) -> Paper:
    """A tag on a shelf."""
    cents = writer.source.randint(50, 9999)
    item = writer.items("food", 1, 100, 5000)[0]
    head = (writer.field("product", item.name, label=False), writer.field("price", writer.money.full(cents), label=False))
    head += writer.fields(barcode=writer.digits(13)) + writer.some(0.5, origin=_country(writer))
    return start(writer, "price_tag", "label", "SPECIAL OFFER|PRICE|OFFER", "价格标签|特价|商品标价签", head, cents={"price": cents})


def food(writer: Writer) -> Paper:
    """A label on food."""
    source = writer.source
    item = writer.items("food", 1, 100, 5000)[0]
    head = (
        writer.field("product", item.name, label=False),
        *writer.fields(weight=f"{source.randint(5, 200) * 10} g", origin=_country(writer)),
    )
    head += writer.fields(
        made=writer.date(), best_before=writer.date(source.randint(20, 700)), batch=writer.code("A9999"), barcode=writer.digits(13)
    )
    return start(writer, "food", "label", "PRODUCT INFORMATION|Food Label", "产品信息|食品标签", head)


def medicine(writer: Writer) -> Paper:
    """A label of a pharmacy; the names of the medicines are invented."""
    source = writer.source
    drug = writer.choice("Calmoril|Vexadine|Torbinol|Sanovita|Relaxan", "清宁片|维康胶囊|安舒颗粒|润肺糖浆|复健片")
    times = source.randint(1, 4)
    dose = (
        f"{source.randint(1, 3)} tablets, {times} x daily"
        if writer.language == "en"
        else f"每日{times}次，每次{source.randint(1, 3)}片"
    )
    head = (
        *writer.issuer()[:1],
        *writer.fields(patient=writer.person(), medicine=f"{drug} {source.choice((5, 10, 20, 50, 100, 250))} mg", dose=dose),
    )
    head += writer.fields(date=writer.date(), expiry=writer.date(500)) + writer.some(0.5, batch=writer.code("AA999"))
    return start(writer, "medicine", "label", "PHARMACY|Prescription", "药房|处方标签", head)


def _columns(writer: Writer) -> tuple[str, ...]:
    return writer.source.choice((ALL_COLUMNS, ALL_COLUMNS, ("name", "quantity", "amount"), ("name", "amount")))


def _tax(writer: Writer) -> float | None:
    if writer.source.random() < (0.3 if writer.language == "en" else 0.7):
        return None
    return writer.source.choice((0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.13, 0.2))


def _payment(writer: Writer) -> str:
    return writer.choice("Cash|Card|Credit card|Debit card|Voucher|Mobile", "现金|银行卡|信用卡|微信支付|支付宝|储值卡")


def _thanks(writer: Writer) -> str:
    return writer.choice("Thank you!|THANK YOU FOR YOUR VISIT|Please come again||", "谢谢惠顾|欢迎再次光临|感谢您的光临||")


def _job(writer: Writer) -> str:
    return writer.choice(
        "Manager|Engineer|Designer|Accountant|Sales Director|Editor|Analyst|Architect",
        "经理|工程师|设计师|会计|销售总监|编辑|分析师|建筑师",
    )


def _country(writer: Writer) -> str:
    return writer.choice(
        "Italy|Spain|France|Kenya|Chile|Japan|Canada|Norway|Peru|India", "山东|云南|新疆|福建|四川|泰国|智利|意大利|新西兰|法国"
    )


def _plate(writer: Writer) -> str:
    if writer.language == "en":
        return writer.code(writer.source.choice(("AAA 999", "AA99 AAA", "999-AAA")))
    return writer.source.choice("京沪粤浙苏川鄂湘") + writer.code("A·99A99")


def _email(writer: Writer) -> str:
    from recipes.nano.data import texts

    return texts.email(writer.source, writer.language)


MAKERS: dict[str, Maker] = {
    maker.__name__: maker
    for maker in (
        *(shop, restaurant, fuel, taxi, parking, invoice, quotation, utility, hotel, transfer, train, boarding),
        *(cinema, event, identity, staff, student, business_card, parcel, price_tag, food, medicine),
    )
}
