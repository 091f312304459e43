"""From the form that was asked for to a grammar in llguidance's words, checked first, so that building it ends soon.

Form --checks--> schema, expression or texts --> grammar text --a process with bounds, unless it is small--> grammar text
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from internvl.engine.form import Form
from internvl.engine.schema_check import bytes_of_pattern, bytes_to_open, check_repeats, checked_schema
from internvl.errors import GrammarError

WHITE_SPACE = r" |\n {0,32}"
"""Between the signs of JSON: a blank, or a new line with its indentation. Without a bound a model could write blanks for ever."""
MAX_LEXER_STATES = 20_000
MAX_CHOICES = 10_000
SMALL_CHARS = 4096
BRANCHING = re.compile(r'"(anyOf|oneOf|allOf|\$ref|pattern|patternProperties)"')
PATTERN = re.compile(r'"pattern"\s*:\s*("(?:[^"\\]|\\.)*")')
WORDS = re.compile(r"[^\0()|?*+.\\^$]+")
MAX_HINTS = 16
TRIAL = Path(__file__).with_name("grammar_trial.py")
TRIAL_WALL_S = 30.0


def grammar_text(form: Form, *, blank_first: bool = False) -> str:
    """The grammar of a form; `blank_first`: one blank may stand in front. Raises GrammarError for a form that has none."""
    makers = {"json_schema": _schema_grammar, "regex": _regex_grammar, "choice": _choice_grammar}
    grammar = makers[form.kind](form.source)
    if not blank_first:
        return json.dumps({"grammars": [grammar]}, ensure_ascii=False)
    return json.dumps({"grammars": [{"lark_grammar": 'start: " "? @form'}, grammar | {"name": "form"}]}, ensure_ascii=False)


def hints_of(form: Form) -> tuple[bytes, ...]:
    """Words that stand in expressions of a form: a search for its texts may need them as they are."""
    expressions = [form.source]
    if form.kind == "json_schema":
        expressions = [each for match in PATTERN.finditer(form.source) if isinstance(each := json.loads(match.group(1)), str)]
    words = dict.fromkeys(word for each in expressions for word in WORDS.findall(re.sub(r"\\[A-Za-z]|\[.*?\]|\{.*?\}", "\0", each)))
    return tuple(word.encode() for word in list(words)[:MAX_HINTS]) if form.kind != "choice" else ()


def opening_tokens(form: Form) -> int:
    """How many tokens one more may make necessary, generously: in JSON, all that an object which it opens must have."""
    if form.kind == "json_schema":
        return bytes_to_open(checked_schema(form.source))
    return bytes_of_pattern(form.source) if form.kind == "regex" else max(len(text.encode()) for text in json.loads(form.source))


def try_out(form: Form, grammar: str) -> None:
    """Build the grammar in another process first, unless it is plainly small. Raises GrammarError when it is bad, or too much work."""
    if _small(form):
        return
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "RUST_BACKTRACE": "0"}
    command = [sys.executable, "-P", str(TRIAL), str(MAX_LEXER_STATES)]
    try:
        trial = subprocess.run(command, input=grammar.encode(), capture_output=True, timeout=TRIAL_WALL_S, env=environment, check=False)
    except subprocess.TimeoutExpired:
        raise _too_much(form) from None
    if trial.returncode < 0:  # a signal: out of time, out of memory
        raise _too_much(form)
    if trial.returncode or trial.stdout:
        raise refused(form, (trial.stdout or trial.stderr.splitlines()[-1]).decode(errors="replace"))


def refused(form: Form, reason: str) -> GrammarError:
    """An error with what the library says in one line."""
    if reason.startswith("NoExtension"):
        return GrammarError(f"no text satisfies this {form.kind}")
    lines = reason.strip().splitlines() or ["no reason given"]
    told = next((line for line in lines if line.startswith("error: ")), re.sub(r"^at \d+\(\d+\): ", "", lines[0]))
    return GrammarError(f"no grammar can be made of this {form.kind}: {told[:200]}")


def _schema_grammar(source: str) -> dict[str, Any]:
    return {"json_schema": checked_schema(source) | {"x-guidance": {"whitespace_pattern": WHITE_SPACE}}}


def _regex_grammar(source: str) -> dict[str, Any]:
    check_repeats(source)
    # In Lark's words an expression stands between slashes, on one line.
    escaped = re.sub(r"(?s)\\.|/|\n", lambda match: {"/": r"\/", "\n": r"\n", "\\\n": r"\n"}.get(match.group(), match.group()), source)
    return {"lark_grammar": f"start: /{escaped}/"}


def _choice_grammar(source: str) -> dict[str, Any]:
    texts = json.loads(source)
    if len(texts) > MAX_CHOICES:
        raise GrammarError(f"choice has {len(texts)} texts, the limit is {MAX_CHOICES}")
    return {"lark_grammar": "start: CHOICE\nCHOICE: " + " | ".join(json.dumps(text, ensure_ascii=False) for text in texts)}


def _small(form: Form) -> bool:
    """Whether nothing in it can grow beyond its own length."""
    if form.kind == "json_schema":
        return len(form.source) <= SMALL_CHARS and not BRANCHING.search(form.source)
    return len(form.source) <= SMALL_CHARS // 8 and not (form.kind == "regex" and "{" in form.source)


def _too_much(form: Form) -> GrammarError:
    return GrammarError(f"a grammar for this {form.kind} would take too long or too much memory to build; make it simpler")
