"""The conversation on a terminal: questions, and commands that begin with a slash.

Ctrl-C stops an answer, Ctrl-D ends the conversation. What goes wrong with one question is told, and the next may be asked.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from internvl.cli.answering import Answerer
from internvl.cli.attachments import attach_clip, attach_picture
from internvl.cli.console import UsageError, complain, note, write_error
from internvl.cli.transcript import to_json
from internvl.errors import InternVLError
from internvl.messages import Image, Video

PROMPT = "> "
COMMANDS = {
    "/image": "PATH   show this picture with the next question",
    "/video": "PATH   show this clip with the next question",
    "/undo": "       take the last question and answer back",
    "/new": "        start over",
    "/tokens": "     what the conversation costs so far",
    "/save": "FILE   write the history as JSON",
    "/help": "       this list",
    "/quit": "       leave (also Ctrl-D)",
}


class Conversation:
    """Questions and commands, read until the end of input. `read` asks for a line and raises EOFError at the end."""

    def __init__(
        self,
        answerer: Answerer,
        media: Sequence[Image | Video],
        *,
        clip: Mapping[str, Any] | None = None,
        read: Callable[[], str] | None = None,
    ) -> None:
        self._answerer = answerer
        self._session = answerer.session
        self._pending = list(media)
        self._clip = dict(clip or {})
        self._read = read or read_line
        self._open = True

    def run(self) -> None:
        """Until /quit or the end of input."""
        shown = f"{_count(self._pending)} shown with the first question; " if self._pending else ""
        note(f"{self._answerer.vlm!r}\n{shown}/help lists commands")
        while self._open:
            try:
                line = self._read().rstrip()
            except EOFError:
                write_error("")
                return
            except KeyboardInterrupt:
                write_error("\n(/quit or Ctrl-D leaves)")
                continue
            if line.strip():
                self._take(line)

    def _take(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        try:
            if word in COMMANDS:
                getattr(self, "_" + word[1:])(_unquoted(rest))
            elif word.startswith("/") and "/" not in word[1:] and word[1:].isalpha():
                raise UsageError(f"there is no command {word}; /help lists them, and a blank in front makes it a question")
            else:
                self._ask(line.strip())
        except (InternVLError, OSError) as error:
            complain(error)
        except KeyboardInterrupt:
            write_error("\n(stopped; the question is forgotten)")

    def _ask(self, question: str) -> None:
        self._answerer.answer_stoppable(question, self._pending)
        self._pending = []

    def _image(self, path: str) -> None:
        self._pending.append(attach_picture(_needed(path, "/image receipt.png")))
        note(f"{_count(self._pending)} shown with the next question")

    def _video(self, path: str) -> None:
        self._pending.append(attach_clip(_needed(path, "/video clip.mp4"), self._clip))
        note(f"{_count(self._pending)} shown with the next question")

    def _undo(self, rest: str) -> None:
        self._session.undo()
        note("the last question and answer are taken back")

    def _new(self, rest: str) -> None:
        self._session.forget()
        self._pending = []
        note("a new conversation")

    def _tokens(self, rest: str) -> None:
        from internvl.processor import compose

        vlm = self._answerer.vlm
        count = vlm.processor.count([*self._session.messages, compose("", self._pending)])
        positions = vlm.config.language.max_positions
        note(
            f"{count.total} tokens before the next question ({count.text} text, {count.visual} visual), "
            f"{max(0, positions - count.total)} of {positions} left"
        )

    def _save(self, path: str) -> None:
        vlm = self._answerer.vlm
        history = {"model": vlm.name, "tiles": vlm.policy.to_dict(), "messages": to_json(self._session.messages)}
        file = Path(_needed(path, "/save history.json")).expanduser()
        if file.exists() and file.suffix != ".json":
            raise UsageError(f"{file} exists and is no .json file; give another name")
        file.write_text(json.dumps(history, ensure_ascii=False, indent=2) + "\n", "utf-8")
        note(f"wrote {len(self._session.messages)} messages to {file}")

    def _help(self, rest: str) -> None:
        note("\n".join(f"{name} {text}" for name, text in COMMANDS.items()))

    def _quit(self, rest: str) -> None:
        self._open = False


def read_line() -> str:
    """A line from the terminal, with editing where readline exists. The prompt never lands in a redirected stdout."""
    with contextlib.suppress(ImportError):  # Windows has none: plain lines
        importlib.import_module("readline")
    if sys.stdout.isatty():
        return input(PROMPT)
    sys.stderr.write(PROMPT)
    sys.stderr.flush()
    return input()


def _count(media: Sequence[Image | Video]) -> str:
    pictures = sum(isinstance(item, Image) for item in media)
    counts = {"picture": pictures, "clip": len(media) - pictures}
    return " and ".join(f"{count} {what}{'s' * (count != 1)}" for what, count in counts.items() if count)


def _needed(path: str, example: str) -> str:
    if not path:
        raise UsageError(f"this command needs a file, such as {example}")
    return path


def _unquoted(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text
