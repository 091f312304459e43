"""What a browser gets without the key: a page that asks for it, allowed by hashes, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import re

from serve_fakes import client_of

KEY = {"authorization": "Bearer sesame"}


def policy_of(text: str) -> dict[str, str]:
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


def test_the_door_holds_only_what_its_policy_names() -> None:
    with client_of(api_key="sesame") as client:
        response = client.get("/", headers={"accept": "text/html"})
    assert response.status_code == 401
    assert response.headers["cache-control"] == "no-store"
    assert not re.search(r"(?:src|href)=", response.text), "nothing is loaded without the key"
    policy = policy_of(response.headers["content-security-policy"])
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        [held] = re.findall(rf"<{element}[^>]*>(.*?)</{element}>", response.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[directive]
        assert "'self'" not in policy[directive]
        assert "unsafe" not in policy[directive]
    assert policy["require-trusted-types-for"] == "'script'"


def test_the_key_brings_the_page_itself() -> None:
    with client_of(api_key="sesame") as client:
        assert 'id="question"' in client.get("/", headers=KEY).text
        assert client.post("/", headers=KEY).status_code == 405
        assert client.get("/page/page.js").json()["error"]["code"] == "invalid_api_key"
    with client_of() as client:
        assert client.get("/").status_code == 200


def test_the_modules_that_the_door_loads_import_in_no_circle() -> None:
    with client_of() as client:
        below: dict[str, set[str]] = {}
        waiting = ["page.js", "settings.js"]
        while waiting:
            name = waiting.pop()
            source = client.get(f"/page/{name}").text
            below[name] = set(re.findall(r'from "\./([\w-]+\.js)"', source))
            assert len(re.findall(r"^import |\bimport\(", source, re.MULTILINE)) == len(re.findall(r'from "\./', source))
            waiting += [each for each in below[name] if each not in below]
    while below:
        free = {name for name, wanted in below.items() if not wanted & set(below)}
        assert free, f"a circle among {sorted(below)}"
        below = {name: wanted for name, wanted in below.items() if name not in free}
