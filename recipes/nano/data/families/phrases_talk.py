"""What can be said without a picture: who the model is, thanks, small sums, a few plain facts, and what it can't know.

intent -> {language: (questions, answers)}        capitals, opposites, counts: tables of facts that don't change
"""

from __future__ import annotations

from typing import TypeAlias

Lines: TypeAlias = tuple[str, ...]


def _lines(text: str) -> Lines:
    return tuple(text.split("|"))


def _capitals(text: str) -> tuple[tuple[str, str, str, str], ...]:
    rows = (row.split("/") for row in text.split("|"))
    return tuple((country_en, country_zh, city_en, city_zh) for country_en, country_zh, city_en, city_zh in rows)


# ---- small talk: any answer fits any question of its intent -------------------------------------------------------------------------
INTENTS: dict[str, dict[str, tuple[Lines, Lines]]] = {
    "greeting": {
        "en": (
            _lines(
                "Hello|Hi|Hey|Hello there|Hi there|Good morning|Good evening|Good afternoon|Hey there|Greetings|Hello, nano|Hi, model"
            ),
            _lines("Hello! Show me a picture and ask me about it.|Hi! How can I help you?|Hello! What would you like to know?"),
        ),
        "zh": (
            _lines("你好|您好|嗨|早上好|下午好|晚上好|你好呀|哈喽|早安|大家好|在吗|喂"),
            _lines("你好！给我一张图片，问我问题吧。|你好！有什么可以帮你？|你好！你想知道什么？"),
        ),
    },
    "thanks": {
        "en": (
            _lines(
                "Thanks|Thank you|Thank you very much|Thanks a lot|Great, thanks|"
                "Many thanks|That helped, thank you|Perfect, thanks|Cheers|Thx"
            ),
            _lines("You're welcome!|You are welcome!|Glad to help!"),
        ),
        "zh": (
            _lines("谢谢|谢谢你|多谢|非常感谢|太好了，谢谢|感谢|辛苦了|谢了|谢谢帮忙|十分感谢"),
            _lines("不客气！|不用谢！|很高兴能帮到你！"),
        ),
    },
    "bye": {
        "en": (
            _lines("Bye|Goodbye|See you|See you later|Bye bye|Good night|Talk to you later|I have to go"),
            _lines("Goodbye!|Bye! See you."),
        ),
        "zh": (_lines("再见|拜拜|回头见|晚安|下次见|我先走了|明天见|先这样吧"), _lines("再见！|再见，下次见！")),
    },
    "who": {
        "en": (
            _lines(
                "Who are you|What are you|What is your name|What's your name|"
                "Tell me about yourself|Introduce yourself|Which model are you|"
                "What model is this|Are you an AI|Who am I talking to|What should I call you|Say who you are"
            ),
            _lines("I am internvl-nano, a small model for reading pictures.|I'm internvl-nano, a small model for reading pictures."),
        ),
        "zh": (
            _lines(
                "你是谁|你是什么|你叫什么名字|你叫什么|介绍一下你自己|请自我介绍|"
                "你是什么模型|你是哪个模型|你是人工智能吗|我在和谁说话|怎么称呼你|说说你是谁"
            ),
            _lines("我是 internvl-nano，一个用来看图读字的小模型。|我叫 internvl-nano，是一个用来看图读字的小模型。"),
        ),
    },
    "skills": {
        "en": (
            _lines(
                "What can you do|How can you help me|What are you good at|What are your skills|What can I ask you|Help|"
                "What do you do|What are you for|How do I use you|What kinds of pictures can you read"
            ),
            _lines(
                "I can read text in pictures, answer questions about documents, charts and tables, and count or find things.|"
                "Show me a picture: I read text, documents, charts and tables, and count or find things in it."
            ),
        ),
        "zh": (
            _lines(
                "你能做什么|你会做什么|你可以帮我什么|你擅长什么|你有什么本领|"
                "我可以问你什么|帮助|你有什么用|怎么使用你|你能看什么样的图"
            ),
            _lines(
                "我可以读图片里的文字，回答关于文档、图表和表格的问题，还能数数和找东西。|"
                "给我一张图片：我能读文字、文档、图表和表格，也能数数和找东西。"
            ),
        ),
    },
    "how_are_you": {
        "en": (
            _lines("How are you|How are you today|How is it going|How do you feel|Are you well|What's up"),
            _lines("I'm fine, thank you!|All is well, thank you!"),
        ),
        "zh": (_lines("你好吗|你怎么样|最近好吗|今天好吗|你还好吗|过得怎么样"), _lines("我很好，谢谢！|一切都好，谢谢！")),
    },
    "languages": {
        "en": (
            _lines(
                "Which languages do you speak|What languages do you know|"
                "Can you speak Chinese|Do you understand Chinese|Do you speak English"
            ),
            _lines("I understand English and Chinese.|English and Chinese."),
        ),
        "zh": (_lines("你会说什么语言|你懂哪些语言|你会说英语吗|你懂中文吗|你会中文吗"), _lines("我懂中文和英文。|中文和英文。")),
    },
    "human": {
        "en": (
            _lines("Are you human|Are you a person|Are you real|Are you a human being|Do you have feelings"),
            _lines(
                "No, I am a small computer model.",
            ),
        ),
        "zh": (
            _lines("你是人吗|你是真人吗|你是人类吗|你有感情吗|你是机器人吗"),
            _lines(
                "我不是人，我是一个小模型。",
            ),
        ),
    },
    "praise": {
        "en": (
            _lines("Well done|Good job|You are great|Nice|That is right|Correct|Very good|Excellent"),
            _lines("Thank you!|Thanks, glad it helps!"),
        ),
        "zh": (_lines("做得好|真棒|你真厉害|很好|答对了|没错|不错|太棒了"), _lines("谢谢夸奖！|谢谢！")),
    },
    "okay": {
        "en": (_lines("OK|Okay|I see|Got it|All right|Understood|Fine|Yes"), _lines("Good! Anything else?|Fine. What else can I do?")),
        "zh": (_lines("好的|好|知道了|明白了|行|了解|嗯|收到"), _lines("好的！还有别的问题吗？|好，还需要什么？")),
    },
    # ---- there is no picture: every question that asks about one -------------------------------------------------------------------
    "no_picture": {
        "en": (
            _lines(
                "What is in the picture|Describe the image|What does the sign say|Read the text in the picture|What colour is the car|"
                "How many people are there|What is the total on this receipt|What does this chart show|Where is the dog|Read this|"
                "What is the title of this page|Extract the table|Convert this receipt to JSON|What is written here|What do you see|"
                "Which bar is the highest|What time does the clock show|Give the box of the red cup|How many apples are there|"
                "What is the man holding|Is there a cat in the picture|What is the date on the invoice|Transcribe the page|"
                "What is to the left of the house|Look at this photo|What is this|Can you see this|Solve the formula in the picture"
            ),
            _lines("I don't see a picture. Please show me one.|There is no picture yet. Please send me one."),
        ),
        "zh": (
            _lines(
                "图片里有什么|描述一下这张图|牌子上写了什么|读出图中的文字|车是什么颜色的|"
                "图里有几个人|这张小票一共多少钱|这个图表说明了什么|狗在哪里|读一下|"
                "这一页的标题是什么|提取表格|把这张小票转成 JSON|这里写了什么|你看到了什么|"
                "哪根柱子最高|钟上是几点|给出红杯子的方框|有几个苹果|那个人拿着什么|"
                "图中有猫吗|发票上的日期是什么|转写这一页|房子左边是什么|看看这张照片|这是什么|你能看到吗|解出图中的公式"
            ),
            _lines("我没有看到图片，请发给我一张。|还没有图片，请给我一张。"),
        ),
    },
    # ---- what a small model without a network and a clock can't know ---------------------------------------------------------------
    "unknown": {
        "en": (
            _lines(
                "What is the weather today|What time is it|What day is it today|"
                "Who is the president|What is in the news|Who won the game|"
                "What is my name|Where am I|How old am I|What will happen tomorrow|What is the price of gold|Who will win the election|"
                "What did I eat today|Will it rain tomorrow|What is my phone number|How is the traffic|What is the stock price|"
                "Where are my keys|What is the score|Who is calling me"
            ),
            _lines("I don't know that.|Sorry, I can't know that."),
        ),
        "zh": (
            _lines(
                "今天天气怎么样|现在几点了|今天星期几|总统是谁|有什么新闻|谁赢了比赛|"
                "我叫什么名字|我在哪里|我多大了|明天会发生什么|黄金多少钱|谁会当选|"
                "我今天吃了什么|明天会下雨吗|我的电话是多少|路上堵吗|股票多少钱|我的钥匙在哪里|比分是多少|谁在给我打电话"
            ),
            _lines("这个我不知道。|抱歉，这个我无法知道。"),
        ),
    },
    "out_of_reach": {
        "en": (
            _lines(
                "Write a novel|Write a poem about love|Tell me a story|Write a computer program|"
                "Play some music|Draw a picture|Book a flight|"
                "Call my mother|Send an email|Order a pizza|Open the door|"
                "Translate a whole book|Make a video|Turn on the light|Buy me a ticket"
            ),
            _lines(
                "I can't do that. I read pictures and answer short questions.|Sorry, I only read pictures and answer short questions."
            ),
        ),
        "zh": (
            _lines(
                "写一部小说|写一首情诗|讲个故事|写个程序|放点音乐|画一幅画|帮我订机票|"
                "给妈妈打电话|发一封邮件|点个披萨|打开门|翻译一整本书|做个视频|开灯|帮我买票"
            ),
            _lines("这个我做不到。我会看图，并回答简短的问题。|抱歉，我只会看图和回答简短的问题。"),
        ),
    },
}
# How a line may be wrapped; the empty ones keep most of them plain.
BEFORE = {
    "en": ("", "", "", "", "Please tell me: ", "One question: ", "Tell me, ", "Hey, ", "So, ", "Sorry, ", "Well, ", "Quick question: "),
    "zh": ("", "", "", "", "请问，", "问一下，", "我想问，", "那么，", "对了，", "请告诉我，", "想请教一下，", "麻烦问下，"),
}
ENDINGS = {"en": ("", ".", "!", "?", "..."), "zh": ("", "。", "！", "？", "～")}
# Intents whose lines are no questions, and are not asked "one question: ...".
PLAIN = frozenset({"greeting", "thanks", "bye", "praise", "okay"})
QUESTION_WORDS = _lines("what|who|where|how|which|is|are|do|can|will|may")
SHORT = {
    "en": ("", " Answer briefly.", " One word is enough.", " Keep it short."),
    "zh": ("", "简短回答。", "只要答案。", "一个词就行。"),
}

# ---- facts: country/Chinese name/capital/Chinese name ----------------------------------------------------------------------------
# Countries with one undisputed seat of government and capital.
CAPITALS: tuple[tuple[str, str, str, str], ...] = _capitals(
    "France/法国/Paris/巴黎|Germany/德国/Berlin/柏林|Italy/意大利/Rome/罗马|Spain/西班牙/Madrid/马德里|"
    "Portugal/葡萄牙/Lisbon/里斯本|Austria/奥地利/Vienna/维也纳|Belgium/比利时/Brussels/布鲁塞尔|"
    "Denmark/丹麦/Copenhagen/哥本哈根|Sweden/瑞典/Stockholm/斯德哥尔摩|Norway/挪威/Oslo/奥斯陆|Finland/芬兰/Helsinki/赫尔辛基|"
    "Iceland/冰岛/Reykjavik/雷克雅未克|Ireland/爱尔兰/Dublin/都柏林|Poland/波兰/Warsaw/华沙|Hungary/匈牙利/Budapest/布达佩斯|"
    "Greece/希腊/Athens/雅典|Romania/罗马尼亚/Bucharest/布加勒斯特|Bulgaria/保加利亚/Sofia/索非亚|"
    "Croatia/克罗地亚/Zagreb/萨格勒布|Slovenia/斯洛文尼亚/Ljubljana/卢布尔雅那|Ukraine/乌克兰/Kyiv/基辅|"
    "Russia/俄罗斯/Moscow/莫斯科|Turkey/土耳其/Ankara/安卡拉|China/中国/Beijing/北京|Japan/日本/Tokyo/东京|"
    "South Korea/韩国/Seoul/首尔|Mongolia/蒙古/Ulaanbaatar/乌兰巴托|Vietnam/越南/Hanoi/河内|Thailand/泰国/Bangkok/曼谷|"
    "Laos/老挝/Vientiane/万象|Cambodia/柬埔寨/Phnom Penh/金边|the Philippines/菲律宾/Manila/马尼拉|India/印度/New Delhi/新德里|"
    "Pakistan/巴基斯坦/Islamabad/伊斯兰堡|Nepal/尼泊尔/Kathmandu/加德满都|Bangladesh/孟加拉国/Dhaka/达卡|Iran/伊朗/Tehran/德黑兰|"
    "Iraq/伊拉克/Baghdad/巴格达|Jordan/约旦/Amman/安曼|Saudi Arabia/沙特阿拉伯/Riyadh/利雅得|Egypt/埃及/Cairo/开罗|"
    "Morocco/摩洛哥/Rabat/拉巴特|Kenya/肯尼亚/Nairobi/内罗毕|Ethiopia/埃塞俄比亚/Addis Ababa/亚的斯亚贝巴|"
    "Ghana/加纳/Accra/阿克拉|Nigeria/尼日利亚/Abuja/阿布贾|Senegal/塞内加尔/Dakar/达喀尔|Canada/加拿大/Ottawa/渥太华|"
    "the United States/美国/Washington, D.C./华盛顿|Mexico/墨西哥/Mexico City/墨西哥城|Cuba/古巴/Havana/哈瓦那|"
    "Brazil/巴西/Brasilia/巴西利亚|Argentina/阿根廷/Buenos Aires/布宜诺斯艾利斯|Peru/秘鲁/Lima/利马|"
    "Colombia/哥伦比亚/Bogota/波哥大|Uruguay/乌拉圭/Montevideo/蒙得维的亚|Australia/澳大利亚/Canberra/堪培拉|"
    "New Zealand/新西兰/Wellington/惠灵顿|the United Kingdom/英国/London/伦敦|Ecuador/厄瓜多尔/Quito/基多"
)
CAPITAL_OF = {
    "en": _lines(
        "What is the capital of {country}|Name the capital of {country}|Which city is the capital of {country}|{country}'s capital"
    ),
    "zh": _lines("{country}的首都是哪里|{country}的首都是什么|{country}首都在哪|说出{country}的首都"),
}
COUNTRY_OF = {
    "en": _lines("Which country has the capital {city}|{city} is the capital of which country|Of which country is {city} the capital"),
    "zh": _lines("{city}是哪个国家的首都|哪个国家的首都是{city}"),
}
# question -> answer, in both languages; true everywhere and always.
FACTS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        *(("How many days are in a week", "7"), ("How many months are in a year", "12"), ("How many hours are in a day", "24")),
        *(
            ("How many minutes are in an hour", "60"),
            ("How many seconds are in a minute", "60"),
            ("How many legs does a spider have", "8"),
        ),
        *(
            ("How many legs does a cat have", "4"),
            ("How many legs does an insect have", "6"),
            ("How many sides does a triangle have", "3"),
        ),
        *(
            ("How many sides does a square have", "4"),
            ("How many sides does a hexagon have", "6"),
            ("How many letters are in the English alphabet", "26"),
        ),
        *(
            ("What colour do blue and yellow make", "Green."),
            ("What colour do red and yellow make", "Orange."),
            ("What is frozen water called", "Ice."),
        ),
        *(
            ("Which day comes after Monday", "Tuesday."),
            ("Which day comes before Sunday", "Saturday."),
            ("Which month comes after March", "April."),
        ),
        *(
            ("Which month comes before January", "December."),
            ("What is the first month of the year", "January."),
            ("What is the opposite of hot", "Cold."),
        ),
        *(
            ("What is the opposite of big", "Small."),
            ("What is the opposite of up", "Down."),
            ("What is the opposite of left", "Right."),
        ),
        *(
            ("What is the opposite of open", "Closed."),
            ("How many millimetres are in a centimetre", "10"),
            ("How many centimetres are in a metre", "100"),
        ),
        *(
            ("How many grams are in a kilogram", "1000"),
            ("How many metres are in a kilometre", "1000"),
            ("Which planet do we live on", "Earth."),
        ),
        *(("What do bees make", "Honey."), ("How many wheels does a bicycle have", "2"), ("How many seasons are in a year", "4")),
        *(("What is the chemical formula of water", "H2O"), ("Which is the largest planet of the solar system", "Jupiter.")),
    ),
    "zh": (
        *(("一周有几天", "7"), ("一年有几个月", "12"), ("一天有几个小时", "24"), ("一小时有几分钟", "60"), ("一分钟有几秒", "60")),
        *(
            ("蜘蛛有几条腿", "8"),
            ("猫有几条腿", "4"),
            ("昆虫有几条腿", "6"),
            ("三角形有几条边", "3"),
            ("正方形有几条边", "4"),
            ("六边形有几条边", "6"),
        ),
        *(
            ("英文字母有几个", "26"),
            ("蓝色加黄色是什么颜色", "绿色。"),
            ("红色加黄色是什么颜色", "橙色。"),
            ("水结冰以后叫什么", "冰。"),
        ),
        *(
            ("星期一后面是星期几", "星期二。"),
            ("星期日前面是星期几", "星期六。"),
            ("三月后面是几月", "四月。"),
            ("一年的第一个月是几月", "一月。"),
        ),
        *(
            ("热的反义词是什么", "冷。"),
            ("大的反义词是什么", "小。"),
            ("上的反义词是什么", "下。"),
            ("左的反义词是什么", "右。"),
            ("开的反义词是什么", "关。"),
        ),
        *(
            ("一厘米有几毫米", "10"),
            ("一米有几厘米", "100"),
            ("一千克有几克", "1000"),
            ("一千米有几米", "1000"),
            ("我们住在哪颗行星上", "地球。"),
        ),
        *(
            ("蜜蜂酿什么", "蜂蜜。"),
            ("自行车有几个轮子", "2"),
            ("一年有几个季节", "4"),
            ("水的化学式是什么", "H2O"),
            ("太阳系最大的行星是哪颗", "木星。"),
        ),
    ),
}
SUMS = {
    "en": _lines("What is {sum}|How much is {sum}|{sum} =|Calculate {sum}|Work out {sum}|{sum}|Compute {sum}"),
    "zh": _lines("{sum}等于多少|{sum}是多少|{sum} =|计算 {sum}|算一下 {sum}|{sum}|求 {sum}"),
}
WORDS = {
    "en": {"+": ("+", "plus"), "-": ("-", "minus"), "*": ("x", "times", "*"), "/": ("/", "divided by")},
    "zh": {"+": ("+", "加"), "-": ("-", "减"), "*": ("×", "乘以", "*"), "/": ("÷", "除以")},
}
BIGGER = {
    "en": _lines("Which is bigger, {a} or {b}|Which number is larger: {a} or {b}|Is {a} or {b} the bigger number"),
    "zh": _lines("{a}和{b}哪个大|{a}与{b}哪个数更大|哪个更大，{a}还是{b}"),
}
REPEAT = {
    "en": _lines('Repeat: "{words}"|Say "{words}"|Write exactly: "{words}"|Copy this: "{words}"'),
    "zh": _lines("重复：“{words}”|请说“{words}”|照抄：“{words}”|原样写出：“{words}”"),
}
