"""The chat page in a real Chromium against a stand-in server: what a user does, what is drawn, what a hostile answer can't do."""

from __future__ import annotations

import base64
import io
import math

import PIL.Image
import pytest

pytest.importorskip("playwright")
pytest.importorskip("uvicorn")
from page_server import PageServer, Wanted, wait_until
from playwright.sync_api import Page, expect, sync_playwright
from recipes.nano.data.browser import find_program
from recipes.nano.data.sample import MissingMaterial

YELLOW = (255, 210, 63)
BLUE = (40, 90, 200)
HOSTILE = "\n\n".join(
    (
        "<script>window.stolen = 1</script><img src=x onerror='window.stolen = 2'><svg onload=window.stolen=3>",
        "![x](http://example.com/pixel.png) [click](javascript:window.stolen=4) <iframe src=http://example.com></iframe>",
        "**<b onclick=window.stolen=5>bold</b>** `<i>code</i>` <ref><img src=x onerror=window.stolen=6></ref><box>[[1,2,3,4]]</box>",
        "| <u>head</u> | b |\n|---|---|\n| <style>*{display:none}</style> | [[window.stolen=7]] |",
        "<box>[[constructor, alert(1)]]</box> <box>[[0, 0, 1e9, 5]]</box> " + "*`_[<" * 2000 + "[[" * 2000,
    )
)

GROUNDED = (
    "The <ref>sign</ref><box>[[250, 200, 750, 600]]</box> is here.",
    "The sign[[250, 200, 750, 600]] is here.",
    "```\n<ref>sign</ref><box>[[250, 200, 750, 600]]</box>\n```",
)
ERRORS = (
    (400, {}, "The server could not take this question: told by the server"),
    (413, {}, "What you show is too large for this server"),
    (422, {}, "A picture or video could not be used: told by the server"),
    (429, {"Retry-After": "7"}, "Too many questions are waiting. Try again in 7 s."),
    (500, {}, "Something went wrong in the server"),
    (503, {}, "The server is busy or still starting."),
)


def picture(width: int = 400, height: int = 300) -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (width, height), BLUE).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="module")
def browser():
    try:
        program = find_program()
    except MissingMaterial as error:
        pytest.skip(str(error))
    with sync_playwright() as playwright:
        # Every name but the loopback fails at once, so a request to the outside can't hang a test.
        rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu", rules])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def running():
    with PageServer() as server:
        yield server


@pytest.fixture
def server(running):
    running.reset()
    return running


@pytest.fixture
def open_page(browser, server):
    """Opens the page; at the end of the test it must have caused no error and no request to anywhere else."""
    contexts, requests, errors = [], [], []

    def opened(**options) -> Page:
        contexts.append(browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1000, "height": 800}} | options))
        contexts[-1].on("request", lambda request: requests.append(request.url))
        page = contexts[-1].new_page()
        page.set_default_timeout(5000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if "Content Security Policy" in message.text else None)
        page.goto(server.url)
        expect(page.locator("#model")).not_to_be_empty() if not server.key else expect(page.locator("#door")).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []
    assert {url for url in requests if not url.startswith((server.url, "blob:" + server.url))} == set()


def ask(page: Page, words: str) -> None:
    page.locator("#question").fill(words)
    page.keyboard.press("Enter")


def answer(page: Page):
    return page.locator(".answer").last


def bring(page: Page, kind: str, files: list[tuple[str, str, bytes]], selector: str = "#question", *, send: bool = False) -> None:
    """A drop or a paste of (name, type, bytes) onto an element; `send` the question in the same moment."""
    sent = [(name, mime, base64.b64encode(data).decode()) for name, mime, data in files]
    page.evaluate(
        """([kind, selector, sent, send]) => {
          const data = new DataTransfer();
          for (const [name, type, body] of sent) {
            data.items.add(new File([Uint8Array.from(atob(body), (c) => c.charCodeAt(0))], name, {type}));
          }
          const options = {bubbles: true, cancelable: true};
          const event = kind === "paste" ? new ClipboardEvent("paste", {...options, clipboardData: data})
                                         : new DragEvent(kind, {...options, dataTransfer: data});
          document.querySelector(selector).dispatchEvent(event);
          if (send) document.querySelector("#ask").requestSubmit();
        }""",
        [kind, selector, sent, send],
    )


def test_a_dropped_picture_shows_its_tiles_and_cost_before_it_is_asked_about(open_page, server):
    page = open_page()
    dropped = picture()
    bring(page, "dragenter", [("a.png", "image/png", dropped)], "main")
    expect(page.locator("#drop")).to_be_visible()
    bring(page, "drop", [("a.png", "image/png", dropped)], "main")
    expect(page.locator("#drop")).to_be_hidden()
    expect(page.locator(".card")).to_contain_text("3 × 2 tiles + overview · 1,792 tokens")
    expect(page.locator("#cost")).to_have_text("1,804 tokens, 1,792 of them visual")
    assert page.locator(".card line.over").count() == 3  # two cuts down, one across
    assert server.asked == []
    page.locator("#max-tiles").select_option("1")
    expect(page.locator(".card")).to_contain_text("1 tile · 256 tokens")
    assert page.locator(".card line").count() == 0
    ask(page, "What is it?")
    expect(answer(page)).to_contain_text("1,804 tokens read (1,792 visual), 9 written")
    content = server.asked[0]["messages"][0]["content"]
    assert base64.b64decode(content[0]["image_url"]["url"].removeprefix("data:image/png;base64,")) == dropped
    assert content[1] == {"type": "text", "text": "What is it?"}
    assert server.asked[0]["internvl"] == {"max_tiles": 1}
    assert server.asked[0]["model"] == "internvl-stand-in"
    page.reload()
    expect(page.locator("#max-tiles")).to_have_value("1")


def test_pasted_and_chosen_files_can_be_taken_back(open_page, server):
    page = open_page()
    bring(page, "paste", [("image.png", "image/png", picture())])
    page.locator("#files").set_input_files([{"name": "clip.webm", "mimeType": "video/webm", "buffer": b"not really a clip"}])
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(".card video")).to_have_attribute("aria-label", "Video: clip.webm")
    expect(page.locator(".card").last).to_contain_text("8 frames · 2,048 tokens")
    page.get_by_role("button", name="Remove image.png").click()
    expect(page.locator(".card")).to_have_count(1)
    ask(page, "")
    expect(answer(page)).to_contain_text("Hello there.")
    assert [part["type"] for part in server.asked[0]["messages"][0]["content"]] == ["video_url"]


def test_a_question_waits_for_a_picture_that_is_still_being_opened(open_page, server):
    page = open_page()
    page.locator("#question").fill("What is it?")
    bring(page, "paste", [("large.png", "image/png", picture(3840, 2160))], send=True)
    expect(answer(page)).to_contain_text("Hello there.")
    assert [part["type"] for part in server.asked[0]["messages"][0]["content"]] == ["image_url", "text"]
    page.locator("#question").fill("And this?")
    bring(page, "paste", [("broken.png", "image/png", b"no picture")], send=True)
    expect(page.get_by_role("alert")).to_contain_text("“broken.png” could not be opened.")
    expect(page.locator("#cost")).to_contain_text("tokens")
    expect(page.get_by_role("alert")).to_contain_text("“broken.png”")  # the count does not take it away
    expect(page.locator("#question")).to_have_value("And this?")
    assert len(server.asked) == 1, "what could not be shown was part of the question"


def test_files_that_cannot_be_shown_are_refused_in_words(open_page):
    page = open_page()
    bring(page, "drop", [("notes.txt", "text/plain", b"hello")], "main")
    expect(page.get_by_role("alert")).to_have_text("“notes.txt” is neither a picture nor a video that can be shown here.")
    bring(page, "drop", [("broken.png", "image/png", b"no picture")], "main")
    expect(page.get_by_role("alert")).to_contain_text("“broken.png” could not be opened.")
    bring(page, "drop", [("huge.mp4", "video/mp4", bytes(1_500_000))], "main")
    expect(page.get_by_role("alert")).to_have_text("“huge.mp4” is too large: 2 MB, and this server takes 1 MB.")
    expect(page.locator(".card")).to_have_count(0)


def test_an_answer_streams_in_and_the_chat_goes_on(open_page, server):
    page = open_page()
    server.wanted = Wanted(pieces=("One. ", "**Tw", "o** 你", "好"), held=True)
    ask(page, "first")
    expect(answer(page)).to_have_attribute("aria-busy", "true")
    expect(answer(page).locator(".body")).to_have_text("One.")
    assert page.locator("#spoken p").all_text_contents() == ["One."]
    server.go_on.set()
    expect(answer(page).locator("strong")).to_have_text("Two")
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    assert page.locator("#spoken p").all_text_contents() == ["One.", "Two 你好", "End of the answer."]
    ask(page, "second")
    expect(answer(page).locator(".body")).to_contain_text("你好")
    assert [message["content"] for message in server.asked[1]["messages"]] == ["first", "One. **Two** 你好", "second"]
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".turn")).to_have_count(0)
    ask(page, "third")
    wait_until(lambda: len(server.asked) == 3)
    assert [message["content"] for message in server.asked[2]["messages"]] == ["third"]


def test_stopping_frees_the_server_and_retry_asks_again(open_page, server):
    page = open_page()
    server.wanted = Wanted(pieces=("again ",), endless=True)
    ask(page, "go on")
    expect(answer(page).locator(".body")).to_contain_text("again again again")
    page.keyboard.press("Escape")
    expect(answer(page)).to_contain_text("Stopped.")
    wait_until(lambda: server.hung_up == 1)
    assert server.hung_up == 1
    kept = answer(page).locator(".body").inner_text()
    server.wanted = Wanted()
    page.get_by_role("button", name="Retry").click()
    expect(answer(page).locator(".body")).to_have_text("Hello there.")
    expect(page.locator(".answer")).to_have_count(1)
    assert kept.startswith("again")
    assert server.asked[0] == server.asked[1]


def test_copy_takes_the_answer_as_it_was_written(open_page, server):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    ask(page, "hi")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "Hello **there**."


def test_boxes_are_drawn_at_their_pixels(open_page, server):
    page = open_page()
    for written in GROUNDED:
        bring(page, "paste", [("a.png", "image/png", picture())])
        expect(page.locator(".card")).to_have_count(1)
        server.wanted = Wanted(pieces=tuple(written[at : at + 7] for at in range(0, len(written), 7)))
        ask(page, "where?")
        expect(answer(page)).to_have_attribute("aria-busy", "false")
        frame = answer(page).locator(".frame")
        frame.scroll_into_view_if_needed()
        place = frame.bounding_box()
        assert (place["width"], place["height"]) == (400, 300)
        shown = PIL.Image.open(io.BytesIO(page.screenshot())).convert("RGB")

        def colour(x: float, y: float, shown=shown, place=place) -> tuple[int, ...]:
            return shown.getpixel((math.floor(place["x"] + x), math.floor(place["y"] + y)))

        for x, y in ((100, 120), (300, 120), (200, 60), (200, 180)):  # the middle of each side: 0.25 * 400, 0.2 * 300 ...
            assert colour(x, y) == YELLOW, (x, y)
        for x, y in ((200, 120), (60, 120), (340, 120), (200, 240)):
            assert colour(x, y) == BLUE, (x, y)
        expect(frame.get_by_role("img")).to_have_attribute("alt", "Picture with marked places: 1")
        assert "[[" not in answer(page).locator(".body").inner_text()
    answer(page).locator(".place").focus()
    expect(answer(page).locator("figure")).to_have_class("lit")


def test_places_of_one_name_share_a_colour_and_another_picture_can_be_chosen(open_page, server):
    page = open_page()
    bring(page, "paste", [("a.png", "image/png", picture()), ("b.png", "image/png", picture(300, 300))])
    expect(page.locator(".card")).to_have_count(2)
    server.wanted = Wanted(
        pieces=("<ref>cat</ref><box>[[0,0,100,100],[200,0,300,100]]</box><ref>dog</ref><box>[[500,500,600,600]]</box>",)
    )
    ask(page, "where?")
    frame = answer(page).locator(".frame")
    expect(frame.locator("rect.over.c0")).to_have_count(2)
    expect(frame.locator("rect.over.c1")).to_have_count(1)
    assert frame.bounding_box()["width"] == 300  # the last picture, unless another is chosen
    answer(page).get_by_label("Show the places on").select_option("0")
    assert frame.bounding_box()["width"] == 400
    expect(frame.locator("rect.over")).to_have_count(3)


def test_a_hostile_answer_stays_text(open_page, server):
    page = open_page()
    bring(page, "paste", [("a.png", "image/png", picture())])
    server.wanted = Wanted(pieces=(HOSTILE,))
    ask(page, "hi")
    expect(answer(page)).to_have_attribute("aria-busy", "false")
    body = answer(page).locator(".body")
    assert body.locator("script, img, svg, iframe, style, b, i, u, a").count() == 0
    for words in ("<script>window.stolen = 1</script>", "<i>code</i>", "[click](javascript:", "<style>*{display:none}</style>"):
        assert words in body.inner_text()
    assert page.evaluate("window.stolen") is None
    expect(answer(page).locator("rect.over")).to_have_count(1)
    # Were there a mistake in the page, the browser itself would refuse to make markup of text.
    refused = page.evaluate("() => { try { document.body.innerHTML = '<p>x</p>'; } catch (error) { return error.name; } }")
    assert refused == "TypeError"


def test_markdown_becomes_elements(open_page, server):
    page = open_page()
    server.wanted = Wanted(
        pieces=(
            "## Title\n\nA *b* **c** `d_e_f` snake_case_name 2 * 3 * 4\n\n1. one\n2. two\n   - inner\n   - more\n\n"
            "| k | v |\n|---|--:|\n| a | 1 |\n\n```python\nprint('<b>')\n**x**\n```\n> said\n",
        )
    )
    ask(page, "hi")
    body = answer(page).locator(".body")
    expect(body.locator("h4")).to_have_text("Title")
    expect(body.locator("p").first).to_have_text("A b c d_e_f snake_case_name 2 * 3 * 4")
    assert body.locator("em, strong, code").all_text_contents() == ["b", "c", "d_e_f", "print('<b>')\n**x**"]
    assert body.locator("ol > li").count() == 2
    assert body.locator("ol ul > li").all_text_contents() == ["inner", "more"]
    assert body.locator("th, td").all_text_contents() == ["k", "v", "a", "1"]
    expect(body.locator("td.right")).to_have_text("1")
    expect(body.locator("blockquote")).to_have_text("said")


def test_errors_are_said_in_plain_words(open_page, server):
    page = open_page()
    for status, headers, words in ERRORS:
        server.wanted = Wanted(status=status, headers=headers)
        ask(page, "hi")
        expect(answer(page).locator(".problem")).to_contain_text(words)
        expect(page.locator("#spoken")).to_contain_text(words)
    assert len(server.asked[-1]["messages"]) == 1  # questions without an answer are not sent along
    expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_an_answer_that_was_cut_off_says_so_and_is_kept(open_page, server):
    page = open_page()
    server.wanted = Wanted(cut=True)
    ask(page, "hi")
    expect(answer(page)).to_contain_text("The connection ended before the answer was complete.")
    expect(answer(page).locator(".body")).to_have_text("Hello there.")


def test_a_key_opens_the_page_and_is_kept_in_memory_only(open_page, server):
    server.key = "secret"
    page = open_page()
    for wrong in ("wrong", "密钥"):
        page.get_by_label("API key of this server").fill(wrong)
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("The server refused this API key.")
    page.keyboard.type("secret")  # what was refused is selected
    page.keyboard.press("Enter")
    expect(page.locator("#model")).to_have_text("internvl-stand-in")
    expect(page.locator("#key-form")).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.querySelector('footer')).position") == "sticky", "the page has its looks"
    assert page.evaluate("document.querySelector('h1 img').naturalWidth") > 0
    bring(page, "paste", [("a.png", "image/png", picture())])
    expect(page.locator(".card")).to_contain_text("3 × 2 tiles + overview")
    ask(page, "hi")
    expect(answer(page)).to_contain_text("Hello there.")
    kept = page.evaluate("JSON.stringify([Object.values(localStorage), Object.values(sessionStorage), document.cookie, location.href])")
    assert "secret" not in kept
    page.reload()
    expect(page.locator("#door")).to_be_visible()


def test_a_key_that_changes_is_asked_for_again_within_the_page(open_page, server):
    page = open_page()
    server.key = "secret"
    ask(page, "hi")
    expect(answer(page).locator(".problem")).to_have_text("This server asks for an API key.")
    page.get_by_label("API key of this server").fill("secret")
    page.keyboard.press("Enter")
    expect(page.locator("#key-form")).to_be_hidden()
    page.get_by_role("button", name="Retry").click()
    expect(answer(page)).to_contain_text("Hello there.")


def test_the_door_speaks_both_languages_and_lets_nothing_in(open_page, server):
    server.key = "secret"
    page = open_page(locale="zh-CN", color_scheme="dark", viewport={"width": 320, "height": 600})
    expect(page.get_by_role("button", name="打开")).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "key"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 28)"
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    refused = page.evaluate("() => { try { document.body.innerHTML = '<p>x</p>'; } catch (error) { return error.name; } }")
    assert refused == "TypeError"


def test_everything_can_be_done_with_the_keyboard(open_page, server):
    page = open_page()
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid", order
    assert order == ["skip", "new-chat", "language", "theme", "question", "attach", "max-tiles", "send"]
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    assert server.asked == []
    page.keyboard.press("Enter")
    expect(answer(page)).to_contain_text("Hello there.")
    assert server.asked[0]["messages"][0]["content"] == "one\ntwo"
    assert page.evaluate("document.activeElement.id") == "question"
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Retry"
    page.keyboard.press("Enter")
    wait_until(lambda: len(server.asked) == 2)
    assert len(server.asked) == 2


def test_enter_within_an_input_method_does_not_send(open_page, server):
    page = open_page()
    page.locator("#question").fill("ni")
    page.evaluate("""document.querySelector("#question").dispatchEvent(
      new KeyboardEvent("keydown", {key: "Enter", isComposing: true, bubbles: true, cancelable: true}))""")
    expect(page.locator(".turn")).to_have_count(0)


def test_dark_mode_follows_the_system_and_the_switch(open_page):
    page = open_page(color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(20, 23, 28)"
    page.get_by_label("Colours").select_option("light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.reload()
    expect(page.get_by_label("Colours")).to_have_value("light")
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_chinese_comes_from_the_browser_and_the_switch_is_remembered(open_page, server):
    page = open_page(locale="zh-CN")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    expect(page.get_by_role("button", name="发送")).to_be_visible()
    bring(page, "paste", [("图.png", "image/png", picture())])
    expect(page.locator(".card")).to_contain_text("3 × 2 个图块 + 缩略图 · 1,792 个词元")
    ask(page, "这是什么？")
    expect(answer(page)).to_contain_text("视觉 1,792 个")
    page.get_by_label("语言").select_option("en")
    expect(answer(page)).to_contain_text("1,792 visual")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_a_phone_shows_all_of_it_without_scrolling_sideways(open_page):
    page = open_page(viewport={"width": 360, "height": 700})
    bring(page, "paste", [("a.png", "image/png", picture(1600, 900))])
    ask(page, "a" * 300)
    expect(answer(page)).to_contain_text("Hello there.")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
