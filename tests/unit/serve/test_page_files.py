"""The page's files over HTTP: types, policy, ETags, and that nothing else can be reached through them."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("starlette")
pytest.importorskip("httpx")
from starlette.applications import Starlette
from starlette.testclient import TestClient

from internvl.serve.page_files import page_files, page_routes


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=page_routes()))


def test_the_page_is_at_the_root_and_its_files_below(client):
    index = client.get("/")
    assert index.status_code == 200
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    for name in re.findall(r'(?:src|href)="(page/[^"]+)"', index.text):
        assert client.get(f"/{name}").status_code == 200, name
    assert client.get("/page/page.js").headers["content-type"] == "text/javascript; charset=utf-8"
    assert client.head("/").status_code == 200


def test_every_module_that_is_imported_is_served(client):
    modules = [name for name in page_files() if name.endswith(".js")]
    assert len(modules) > 5
    for name in modules:
        for wanted in re.findall(r'from "\./([^"]+)"', client.get(f"/page/{name}").text):
            assert client.get(f"/page/{wanted}").status_code == 200, (name, wanted)


def test_the_policy_lets_nothing_in_from_elsewhere(client):
    for path in ("/", "/page/page.js", "/page/page.css"):
        headers = client.get(path).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["require-trusted-types-for"] == "'script'"
        assert policy["frame-ancestors"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_the_browser_has_is_not_sent_again(client, form):
    etag = client.get("/page/page.css").headers["etag"]
    again = client.get("/page/page.css", headers={"If-None-Match": form.format(etag)})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert "content-security-policy" in again.headers
    assert client.get("/page/page.css", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("path", ["/page/", "/page/..%2fpage_files.py", "/page/../page_files.py", "/page/info", "/page/page.js/"])
def test_nothing_else_is_served(client, path):
    assert client.get(path, follow_redirects=False).status_code in (307, 404)
    assert "import" not in client.get(path, follow_redirects=False).text


def test_only_the_page_is_written_to(client):
    assert client.post("/").status_code == 405


def test_no_file_of_the_page_writes_markup_or_names_another_host():
    for name, file in page_files().items():
        text = file.body.decode()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), name
        assert set(re.findall(r"https?://[^\s\"']+", text)) <= {"http://www.w3.org/2000/svg"}, name


def test_both_languages_say_the_same_things_with_the_same_places():
    written = page_files()["texts.js"].body.decode().partition("const ATTRIBUTES")[0]
    english, chinese = (
        {key: set(re.findall(r"\{(\w+)\}", words)) for key, words in re.findall(r'\b(\w+): "([^"]*)"', table)}
        for table in written.split("\n  zh: {")
    )
    assert len(english) > 50
    assert english == chinese


def test_every_text_of_the_page_is_in_the_table():
    files = {name: file.body.decode() for name, file in page_files().items()}
    known = set(re.findall(r'\b(\w+): "', files["texts.js"]))
    used = set(re.findall(r'data-(?:text|label|placeholder)="(\w+)"', files["index.html"]))
    for name, text in files.items():
        if name.endswith(".js"):
            used |= set(re.findall(r'(?:\bsay\([^"]*?, |new Problem\(|\.tell\()"(\w+)"', text))
    assert len(used) > 40
    assert used <= known
