"""The HTML report: whole in one file, safe whatever a model says, limited in number and bytes, and honest about what is left out."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from compare_runs_made import EVIL, draw_pictures, write_run

from internvl.eval import tasks
from internvl.eval.compare import Statistics, compare_runs, load_runs
from internvl.eval.report_html import ReportLimits, write_report
from internvl.eval.report_markup import Markup, element, join, text_of

FAST = Statistics(resamples=200)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The toy benchmark is registered and its pictures are drawn."""
    monkeypatch.setattr(tasks, "REGISTRY", {**tasks.REGISTRY, "toy": "compare_runs_made:TASK"})
    draw_pictures(tmp_path / "data")
    return tmp_path / "data"


class Page(HTMLParser):
    """What a browser would find: elements with their attributes, and text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside not in ("script", "style"):
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def cards(self) -> int:
        return sum("card" in (each.get("class") or "") for each in self.all("article"))


def report(out: Path, *folders: Path, root: Path | None = None, **limits: Any) -> tuple[str, Page]:
    found = compare_runs(load_runs(folders), models=("InternVL2-8B",), statistics=FAST)
    size = write_report(found, out, root=root, limits=ReportLimits(**limits))
    text = out.read_text("utf-8")
    assert size == len(text.encode())
    return text, Page(text)


def test_what_a_model_says_never_becomes_markup(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / EVIL.replace("/", "_"), [0, 0, 0], answers=[EVIL, "<!-- ", "]]></style>"], notes=(EVIL,), model=EVIL)
    text, page = report(tmp_path / "r.html", tmp_path / EVIL.replace("/", "_"), root=root)
    assert EVIL not in text
    assert EVIL in page.text
    assert len(page.all("script")) == 2
    assert not [each for each in page.all("img") if "onerror" in each or each.get("src")]
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]


def test_the_page_asks_nobody_for_anything_and_forbids_it(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 1])
    text, page = report(tmp_path / "r.html", tmp_path / "a", root=root)
    (policy,) = [each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/]{43}='", policy)
    assert "unsafe-inline" not in policy.split("script-src")[1]
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|@import|https?://", text)


def test_pictures_are_scaled_and_kept_once(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 0, 0, 0, 0])
    text, page = report(tmp_path / "r.html", tmp_path / "a", root=root, side=100)
    urls = json.loads(re.search(r'id="pictures">(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    shown = [each["data-picture"] for each in page.all("img")]
    assert len(urls) == 3  # five questions about three pictures
    assert sorted(shown, key=str) == ["0", "0", "1", "1", "2"]
    assert all(url.startswith("data:image/jpeg;base64,") for url in urls)
    assert page.all("img")[0]["alt"] == "picture 1 of q0, 900 x 600"
    assert "第 2 个数字是什么" in page.text
    assert max(map(len, urls)) < 8000


def test_limits_of_number_and_bytes_are_said(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 0, 0, 0, 0])
    _, page = report(tmp_path / "r.html", tmp_path / "a", root=root, cards=2, picture_bytes=10)
    assert page.cards() == 2
    assert "5 samples are not fully right. The 2 of 5" in page.text
    assert "0 pictures in 0.0 MB of at most 1e-05 MB; 2 are left out" in page.text
    assert "left out: the page has its limit of bytes" in page.text


def test_where_runs_differ_comes_first(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 1, 0.5, 1, 1])
    write_run(tmp_path / "b", [0, 1, 0.75, 0, 1])
    text, page = report(tmp_path / "r.html", tmp_path / "a", tmp_path / "b", root=root)
    cards = [each for each in page.all("article") if each.get("class") == "card"]
    assert re.findall(r"<h4>(q\d)", text) == ["q3", "q2", "q0"]
    assert [("data-differ" in each, "data-wrong" in each) for each in cards] == [(True, False), (True, True), (False, True)]
    assert all(each.get("tabindex") == "0" for each in cards)


def test_recipe_scores_groups_and_published_rows_are_there(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"task": "docvqa", "title": "DocVQA", "split": "test", "published": "DocVQA test"}
    write_run(tmp_path / "a", [0, 1], **fields)
    _, page = report(tmp_path / "r.html", tmp_path / "a")
    for words in ("protocol.max_tiles", "setting.commit", "groups.odd.small", "0.2500", "InternVL2-8B (published)"):
        assert words in page.text
    assert "published: InternVL2-8B 91.6, DocVQA test, ANLS, blog (InternVL blog and model zoo pages)" in page.text
    assert "without the benchmark's data (--data)" in page.text


def test_missing_pictures_and_files_cost_their_place_only(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 0, 0])
    write_run(tmp_path / "a", [0, 0], task="docvqa", title="DocVQA")
    (root / "1.png").write_bytes(b"no picture")
    (root / "2.png").unlink()
    _, page = report(tmp_path / "r.html", tmp_path / "a", root=root)
    assert len(page.all("img")) == 1
    assert page.text.count("is of no known format") == 1
    assert page.text.count("can't open") == 1
    assert "Questions and pictures are not shown: none of the benchmark's files is below" in page.text


def test_samples_of_another_file_are_not_taken_for_these(tmp_path: Path, root: Path) -> None:
    write_run(tmp_path / "a", [0, 0], ids=["z1", "z2"])
    _, page = report(tmp_path / "r.html", tmp_path / "a", root=root)
    assert "none of the 2 wrong samples is in the files below" in page.text


def test_text_is_escaped_unless_it_is_markup() -> None:
    inner = element("b", "<i>", title='"&')
    assert inner == '<b title="&quot;&amp;">&lt;i&gt;</b>'
    assert element("p", inner, " < ", None) == f"<p>{inner} &lt; </p>"
    assert isinstance(join(["&"]), Markup)
    assert element("img", alt="", data_picture=0, hidden=False) == '<img alt="" data-picture="0">'


def test_control_characters_and_half_characters_become_a_mark() -> None:
    assert element("p", "a\x00\x1b[0m\ud800\tb\n") == "<p>a��[0m�\tb\n</p>"
    assert text_of("x" * 20, most=5) == "xxxxx… (20 characters)"
    assert text_of(["答", 1]) == '["答", 1]'
