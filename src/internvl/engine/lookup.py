"""Guesses of an answer's next tokens: what repeats the prompt or itself (OCR, JSON) is written many tokens a step.

    ... 7 3 9 [4 4 8] ... 7 3 9   the last tokens stood there before, and 4 4 8 followed: the model reads the guess together with
                                  the last token, and what it would have said itself is kept (prompt look-up decoding)

A guess costs little time but not none. So it must be earned: the longer the stretch that repeats, the longer the guess, and where
guesses fail, longer stretches are asked for. Text that repeats nothing is then hardly slowed, and no clock decides anything.
"""

from __future__ import annotations

from collections.abc import Sequence

# Tokens that must have stood there before: at first, at least, and at most after failures.
FIRST_STRETCH, SHORTEST_STRETCH, LONGEST_STRETCH = 3, 2, 16
SHORTEST_GUESS = 3


class Lookup:
    """Guesses for one answer, of at most `most` tokens each."""

    def __init__(self, prompt: Sequence[int], *, most: int) -> None:
        self.most = most
        self._tokens = list(prompt)
        self._prompt_tokens = len(self._tokens)
        self._after: dict[tuple[int, int], int] = {}  # two tokens -> where what followed them last begins
        self._known = 2  # up to here, what followed is noted
        self._needed = FIRST_STRETCH

    def guess(self, answer: Sequence[int], room: int) -> list[int]:
        """At most `room` tokens that may follow the answer so far; often none. The answer only grows from call to call."""
        tokens = self._tokens
        tokens += answer[len(tokens) - self._prompt_tokens :]
        self._note()
        most = min(self.most, room)
        if most < 1 or len(tokens) < 2:
            return []
        start = self._after.get((tokens[-2], tokens[-1]))
        if start is None:
            return []
        stretch = self._stretch(start)
        if stretch < self._needed:
            return []
        period = len(tokens) - start  # what repeats may overlap its own repetition
        return [tokens[start + i % period] for i in range(min(most, max(SHORTEST_GUESS, stretch)))]

    def learn(self, guessed: int, agreed: int) -> None:
        """Be told how many tokens of a guess were right."""
        if 2 * agreed >= guessed:
            self._needed = max(SHORTEST_STRETCH, self._needed - 1)
        elif 4 * agreed < guessed:
            self._needed = min(LONGEST_STRETCH, self._needed + 2)

    def _note(self) -> None:
        tokens, known = self._tokens, self._known
        for end in range(known, len(tokens)):
            self._after[tokens[end - 2], tokens[end - 1]] = end
        self._known = max(known, len(tokens))

    def _stretch(self, start: int) -> int:
        """How many tokens before `start` equal those at the end."""
        tokens, length = self._tokens, 2
        while length < min(start, LONGEST_STRETCH) and tokens[start - length - 1] == tokens[-length - 1]:
            length += 1
        return length
