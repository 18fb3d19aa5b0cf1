"""The search page in a real browser, headless: on a desk and on a phone, light and dark, by mouse and by keyboard."""

import socket
import threading
import time

import pytest
import uvicorn
from headless import CONTRAST, SCREENS, WIDE

from wordspace import search, search_systems

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def base():
    """The address of the page, served on a free port by the very server that the command runs."""
    listening = search.listen(0)
    app = search.create_app(search_systems.open_all(60, progress=False))
    how = {"log_level": "warning", "h11_max_incomplete_event_size": search.REQUEST}
    server = uvicorn.Server(uvicorn.Config(app, http="h11", **how))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(10)
    listening.close()


@pytest.fixture(params=SCREENS)
def page(request, browser, base):
    """A fresh page on either screen; at the end it must have had no console message and asked nobody else."""
    context = browser.new_context(viewport=SCREENS[request.param])
    page, faults = context.new_page(), []
    page.on("console", lambda note: faults.append(note.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: (faults.append("dialog"), dialog.dismiss()))
    page.on("request", lambda asked: asked.url.startswith(base) or faults.append(f"foreign {asked.url}"))
    yield page
    context.close()
    # Chromium itself reports the status of a page that was refused
    assert [fault for fault in faults if "the server responded with a status of 4" not in fault] == []


def ask(page, query):
    page.fill("#q", query)
    page.click("form button")
    page.wait_for_load_state()


@pytest.mark.parametrize(
    ("query", "first", "lang"), [("手机发烫怎么办", "d13", "zh-CN"), ("cysts in the kidney", "kidney", "en")]
)
def test_a_query_gets_four_columns(page, base, query, first, lang):
    page.goto(base)
    ask(page, query)
    assert page.locator(".system").count() == 4
    assert page.locator("#q").input_value() == query == page.locator("bdi.query").inner_text()
    assert first in page.locator("#bm25 li").first.inner_text().lower()
    assert page.locator("#bm25 ol").get_attribute("lang") == lang
    tops = {round(box["y"]) for box in (column.bounding_box() for column in page.locator(".system").all())}
    assert len(tops) == (1 if page.viewport_size["width"] == 1280 else 4), "side by side, or one below the other"
    assert page.evaluate(WIDE) <= 0


@pytest.mark.parametrize(
    "query",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title><script>alert(1)</script>",
        "javascript:alert(1)",
    ],
)
def test_what_is_written_is_never_run(page, base, query):
    page.goto(base)
    ask(page, query)
    assert page.locator("bdi.query").inner_text() == query
    assert page.locator("script, img").count() == 0


@pytest.mark.parametrize("lang", search.LANGUAGES)
@pytest.mark.parametrize("query", ["", "a" * 500, "词" * 500, "W" * 60 + "😀" * 60, "\u202e手机"])
def test_nothing_scrolls_sideways(page, base, query, lang):
    page.goto(f"{base}/?lang={lang}")
    if query:
        ask(page, query)
        assert page.locator(".system").count() == 4
    assert page.evaluate(WIDE) <= 0


def test_too_long_or_wrongly_encoded(page, base):
    page.goto(f"{base}/?lang=zh&q=" + "词" * 10_000)
    assert "10,000个字符" in page.locator("[role=alert]").inner_text()
    assert page.evaluate(WIDE) <= 0
    page.goto(f"{base}/?q=%ff%fe")
    assert "not valid UTF-8" in page.locator("[role=alert]").inner_text()
    page.goto(f"{base}/?q=%20")
    assert "empty" in page.locator("[role=alert]").inner_text()
    ask(page, "kidney")  # the form is still there
    assert page.locator(".system").count() == 4


def test_an_empty_query_is_not_sent(page, base):
    page.goto(base)
    page.click("form button")
    assert page.url.rstrip("/") == base
    assert page.evaluate("document.activeElement.id") == "q"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(page, base, scheme):
    page.emulate_media(color_scheme=scheme)
    for address in ("/", "/?q=kidney", "/?q=kidney&collection=assistant", "/?q=%ff"):
        page.goto(base + address)
        contrast, text = page.evaluate(CONTRAST, "body *")
        assert contrast >= 4.5, (address, text)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(paper) < 200) == (scheme == "dark")


def test_by_keyboard_alone(page, base):
    page.goto(base)
    assert page.evaluate("document.activeElement.id") == "q", "one can type at once"
    page.keyboard.type("kidney")
    page.keyboard.press("Enter")
    page.wait_for_selector(".system")
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.tagName + document.activeElement.className"
            )
        )
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none" or reached[-1] == "BODY"
    assert [name for name in reached if name in ("q", "collection", "k", "BUTTON")] == [
        "q",
        "collection",
        "k",
        "BUTTON",
    ]


def test_the_other_language_keeps_the_query(page, base):
    page.goto(base)
    ask(page, "kidney")
    page.click("a.switch")
    page.wait_for_selector("html[lang=zh-CN]")
    assert page.locator("#q").input_value() == "kidney" and page.locator("#bm25 li").count()
    page.click("a.switch")
    page.wait_for_selector("html[lang=en]")


def test_examples_lead_to_results(page, base):
    page.goto(base)
    for n in range(page.locator(".examples a").count()):
        page.goto(base)
        page.locator(".examples a").nth(n).click()
        page.wait_for_selector(".system")
        assert page.locator("#encoder li").count() == 5


def test_without_javascript_it_is_the_same(browser, base):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base)
    page.fill("#q", "kidney")
    page.click("form button")
    page.wait_for_load_state()
    assert page.locator(".system").count() == 4
    context.close()


def test_another_name_for_this_machine_is_refused(base):
    port = int(base.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as line:  # as a browser would that was sent here by another site
        line.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 400 ")
