"""Ways to ask about charts, in English and Chinese, by task.

PHRASES["value"]["en"] -> ("What is the value of {name}?", ...)       blanks: {name} {row} {other} {measure} {limit}
"""

from __future__ import annotations

from recipes.nano.data.sample import Language

Phrases = dict[str, dict[Language, tuple[str, ...]]]

PHRASES: Phrases = {
    "value": {
        "en": (
            *("What is the value for {name}?", "What is the value of {name}?", "How much is {name}?", "Read off the value for {name}."),
            *(
                "What value does the chart show for {name}?",
                "{measure} for {name}?",
                "Give the number for {name}.",
                "How high is {name}?",
            ),
            *(
                "According to the chart, what is the {measure} of {name}?",
                "Tell me the {name} value.",
            ),
        ),
        "zh": (
            *(
                "{name}的数值是多少？",
                "{name}是多少？",
                "图中{name}对应的值是多少？",
                "读出{name}的数值。",
                "{name}的{measure}是多少？",
            ),
            *("根据图表，{name}的值为多少？", "请给出{name}的数据。", "{name}有多少？", "告诉我{name}的数值。"),
        ),
    },
    "value_row": {
        "en": (
            *(
                "What is the value of {row} for {name}?",
                "What is {row} in {name}?",
                "How much is {row} at {name}?",
                "{row}, {name}: what is the value?",
            ),
            *("What does the chart show for {row} and {name}?", "Give the number of {row} for {name}.", "Read off {row} at {name}."),
        ),
        "zh": (
            *(
                "{name}中{row}的数值是多少？",
                "{row}在{name}的值是多少？",
                "{name}对应的{row}是多少？",
                "图中{row}、{name}的数据是多少？",
            ),
            *("读出{name}的{row}数值。", "请给出{row}在{name}的数据。"),
        ),
    },
    "share": {
        "en": (
            *(
                "What share does {name} have?",
                "What percentage is {name}?",
                "How many percent go to {name}?",
                "How large is the slice of {name}?",
            ),
            *("What part of the whole is {name}?", "What per cent of the pie is {name}?", "Give the percentage of {name}."),
        ),
        "zh": (
            *(
                "{name}占比是多少？",
                "{name}占百分之多少？",
                "{name}的比例是多少？",
                "{name}这一块占多少？",
                "图中{name}的百分比是多少？",
            ),
            "请给出{name}的占比。",
        ),
    },
    "largest": {
        "en": (
            *("Which is the largest?", "What has the highest value?", "Which one is highest?", "Which category has the largest value?"),
            *(
                "Where is the {measure} highest?",
                "Which comes first by value?",
            ),
        ),
        "zh": (
            "哪一个最大？",
            "哪一项的数值最高？",
            "最高的是哪一个？",
            "{measure}最大的是哪一项？",
            "图中哪个类别的值最大？",
            "排第一的是哪个？",
            "谁最高？",
        ),
    },
    "smallest": {
        "en": (
            *("Which is the smallest?", "What has the lowest value?", "Which one is lowest?", "Which category has the smallest value?"),
            *("Where is the {measure} lowest?", "Which comes last by value?", "What is the smallest one in this chart?"),
        ),
        "zh": (
            "哪一个最小？",
            "哪一项的数值最低？",
            "最低的是哪一个？",
            "{measure}最小的是哪一项？",
            "图中哪个类别的值最小？",
            "排最后的是哪个？",
            "谁最低？",
        ),
    },
    "largest_row": {
        "en": (
            "Which is highest in {name}?",
            "Which series is largest at {name}?",
            "For {name}, which one has the highest value?",
            "What leads in {name}?",
            "At {name}, which is the largest?",
        ),
        "zh": ("{name}中哪一个最高？", "在{name}，哪个系列最大？", "{name}里数值最高的是哪一项？", "{name}时谁最高？"),
    },
    "second": {
        "en": (
            "Which is the second largest?",
            "What comes second by value?",
            "Which one has the second highest value?",
            "Who is in second place?",
        ),
        "zh": ("第二大的是哪一个？", "数值排第二的是哪项？", "哪一项位居第二？", "第二高的是谁？"),
    },
    "difference": {
        "en": (
            "What is the difference between {name} and {other}?",
            "How far apart are {name} and {other}?",
            "By how much do {name} and {other} differ?",
            "How big is the gap between {name} and {other}?",
            "Difference of {name} and {other}?",
        ),
        "zh": (
            "{name}与{other}相差多少？",
            "{name}和{other}的差是多少？",
            "{name}和{other}之间差多少？",
            "{name}跟{other}差距有多大？",
        ),
    },
    "sum": {
        "en": (
            "What do {name} and {other} add up to?",
            "What is the sum of {name} and {other}?",
            "How much are {name} and {other} together?",
            "Add the values of {name} and {other}.",
            "What is the total of {name} and {other}?",
        ),
        "zh": (
            "{name}与{other}之和是多少？",
            "{name}和{other}加起来是多少？",
            "{name}和{other}一共是多少？",
            "求{name}与{other}的总和。",
        ),
    },
    "ratio": {
        "en": (
            "How many times {other} is {name}? One decimal.",
            "What is {name} divided by {other}, to one decimal?",
            "Give the ratio of {name} to {other} to one decimal.",
            "{name} is how many times as large as {other}? (one decimal)",
        ),
        "zh": (
            "{name}是{other}的多少倍？保留一位小数。",
            "{name}除以{other}是多少？（保留一位小数）",
            "求{name}与{other}之比，保留一位小数。",
        ),
    },
    "compare": {
        "en": (
            "Is {name} higher than {other}?",
            "Is {name} larger than {other}?",
            "Does {name} exceed {other}?",
            "Is the value of {name} above that of {other}?",
        ),
        "zh": ("{name}比{other}高吗？", "{name}大于{other}吗？", "{name}的值是否超过{other}？", "{name}是不是比{other}多？"),
    },
    "above": {
        "en": (
            "How many are above {limit}?",
            "How many values are higher than {limit}?",
            "In how many cases is the value over {limit}?",
            "Count those above {limit}.",
        ),
        "zh": ("有几个超过{limit}？", "高于{limit}的有几项？", "数值大于{limit}的有多少个？", "数一数超过{limit}的有几个。"),
    },
    "title": {
        "en": (
            "What is the title of the chart?",
            "What is the chart called?",
            "Read the title.",
            "What does the heading say?",
            "Title?",
            "What is written above the chart?",
        ),
        "zh": ("图表的标题是什么？", "这张图叫什么？", "读出标题。", "标题写的是什么？", "图上方写着什么？", "这张图的题目是什么？"),
    },
    "x_label": {
        "en": (
            "What is the label of the x-axis?",
            "What does the horizontal axis show?",
            "Read the x-axis label.",
            "What is written along the horizontal axis?",
        ),
        "zh": ("横轴的标签是什么？", "x轴表示什么？", "横坐标写的是什么？", "横轴的名称是什么？"),
    },
    "y_label": {
        "en": (
            "What is the label of the y-axis?",
            "What does the vertical axis show?",
            "Read the y-axis label.",
            "What is written along the vertical axis?",
        ),
        "zh": ("纵轴的标签是什么？", "y轴表示什么？", "纵坐标写的是什么？", "纵轴的名称是什么？"),
    },
    "legend_count": {
        "en": (
            "How many entries does the legend have?",
            "How many series are shown?",
            "How many items are in the legend?",
            "How many different colours does the legend list?",
        ),
        "zh": ("图例有几项？", "图中有几个系列？", "图例中列出了多少项？", "图例里有多少种颜色？"),
    },
    "legend_names": {
        "en": (
            "What does the legend list?",
            "List the entries of the legend.",
            "Name the series in the legend.",
            "Which names are in the legend?",
        ),
        "zh": ("图例列出了哪些名称？", "列出图例中的各项。", "图例里有哪些系列？", "读出图例。"),
    },
    "trend": {
        "en": (
            "What is the trend?",
            "Does it rise or fall over time?",
            "How does it develop from the first to the last point?",
            "Is the overall trend up or down?",
            "Describe the trend in one word.",
        ),
        "zh": ("总体趋势如何？", "随时间是上升还是下降？", "从头到尾是怎样变化的？", "整体是涨还是跌？", "用一个词描述趋势。"),
    },
    "trend_row": {
        "en": (
            "What is the trend of {row}?",
            "Does {row} rise or fall?",
            "How does {row} develop overall?",
            "Is {row} going up or down?",
        ),
        "zh": ("{row}的趋势如何？", "{row}是上升还是下降？", "{row}总体怎样变化？", "{row}是涨还是跌？"),
    },
    "correlation": {
        "en": (
            "How are the two quantities related?",
            "Is the correlation positive or negative?",
            "What relation do the points show?",
            "Do the points go up or down to the right?",
        ),
        "zh": ("两个量之间是什么关系？", "是正相关还是负相关？", "这些点显示出什么关系？", "点的走向是上升还是下降？"),
    },
    "bar_count": {
        "en": ("How many bars are there?", "Count the bars.", "How many bars does the chart have?", "What is the number of bars?"),
        "zh": ("有多少根柱子？", "数一数柱子。", "图中共有几个柱形？", "柱子的数量是多少？"),
    },
    "slice_count": {
        "en": (
            "How many slices are there?",
            "Into how many parts is it divided?",
            "Count the slices.",
            "How many segments does it have?",
        ),
        "zh": ("一共有几块？", "分成了几个部分？", "数一数有几个扇区。", "有多少个扇形？"),
    },
    "point_count": {
        "en": (
            "How many points are marked along the axis?",
            "How many categories are on the horizontal axis?",
            "How many labels are under the chart?",
            "For how many places on the x-axis are there values?",
        ),
        "zh": ("横轴上有几个类别？", "横轴共有几个标签？", "图下方有多少个标签？", "横轴上有多少个点？"),
    },
    "colour": {
        "en": (
            "What colour is {row}?",
            "Which colour stands for {row}?",
            "In what colour is {row} drawn?",
            "{row} is shown in which colour?",
        ),
        "zh": ("{row}是什么颜色？", "哪种颜色代表{row}？", "{row}用什么颜色表示？", "{row}画成了什么颜色？"),
    },
    "by_colour": {
        "en": (
            "What does the {colour} colour stand for?",
            "Which one is drawn in {colour}?",
            "What is shown in {colour}?",
            "The {colour} one: what is it?",
        ),
        "zh": ("{colour}代表什么？", "哪一个是{colour}的？", "{colour}表示的是什么？", "{colour}的那个是什么？"),
    },
    "single_colour": {
        "en": ("What colour are the bars?", "In which colour are the bars drawn?", "Which colour do the bars have?"),
        "zh": ("柱子是什么颜色？", "柱形用的是什么颜色？", "这些柱子什么颜色？"),
    },
    "kind": {
        "en": (
            "What kind of chart is this?",
            "What type of chart is shown?",
            "Which chart type is it?",
            "Is this a bar chart, a line chart or something else?",
        ),
        "zh": ("这是什么图？", "这是哪种类型的图表？", "图表的类型是什么？", "这是柱状图、折线图还是别的图？"),
    },
    "table": {
        "en": (
            "Turn the chart into a table.",
            "Give the data as a markdown table.",
            "Write the numbers of the chart as a table.",
            "Transcribe this chart to a markdown table.",
            "Chart to table.",
        ),
        "zh": (
            "把图表转换成表格。",
            "用Markdown表格给出数据。",
            "将图中的数据写成表格。",
            "把这张图转成Markdown表格。",
            "图表转表格。",
        ),
    },
    "names": {
        "en": (
            "List the categories.",
            "Which categories are shown?",
            "Name all labels of the category axis.",
            "What are the categories of this chart?",
        ),
        "zh": ("列出所有类别。", "图中有哪些类别？", "读出各类别的名称。", "类别轴上有哪些标签？"),
    },
    "highest_bin": {
        "en": (
            "Which range is the most frequent?",
            "In which interval is the count highest?",
            "Where is the peak of the histogram?",
            "Which bin is tallest?",
        ),
        "zh": ("哪个区间最多？", "频数最高的是哪个区间？", "直方图的峰在哪个区间？", "哪一组最高？"),
    },
    "top_tick": {
        "en": (
            "What is the highest number on the value axis?",
            "What is the largest tick of the value axis?",
            "Up to what number does the value axis go?",
        ),
        "zh": ("数值轴上最大的刻度是多少？", "数值轴的最高刻度是几？", "数值轴标到多少？"),
    },
    "locate": {
        "en": (
            "Where is the bar of <ref>{name}</ref>?",
            "Locate the bar for <ref>{name}</ref>.",
            "Find <ref>{name}</ref> and give its box.",
            "Mark the bar of <ref>{name}</ref>.",
        ),
        "zh": (
            "<ref>{name}</ref>的柱子在哪里？",
            "框出<ref>{name}</ref>对应的柱形。",
            "请定位<ref>{name}</ref>的柱子。",
            "找到<ref>{name}</ref>的柱子并给出方框。",
        ),
    },
}
REFUSALS: dict[Language, tuple[str, ...]] = {
    "en": (
        "The picture does not show that.",
        "That is not shown in the chart.",
        "The chart does not say.",
        "This is not in the picture.",
    ),
    "zh": ("图中没有。", "图中没有显示。", "图表中没有这一项。", "图里没有给出。"),
}
KIND_WORDS: dict[str, tuple[str, str]] = {
    "bar": ("a bar chart", "柱状图"),
    "barh": ("a horizontal bar chart", "条形图"),
    "grouped": ("a grouped bar chart", "分组柱状图"),
    "stacked": ("a stacked bar chart", "堆叠柱状图"),
    "line": ("a line chart", "折线图"),
    "area": ("an area chart", "面积图"),
    "pie": ("a pie chart", "饼图"),
    "donut": ("a donut chart", "环形图"),
    "scatter": ("a scatter plot", "散点图"),
    "histogram": ("a histogram", "直方图"),
}
