"""What a translation has cost so far, over all its processes and calls, and where it stops.

Answer --add--> requests, prompt tokens, new tokens (SQLite file) --Prices--> cost        cost >= limit -> BudgetSpent
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from internvl.eval.sample import Answer
from internvl.pipelines.errors import PipelineError
from internvl.pipelines.translate.answer_file import AnswerFile

_TABLE = """
CREATE TABLE IF NOT EXISTS spent (
    run INTEGER PRIMARY KEY, requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, new_tokens INTEGER NOT NULL)
"""
_ADD = """
INSERT INTO spent VALUES (0, 1, ?, ?) ON CONFLICT (run) DO UPDATE SET
    requests = requests + 1, prompt_tokens = prompt_tokens + excluded.prompt_tokens, new_tokens = new_tokens + excluded.new_tokens
"""


class BudgetSpent(PipelineError):
    """The limit of requests or of cost is reached. What was answered is kept; a call with a higher limit goes on from there."""


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What a service takes for a million tokens, in any one currency."""

    prompt_per_million: float = 0.0
    new_per_million: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.prompt_per_million < 1e9 and 0 <= self.new_per_million < 1e9):
            raise PipelineError(f"prices are numbers from 0 on, not {self.prompt_per_million} and {self.new_per_million}")


@dataclass(frozen=True)
class Spent:
    """Answers that came from the service, and their tokens as its `usage` counts them."""

    requests: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0

    def cost(self, prices: Prices) -> float:
        """In the currency of the prices."""
        return (self.prompt_tokens * prices.prompt_per_million + self.new_tokens * prices.new_per_million) / 1e6


class Spending:
    """The sums in the file `path`. max_requests, max_cost: no request begins when all calls together have reached them.

    Where those under way might reach `max_requests` they are waited for, so that limit is exact within a process; their cost is not
    known yet and comes on top of `max_cost`.
    """

    def __init__(
        self, path: Path, prices: Prices | None = None, *, max_requests: int | None = None, max_cost: float | None = None
    ) -> None:
        self.prices = prices or Prices()
        self.max_requests = max_requests
        self.max_cost = max_cost
        if max_cost is not None and not (self.prices.prompt_per_million or self.prices.new_per_million):
            raise PipelineError("a limit of the cost needs the prices of a million tokens; without them everything costs 0")
        self._under_way = 0
        self._ended = threading.Condition()
        self._file = AnswerFile(path, _TABLE)

    def spent(self) -> Spent:
        """The sums so far."""
        row = self._file.read("SELECT requests, prompt_tokens, new_tokens FROM spent")
        return Spent(*row) if row else Spent()

    @contextmanager
    def request(self) -> Iterator[None]:
        """Around a request and its `add`. Raises BudgetSpent instead when a limit is reached."""
        with self._ended:
            while self._may_begin() is None:
                self._ended.wait()
            self._under_way += 1
        try:
            yield
        finally:
            with self._ended:
                self._under_way -= 1
                self._ended.notify_all()

    def add(self, answer: Answer) -> None:
        """Count what came; it is on disk when this returns.

        Raises PipelineError where a cost is limited and the service doesn't tell its tokens.
        """
        self._file.write(_ADD, (answer.prompt_tokens, answer.new_tokens))
        if self.max_cost is not None and not (answer.prompt_tokens or answer.new_tokens):
            raise PipelineError(
                "the service doesn't tell the tokens of its answers, so a cost can't be limited: limit requests instead"
            )

    def _may_begin(self) -> bool | None:
        """True; or None where only those under way can tell, which may fail; raises BudgetSpent at a limit.

        An answer is counted before its request ends, so for a moment twice: that delays the next request and never refuses it.
        """
        if self.max_requests is None and self.max_cost is None:
            return True
        spent = self.spent()
        if self.max_requests is not None and spent.requests >= self.max_requests:
            raise BudgetSpent(f"the limit of {self.max_requests:,} requests is reached; a higher one goes on from here")
        cost = spent.cost(self.prices)
        if self.max_cost is not None and cost >= self.max_cost:
            raise BudgetSpent(f"{cost:.4f} are spent and the limit is {self.max_cost:g}; a higher one goes on from here")
        waits = self.max_requests is not None and spent.requests + self._under_way >= self.max_requests
        return None if waits else True
