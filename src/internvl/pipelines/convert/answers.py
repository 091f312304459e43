"""One answer out of many, where several people answered the same question.

["Coke", "coke ", "pepsi", "coke"] -> "coke"
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from internvl.pipelines.convert.sample import Refused


def most_common(answers: Sequence[str]) -> str:
    """The answer given most often; white space around it and capitals make no difference, and ties go to the one given first.

    It is spelt as most of those who gave it spelt it. Blank answers don't count. Raises Refused when all are blank.
    """
    given = [answer.strip() for answer in answers if answer.strip()]
    if not given:
        raise Refused("no answer: all answers are blank")
    # Counter keeps the order of first sight, and most_common is stable: so ties go to the first.
    winner = Counter(answer.casefold() for answer in given).most_common(1)[0][0]
    return Counter(answer for answer in given if answer.casefold() == winner).most_common(1)[0][0]
