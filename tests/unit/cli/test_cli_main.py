"""Exit codes, one-sentence errors, and a start that loads nothing heavy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runs import FIXTURES, Run

import internvl
from internvl.cli import show
from internvl.cli.console import UsageError, printable, sentence
from internvl.errors import ConfigError

VERBS = ("chat", "generate", "show", "convert", "count", "doctor")
HEAVY = ("torch", "numpy", "PIL", "safetensors", "tokenizers", "sentencepiece", "huggingface_hub", "av")


def program(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "internvl", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, **options)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("words", ["--version", "--help", *(f"{verb} --help" for verb in VERBS)])
def test_help_and_version_load_nothing_heavy(words: str) -> None:
    code = (
        "import sys, internvl.cli.main as m\n"
        f"sys.argv = ['internvl', *{words.split()!r}]\n"
        "try: m.main()\nexcept SystemExit as e: assert not e.code, e.code\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("LOADED []")


def test_version(run: Run) -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"internvl {internvl.__version__}\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(run: Run, verb: str) -> None:
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert f"internvl {verb}" in result.stdout.split("Usage:")[1].split("\n", 1)[1], "an example beneath the usage line"


def test_library_errors_are_one_sentence_and_exit_1(run: Run) -> None:
    result = run("show", "InternVL9-1B")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no released model 'InternVL9-1B'")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_debug_anywhere_shows_the_traceback(run: Run) -> None:
    for words in (("--debug", "show", "InternVL9-1B"), ("show", "InternVL9-1B", "--debug")):
        result = run(*words)
        assert isinstance(result.exception, ConfigError)


def test_debug_behind_two_dashes_is_a_word(run: Run) -> None:
    result = run("show", "--", "--debug")
    assert "no released model '--debug'" in result.stderr


def test_usage_errors_exit_2(run: Run, tmp_path: Path) -> None:
    assert run("chat", "--no-such-flag").exit_code == 2
    assert run("chat", "nope.png", "-q", "x").exit_code == 2
    assert run("convert", "a", tmp_path / "b", "--to", "other").exit_code == 2


def test_operating_system_errors_name_the_file() -> None:
    assert sentence(PermissionError(13, "Permission denied", "/x/out.jsonl")) == "/x/out.jsonl: Permission denied"
    assert sentence(UsageError("two\n  lines")) == "two lines"


def test_interrupt_exits_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(as_json: bool) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "_show_table", interrupted)
    result = run("show")
    assert result.exit_code == 130
    assert "Traceback" not in result.output


def test_interrupting_the_program_exits_130_without_a_traceback() -> None:
    source = [sys.executable, "-m", "internvl", "chat", "-q", "-", "--model", str(FIXTURES / "internvl2-qwen2")]
    endless = [*source, "--set", "max_new_tokens=100000"]
    with subprocess.Popen(endless, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.stderr.read() == ""
        assert process.wait() == 130


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["show", "InternVL2-1B", "--json"]])
def test_a_reader_that_goes_away_is_no_error(words: list[str]) -> None:
    command = [sys.executable, "-m", "internvl", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 1


def test_a_failing_program_says_one_sentence() -> None:
    done = program("chat", FIXTURES / "image0.png", "-q", "x", "--model", FIXTURES / "no-such-model")
    assert done.returncode == 1
    assert done.stderr.startswith("error: no model ")
    assert done.stderr.count("\n") == 1


def test_control_characters_do_not_reach_a_terminal() -> None:
    assert printable("a\x1b[31mb\x07\x9b\tc\n中🙂") == "a�[31mb��\tc\n中🙂"
