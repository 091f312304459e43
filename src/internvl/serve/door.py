"""What a browser gets that opens the page without the key: a 401 whose body asks for it, in one file that loads nothing else.

    door/door.html + door.css + door.js --door--> Response, its script and style allowed by their hashes

The script then fetches the page's files with the key and opens them in the same document (`door/door.js`).
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files

from starlette.responses import Response

from internvl.serve.page_files import HEADERS, POLICY


def door() -> Response:
    """The page that asks for the key."""
    body, policy = _composed()
    headers = HEADERS | {"Content-Security-Policy": policy, "Cache-Control": "no-store", "WWW-Authenticate": "Bearer"}
    return Response(body, 401, headers=headers, media_type="text/html; charset=utf-8")


@lru_cache(maxsize=1)
def _composed() -> tuple[str, str]:
    """The page with its style and script in it, and the policy that allows these two and blobs of the page's own files."""
    folder = files("internvl.serve").joinpath("door")
    html, css, js = (folder.joinpath(f"door.{kind}").read_text("utf-8") for kind in ("html", "css", "js"))
    html = html.replace("/* style */", css).replace("/* script */", js)
    policy = POLICY.replace("script-src 'self'", f"script-src '{_hash(js)}' blob:").replace(
        "style-src 'self'", f"style-src '{_hash(css)}'"
    )
    return html, policy.replace("img-src 'self' blob:", "img-src blob:").replace("trusted-types 'none'", "trusted-types door")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
