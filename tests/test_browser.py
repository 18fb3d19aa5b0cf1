"""The built site in a real browser, headless, as readers see it: on a desk and on a phone, in both languages."""

import functools
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from built_book import HOME, all_pages, colab, other, pages, site
from headless import SCREENS, WIDE, Quiet

pytestmark = pytest.mark.browser

INK = """character => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d");
  pen.font = "64px " + getComputedStyle(document.querySelector("article")).fontFamily;
  pen.fillText(character, 8, 80);
  return pen.getImageData(0, 0, 120, 120).data.join();
}"""


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The address of the site, served on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site())))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(params=SCREENS)
def page(request, browser):
    """A fresh page on either screen."""
    context = browser.new_context(viewport=SCREENS[request.param])
    yield context.new_page()
    context.close()


def test_every_page_opens_clean(page, base):
    """No console error, no failed and no foreign request, no sideways scrolling."""
    faults, here = [], ""
    page.on("console", lambda note: note.type in ("error", "warning") and faults.append((here, note.text)))
    page.on("pageerror", lambda error: faults.append((here, str(error))))

    def failed(request):
        if (
            request.failure != "net::ERR_ABORTED"
        ):  # what was still on its way (the icon) when we went on to the next page
            faults.append((here, f"failed {request.url}: {request.failure}"))

    page.on("requestfailed", failed)
    page.on("response", lambda answer: answer.status >= 400 and faults.append((here, f"{answer.status} {answer.url}")))
    page.on(
        "request", lambda asked: asked.url.startswith((base, "data:")) or faults.append((here, "foreign " + asked.url))
    )
    for here in all_pages():
        page.goto(base + here, wait_until="load")
        page.evaluate("document.fonts.ready.then(() => true)")
        if (wide := page.evaluate(WIDE)) > 0:
            faults.append((here, f"{wide} px too wide"))
    assert faults == []


def test_start_pages(page, base):
    """``/`` opens the English start page, ``/zh/`` the Chinese one."""
    for edition, home in HOME.items():
        page.goto(base + home)
        page.wait_for_url(f"{base}{home}{pages(edition)[0]}.html")


def test_switch_leads_there_and_back(page, base):
    """The switch is seen on every page, and leads to the same page in the other language and back."""
    for name in pages("en"):
        address = f"{name}.html"
        page.goto(base + address)
        for target in (other(address), address):
            switch = page.locator("a.language-switch")
            assert switch.is_visible()
            switch.click()
            page.wait_for_url(base + target)


def test_switch_works_from_files(page):
    """Also where the site is only a folder."""
    start = (site() / f"{pages('en')[1]}.html").as_uri()
    page.goto(start)
    page.locator("a.language-switch").click()
    page.wait_for_url((site() / other(f"{pages('en')[1]}.html")).as_uri())


def found(page, base: str, edition: str, query: str) -> list[str]:
    """Return the pages that the search of an edition finds."""
    page.goto(f"{base}{HOME[edition]}search.html?q={query}")
    page.wait_for_selector("#search-results .search-summary:not(:empty)", timeout=10_000)
    page.wait_for_function("Search._pulse_status === 0 || document.querySelector('#search-results li')", timeout=10_000)
    page.wait_for_timeout(200)
    return [
        link.split("?")[0].split("#")[0]
        for link in page.locator("#search-results li a").evaluate_all("all => all.map(a => a.href)")
    ]


@pytest.mark.parametrize(
    ("edition", "query"),
    [
        ("en", "vocabulary"),
        ("en", "cat and car"),
        ("zh", "词表"),
        ("zh", "猫"),
        ("zh", "猫和汽车"),
        ("zh", "词向量模型"),
    ],
)
def test_search_finds_the_chapter(page, base, edition, query):
    """Words of chapter 01 lead to it, Chinese ones also where they are not set apart."""
    assert f"{base}{HOME[edition]}notebooks/{edition}/01_one_hot.html" in found(page, base, edition, query)


def test_search_says_that_it_found_nothing(page, base):
    """A word that no page has is not found."""
    assert found(page, base, "en", "xylophonist") == found(page, base, "zh", "唢呐") == []


@pytest.mark.parametrize("edition", HOME)
def test_formulas_are_drawn(page, base, edition):
    """Formulas have a size, and their font arrives."""
    page.goto(f"{base}{HOME[edition]}notebooks/{edition}/01_one_hot.html")
    page.evaluate("document.fonts.ready.then(() => true)")
    boxes = page.locator("math").evaluate_all(
        "all => all.map(m => m.getBoundingClientRect()).map(b => [b.width, b.height])"
    )
    assert boxes and min(width for width, _ in boxes) > 3 and min(height for _, height in boxes) > 5
    fonts = page.evaluate("[...document.fonts].filter(f => f.family.includes('Book Math')).map(f => f.status)")
    assert fonts == ["loaded"]


def test_chinese_has_glyphs(page, base):
    """A Chinese character is drawn as itself, not as the box for what no font has."""
    page.goto(f"{base}zh/{pages('zh')[0]}.html")
    ink = {character: page.evaluate(INK, character) for character in ("词", "嵌", "\U0010fffd", " ")}
    assert len(set(ink.values())) == 4


@pytest.mark.parametrize("edition", HOME)
def test_launch(page, base, edition):
    """The launch button opens a menu with the right notebook of the right edition."""
    for name in [name for name in pages(edition) if name.startswith("notebooks/")]:
        address = f"{HOME[edition]}{name}.html"
        page.goto(base + address)
        page.locator(".dropdown-launch-buttons > button").click()
        link = page.locator(".dropdown-launch-buttons a")
        assert link.is_visible() and link.get_attribute("href") == colab(address)


def test_contents_open_on_a_phone(browser, base):
    """The menu, whose icon is our own, brings the table of contents into view."""
    page = browser.new_page(viewport=SCREENS["phone"])
    page.goto(base + f"{pages('en')[0]}.html")
    chapter = page.locator(".bd-sidebar-primary .bd-links a").first
    assert chapter.bounding_box()["x"] < 0 or not chapter.is_visible()
    page.locator("button.primary-toggle").click()
    page.wait_for_timeout(500)
    assert chapter.is_visible() and chapter.bounding_box()["x"] >= 0
    page.close()
