"""The student in a real browser, headless: loaded only when asked, the labels of Python, no network afterwards, clear errors.

Most of it with a stand-in (``stand_in.py``) on a page with nothing else; its answers with the real one, too, of which the
built book's pages, at the end, are made.
"""

import functools
import os
import random
import shutil
import sys
import threading
import unicodedata
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import stand_in
from built_book import HOME, site
from headless import CONTRAST, SCREENS, WIDE, Quiet

from wordspace import branches, browser_model, encoders, glossary, web_runtime
from wordspace.paths import root

sys.path.insert(0, str(root() / "book" / "theme"))
import student  # noqa: E402

pytestmark = pytest.mark.browser

LANG = {"en": "en", "zh": "zh-CN"}
READY = {"en": "Ready", "zh": "好了"}
MARGIN = 0.02  # between the two likeliest labels: below it, eight-bit rounding may choose the other one
CLASSIFY = """async texts => {
  const model = document.getElementById("student").classifier, answers = [];
  for (const text of texts) {
    const { probabilities, pieces, milliseconds } = await model.classify(text);
    answers.push([probabilities, pieces.map(piece => model.tokenizer.numbers.get(piece)), milliseconds]);
  }
  return answers;
}"""


@pytest.fixture(scope="module")
def runtime() -> None:
    """Without the runtime the tests are skipped, or fail where REQUIRE_BROWSER=1."""
    if not web_runtime.installed():
        missing = "the runtime is not installed: python -m wordspace.web_runtime"
        pytest.fail(missing) if os.environ.get("REQUIRE_BROWSER") == "1" else pytest.skip(missing)


@pytest.fixture(scope="module")
def model(tmp_path_factory, runtime) -> Path:
    """The stand-in's folder."""
    return stand_in.write(tmp_path_factory.mktemp("model") / "stand-in")


def pages(folder: Path, model: Path) -> Path:
    """Write a site of two pages, one a language, with nothing but the student, and one that has nothing of it."""
    student.write(folder / "student", model)
    for edition, lang in LANG.items():
        lines = "\n".join(student.html(edition, model, "student/"))
        assert "" not in lines.split("\n"), "an empty line would end the HTML in Markdown"
        (folder / f"{edition}.html").write_text(
            f'<!doctype html><html lang="{lang}"><meta charset="utf-8"><link rel="icon" href="data:,">'
            f'<meta name="viewport" content="width=device-width"><title>{edition}</title>{lines}',
            encoding="utf-8",
        )
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model) -> Path:
    return pages(tmp_path_factory.mktemp("site"), model)


def serve(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def base(folder) -> Iterator[str]:
    """The address of the stand-in's site, served on a free port of this machine."""
    yield from serve(folder)


@pytest.fixture(params=SCREENS)
def page(request, browser, base):
    """A fresh page on either screen that keeps what it asked for; at the end, no foreign request and no complaint."""
    context = browser.new_context(viewport=SCREENS[request.param])
    page, faults = context.new_page(), []
    page.asked = []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("console", lambda note: faults.append(note.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert [url for url in page.asked if not url.startswith((base, f"blob:{base}", "data:"))] == []
    # Chromium itself reports what did not arrive
    assert [fault for fault in faults if "Failed to load resource" not in fault] == []


def load(page, edition="en") -> None:
    page.click("[data-part=load]")
    page.wait_for_selector("[data-part=form]:visible", timeout=60_000)
    assert READY[edition] in page.inner_text("[data-part=news]")


def held_out(definitions: int = 154) -> list[str]:
    """Return all that laypeople say in the test part of the branches, and some definitions, which are longer."""
    lay, _ = branches.examples("test", "layperson")
    longer, _ = branches.examples("test", "definition")
    return lay + random.Random(0).sample(longer, definitions)


def compare(page, reference: browser_model.Classifier, texts: list[str]) -> None:
    """The same numbers of pieces, and the same label where the margin is not tiny."""
    answers = page.evaluate(CLASSIFY, texts)
    assert [numbers for _, numbers, _ in answers] == [reference.numbers(text) for text in texts]
    theirs = np.array([probabilities for probabilities, _, _ in answers])
    ours = np.array([reference.probabilities(text) for text in texts])
    two = np.sort(ours, axis=1)[:, -2:]
    clear = two[:, 1] - two[:, 0] >= MARGIN
    same = theirs.argmax(1) == ours.argmax(1)
    spread = np.abs(theirs - ours).max()
    print(f"{len(texts)} texts, {(~clear).sum()} with margins under {MARGIN}; labels alike {same.sum()}", end=", ")
    print(
        f"with margin {same[clear].sum()} of {clear.sum()}; greatest difference of a probability {spread:.1e}", end=", "
    )
    print(f"median {np.median([time for _, _, time in answers]):.1f} ms")
    assert same[clear].all()
    assert clear.sum() >= 200 and len(np.unique(ours[clear].argmax(1))) >= 3


def facts(page) -> dict:
    """Return the card in the page."""
    return page.evaluate("JSON.parse(document.querySelector('#student script').textContent).card")


def ask(page, text: str) -> None:
    page.fill("#student-text", text)
    page.click("form button[type=submit]")


# --- Loading ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("edition", HOME)
def test_nothing_is_loaded_before_the_press(page, base, folder, edition):
    page.goto(base + f"{edition}.html", wait_until="networkidle")
    ours = {f"{base}{edition}.html", *(f"{base}student/{name}" for name in student.SCRIPTS)}
    assert {url for url in page.asked if not url.startswith("data:")} == ours
    assert sum((folder / "student" / name).stat().st_size for name in student.SCRIPTS) < 25_000
    files = {file["address"].split("?")[0]: file["packed"] for file in facts(page)["files"]}
    assert files == {name: (folder / "student" / name).stat().st_size for name in files}
    told = f"{sum(files.values()) / 1e6:.1f}\u00a0MB"
    assert told in page.inner_text("[data-part=start] p") and told in page.inner_text("[data-part=load]")
    load(page, edition)
    after = {url.split("?")[0].removeprefix(f"{base}student/") for url in page.asked if url.startswith(base)}
    assert after - {url.removeprefix(f"{base}student/") for url in ours} == set(files)
    assert page.evaluate("document.activeElement.id") == "student-text", "one can type at once"
    assert not page.is_visible("[data-part=start]") and page.evaluate(WIDE) <= 0


def test_the_network_is_cut_after_loading(page, base):
    page.goto(base + "en.html")
    load(page)
    page.context.set_offline(True)
    before = len(page.asked)
    for text in ("An abnormality of the heart.", "Fingers that are unusually short."):
        ask(page, text)
        page.wait_for_function("document.querySelector('[data-part=news]').textContent.includes('%')")
        assert page.locator("[data-part=labels] li").count() == 3
    assert len(page.asked) == before


# --- Answers ----------------------------------------------------------------------------------------------------------
def test_labels_are_those_of_python(browser, base, model):
    page = browser.new_page()
    page.goto(base + "en.html")
    load(page)
    compare(page, browser_model.Classifier(model), held_out())
    page.close()


def test_the_real_students_labels_are_those_of_python(browser, runtime, tmp_path):
    for address in serve(pages(tmp_path, browser_model.folder())):
        page = browser.new_page()
        page.goto(address + "en.html")
        load(page)
        compare(page, browser_model.Classifier(browser_model.folder()), held_out())
        page.close()


@pytest.mark.parametrize("edition", HOME)
def test_what_is_shown_is_what_python_says(page, base, model, edition):
    reference = browser_model.Classifier(model)
    text = "Unusually short fingers, with an " + "extra " * 60 + "phalanx and 猫 ☃."
    page.goto(base + f"{edition}.html")
    load(page, edition)
    ask(page, text)
    page.wait_for_selector("[data-part=result]:visible")
    probabilities = reference.probabilities(text)
    best = [reference.labels[n][edition] for n in probabilities.argsort()[::-1][:3]]
    assert page.locator("[data-part=labels] .name").all_inner_texts() == best
    shares = [float(share.rstrip("%")) for share in page.locator("[data-part=labels] .share").all_inner_texts()]
    assert shares == pytest.approx(100 * np.sort(probabilities)[::-1][:3], abs=1)
    assert best[0] in page.inner_text("[data-part=news]")
    said = page.inner_text("[data-part=facts]")
    assert {"en": " ms on your device, for 48 pieces.", "zh": "毫秒，读了48个词元"}[edition] in said
    assert {"en": "were left out", "zh": "没有读"}[edition] in said
    page.click("summary")
    assert page.locator("[data-part=pieces] code").first.inner_text() == "[CLS]"
    assert page.evaluate(WIDE) <= 0


def test_by_keyboard_alone(page, base):
    page.goto(base + "en.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.part") == "load"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-part=form]:visible", timeout=60_000)
    page.keyboard.press("Enter")
    assert page.inner_text("[data-part=news]") == "Type a text first."
    page.keyboard.type("short fingers")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("and toes")
    assert page.input_value("#student-text") == "short fingers\nand toes"
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-part=result]:visible")
    reached = []
    for _ in range(2 + len(stand_in.EXAMPLES)):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert reached == ["Ask the student", *stand_in.EXAMPLES, "What it read"]


def test_examples_are_asked(page, base):
    page.goto(base + "en.html")
    load(page)
    for button in page.locator("[data-example]").all():
        button.click()
        page.wait_for_selector("[data-part=result]:visible")
        assert page.input_value("#student-text") == button.inner_text()


@pytest.mark.parametrize(
    "text", ["<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", "a" * 100_000, "\u202e\0"]
)
def test_any_text_is_only_read(page, base, text):
    page.on("dialog", lambda dialog: pytest.fail("run"))
    page.goto(base + "zh.html")
    load(page, "zh")
    ask(page, text)
    page.wait_for_selector("[data-part=result]:visible")
    page.click("summary")
    assert page.locator("#student img").count() == 0 and page.evaluate(WIDE) <= 0


# --- What goes wrong --------------------------------------------------------------------------------------------------
def altered(path: Path, how: str) -> None:
    """Damage a served file."""
    data = bytearray(path.read_bytes())
    if how == "one byte":
        data[len(data) // 2] ^= 1
    elif how == "cut off":
        del data[len(data) // 2 :]
    elif how == "a page":  # as some hosts answer for what they do not have
        data = b"<!doctype html>Not here"
    elif how == "empty":
        data = b""
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["one byte", "cut off", "a page", "empty"])
@pytest.mark.parametrize("name", ["model.onnx", "vocab.txt", "ort.wasm"])
def test_a_damaged_file_is_named_and_not_used(browser, folder, tmp_path, name, how):
    site = shutil.copytree(folder, tmp_path / "site")
    altered(site / "student" / f"{name}.gz", how)
    for address in serve(site):
        page = browser.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        for edition, said in {"en": f"{name} is damaged, or not the file", "zh": f"{name}已损坏"}.items():
            page.goto(address + f"{edition}.html")
            page.click("[data-part=load]")
            page.wait_for_selector("[role=alert]:visible", timeout=60_000)
            assert said in page.inner_text("[role=alert]")
            assert page.locator("[data-part=form]").is_hidden() and page.locator("[data-part=progress]").is_hidden()
            assert page.locator("[data-part=load]").is_enabled()
        page.close()


def test_a_script_that_was_changed_is_not_run(browser, folder, tmp_path):
    site = shutil.copytree(folder, tmp_path / "site")
    (site / "student" / "ort.js").write_text("document.title = 'run'; export const env = {};")
    for address in serve(site):
        page = browser.new_page()
        page.goto(address + "en.html")
        page.click("[data-part=load]")
        page.wait_for_selector("[role=alert]:visible", timeout=60_000)
        assert "ort.js is damaged" in page.inner_text("[role=alert]") and page.title() == "en"
        page.close()


@pytest.mark.parametrize("kind", ["no classifier", "other labels", "no model"])
def test_a_foreign_model_is_said_to_be_one(browser, model, tmp_path, kind):
    """Sound files whose card names them, and yet not what the page can use."""
    theirs = shutil.copytree(model, tmp_path / "theirs")
    if kind == "no classifier":
        stand_in.foreign(theirs / "model.onnx")
    elif kind == "no model":
        (theirs / "model.onnx").write_bytes(b"GIF89a" * 100)
    labels = stand_in.LABELS[:3] if kind == "other labels" else stand_in.LABELS
    browser_model.write_card(theirs, labels, stand_in.LENGTH)
    for address in serve(pages(tmp_path / "site", theirs)):
        page = browser.new_page()
        for edition, said in {"en": "no classifier that this page knows", "zh": "不是这一页认识的分类模型"}.items():
            page.goto(address + f"{edition}.html")
            page.click("[data-part=load]")
            page.wait_for_selector("[role=alert]:visible", timeout=60_000)
            assert said in page.inner_text("[role=alert]")
        page.close()


def test_a_missing_file_and_no_network_are_told_apart(browser, folder, tmp_path):
    site = shutil.copytree(folder, tmp_path / "site")
    (site / "student" / "model.onnx.gz").unlink()
    for address in serve(site):
        page = browser.new_page()
        page.goto(address + "en.html")
        page.click("[data-part=load]")
        page.wait_for_selector("[role=alert]:visible", timeout=60_000)
        assert "model.onnx (404) is missing on this site" in page.inner_text("[role=alert]")
        page.context.set_offline(True)
        page.click("[data-part=load]")
        page.wait_for_function("document.querySelector('[role=alert]').textContent.includes('is there a network')")
        page.context.set_offline(False)
        shutil.copy(folder / "student" / "model.onnx.gz", site / "student")
        load(page)  # the next press mends it
        assert page.locator("[role=alert]").is_hidden()
        page.close()


def test_without_a_script_the_page_says_what_it_needs(browser, base, folder):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(base + "en.html")
    assert "needs JavaScript" in page.inner_text("#student") and page.locator("button:visible").count() == 0
    context.close()
    page = browser.new_page()
    page.goto((folder / "zh.html").as_uri())  # from files browsers run no modules
    assert "make serve" in page.inner_text("#student")
    page.close()


def test_an_old_browser_is_told_so(page, base):
    for broken, said in {
        "delete globalThis.DecompressionStream": "too old for it: DecompressionStream is lacking",
        "WebAssembly.validate = () => false": "too old for it: WebAssembly SIMD is lacking",
        "Object.defineProperty(crypto, 'subtle', {value: undefined})": "only over https",
    }.items():
        page.goto(base + "en.html")
        page.evaluate(broken)
        page.click("[data-part=load]")
        page.wait_for_selector("[role=alert]:visible")
        assert said in page.inner_text("[role=alert]")


# --- The tokenizer ----------------------------------------------------------------------------------------------------
def strange(number: int) -> list[str]:
    """Return texts of odd characters: accents, scripts, spaces, control characters, emoji, special tokens, long words."""
    draw = random.Random(12)
    odd = [
        *"éÅñßſﬁŒİıΣςΏЖй中文國㐀豈𠀀あ한글अनु้ำ",
        *" \t\n\r\u00a0\u2003\u3000\u2028\x0b\x0c\x85",
        *"\0\ufffd\u200b\u200d\ufeff\u00ad\x1b\ue000",
    ]
    odd += [
        *"😀👩🏽‍⚕️☃№½²×÷…“”«»—-_'`^~$+<=>|¿、。！（）",
        "[MASK]",
        "[SEP]",
        "[mask]",
        "[UNK]",
        "[PAD] ",
        "##ing",
        "x" * 101,
        "a" * 99,
    ]
    odd += [
        "\u0301",
        "\u0308",
        "e\u0301",
        "A\u030a",
        "\u1ea4",
        "ｆｕｌｌ",
        "ΑΣ",
        "DŽ",
        "ﬄ",
        "don't",
        "e.g.",
        "3,141",
        "HP:0001",
        "a/b",
    ]
    old = unicodedata.ucd_3_2_0  # of 2002: what came later may be treated otherwise, see below
    same = [c for c in map(chr, range(0x20, 0x3000)) if old.category(c) == unicodedata.category(c) != "Cn"]
    plain = ["the", "heart", "Abnormality", "of", "naïve", "unaffable", "cardiomyopathy", "I", "U.S."]
    lists = [plain, odd, same]
    return [
        "".join(draw.choice(draw.choice(lists)) + draw.choice(["", " "]) for _ in range(draw.randint(0, 30)))
        for _ in range(number)
    ]


@pytest.fixture(scope="module")
def bert():
    from transformers import BertTokenizer

    return BertTokenizer.from_pretrained(encoders.minilm())


ENCODE = """async ([script, vocabulary, most, texts]) => {
  const { WordPiece } = await import(script);
  const tokenizer = new WordPiece(vocabulary, most);
  return texts.map(text => tokenizer.encode(text).ids);
}"""


def test_the_tokenizer_is_berts(browser, base, bert):
    texts = [
        *held_out(1_500),
        *strange(3_000),
        *(f"{term.zh}：{term.means_zh} {term.means_en}" for term in glossary.terms().values()),
        "",
        " ",
    ]
    vocabulary = (encoders.minilm() / "vocab.txt").read_text(encoding="utf-8")
    page = browser.new_page()
    page.goto(base + "en.html")
    for most in (512, 16):
        theirs = page.evaluate(ENCODE, [f"{base}student/tokenizer.js", vocabulary, most, texts])
        ours = bert(texts, truncation=True, max_length=most)["input_ids"]
        wrong = [
            (text, bert.convert_ids_to_tokens(a), bert.convert_ids_to_tokens(b))
            for text, a, b in zip(texts, theirs, ours, strict=True)
            if a != b
        ]
        assert wrong == [], f"{len(wrong)} of {len(texts)}"
    page.close()


def test_every_character_but_the_newest_is_treated_as_berts_does(browser, base, bert):
    """BertTokenizer knows marks and punctuation as Unicode had them in 2015; browsers follow the newest one."""
    codes = [*range(0xD800), *range(0xE000, 0x20000), *range(0x20000, 0x110000, 101)]
    page = browser.new_page()
    page.goto(base + "en.html")
    theirs = page.evaluate(
        """async ([script, codes]) => { const { normalize, words } = await import(script);
        return codes.map(code => words(normalize("a" + String.fromCodePoint(code) + "b")).join(" ")); }""",
        [f"{base}student/tokenizer.js", codes],
    )
    page.close()
    backend = bert.backend_tokenizer
    differ = []
    for code, found in zip(codes, theirs, strict=True):
        text = backend.normalizer.normalize_str(f"a{chr(code)}b")
        if found != " ".join(word for word, _ in backend.pre_tokenizer.pre_tokenize_str(text)):
            differ.append(code)
    print(f"{len(differ)} of {len(codes)} characters differ, the first is U+{differ[0]:04X}")
    assert 0 < len(differ) < 1_000
    assert min(differ) > 0x600, "Latin, Greek, Cyrillic, Hebrew: none"
    assert not [
        code for code in differ if 0x2000 <= code < 0x2E40 or 0x3000 <= code < 0xA000 or 0x1F000 <= code < 0x20000
    ]


# --- The built book ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def book(runtime) -> Iterator[str]:
    assert student.lacking() == ""
    yield from serve(site())


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("edition", HOME)
def test_in_the_book(browser, book, edition, scheme, screen):
    """On its page in both languages, light and dark, on both screens: readable, nothing too wide, nobody else asked."""
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)
    page, faults = context.new_page(), []
    page.on("request", lambda asked: asked.url.startswith((book, f"blob:{book}", "data:")) or faults.append(asked.url))
    page.on("console", lambda note: note.type in ("error", "warning") and faults.append(note.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(f"{book}{HOME[edition]}book/{edition}/student.html")
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate(CONTRAST, "#student, #student *")[0] >= 4.5, page.evaluate(CONTRAST, "#student, #student *")
    load(page, edition)
    page.context.set_offline(True)
    page.locator("[data-example]").first.click()
    page.wait_for_selector("[data-part=result]:visible")
    page.click("#student summary")
    if shots := os.environ.get("SHOTS"):
        page.locator("#student").scroll_into_view_if_needed()
        page.screenshot(path=f"{shots}/student-{edition}-{scheme}-{screen}.png", full_page=True)
    assert page.evaluate(CONTRAST, "#student, #student *")[0] >= 4.5, page.evaluate(CONTRAST, "#student, #student *")
    assert page.evaluate(WIDE) <= 0
    assert faults == []
    context.close()


def test_the_books_student_gives_the_labels_of_python(browser, book):
    page = browser.new_page()
    page.goto(f"{book}book/en/student.html")
    load(page)
    compare(page, browser_model.Classifier(browser_model.folder()), held_out())
    page.close()


def test_no_other_page_loads_any_of_it(book):
    with_it = [path for path in site().rglob("*.html") if "student/page.js" in path.read_text(encoding="utf-8")]
    assert sorted(str(path.relative_to(site())) for path in with_it) == [
        "book/en/student.html",
        "zh/book/zh/student.html",
    ]
