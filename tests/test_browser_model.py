"""The classifier of Python and browser: its card, damaged and foreign files, the runtime from npm, the page's own part."""

import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from wordspace import branches, browser_model, web_runtime
from wordspace.paths import root

sys.path.insert(0, str(root() / "book" / "theme"))
import student  # noqa: E402

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heart", "finger", "##s", "the", "."]
LABELS = [{"en": "heart", "zh": "心脏"}, {"en": "hand", "zh": "手"}]


def tiny(path, inputs=("input_ids", "attention_mask")):
    """Write a classifier that adds up two numbers of each piece: a heart speaks for the first label, a finger for the second."""
    table = np.zeros((len(WORDS), 2), np.float32)
    table[5], table[6] = (2, -1), (-1, 3)
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 2])
    nodes = [
        helper.make_node("Gather", ["table", inputs[0]], ["vectors"]),
        helper.make_node("ReduceSum", ["vectors", "axis"], ["logits"], keepdims=0),
    ]
    kept = [onnx.numpy_helper.from_array(table, "table"), onnx.numpy_helper.from_array(np.array([1]), "axis")]
    graph = helper.make_graph(nodes, "tiny", given, [logits], kept)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


@pytest.fixture
def folder(tmp_path):
    """A whole classifier."""
    place = tmp_path / "model"
    place.mkdir()
    tiny(place / "model.onnx")
    (place / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    browser_model.write_card(place, LABELS, max_length=6, examples=["The heart."])
    return place


# --- In Python --------------------------------------------------------------------------------------------------------
def test_a_text_gets_the_label_that_its_pieces_speak_for(folder):
    model = browser_model.Classifier(folder)
    assert model.numbers("The Héart.") == [2, 8, 5, 9, 3]
    assert model.logits("The heart.").tolist() == [2, -1]
    assert model.probabilities("the heart.") == pytest.approx([np.e**3 / (1 + np.e**3), 1 / (1 + np.e**3)])
    assert model.probabilities("fingers").argmax() == 1


def test_what_is_too_long_loses_its_end(folder):
    model = browser_model.Classifier(folder)
    assert model.numbers("the the the the heart") == [2, 8, 8, 8, 8, 3]
    assert model.logits("the the the the heart").tolist() == [0, 0]


def test_damaged_files_are_named(folder):
    for name in browser_model.FILES:
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(
            browser_model.WrongModel, match=rf"{name} is damaged, or a foreign file: [\d,]+ bytes with SHA"
        ):
            browser_model.Classifier(folder)
        (folder / name).write_bytes(whole)
    browser_model.Classifier(folder)


def test_missing_files_are_named(folder):
    for name in ("card.json", *browser_model.FILES):
        whole = (folder / name).read_bytes()
        (folder / name).unlink()
        with pytest.raises(browser_model.MissingModel, match=f"model lacks {name}. Copy it again."):
            browser_model.Classifier(folder)
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is damaged: it is not JSON"),
        ("[]", "is not the card of a classifier"),
        ('{"format": "other"}', "is not the card"),
    ],
)
def test_a_foreign_card_is_refused(folder, text, says):
    (folder / "card.json").write_text(text)
    with pytest.raises(browser_model.WrongModel, match=says):
        browser_model.read_card(folder)


def test_foreign_models_are_told_apart(folder):
    tiny(folder / "model.onnx", inputs=("pixels", "attention_mask"))
    browser_model.write_card(folder, LABELS, 6)
    with pytest.raises(browser_model.WrongModel, match="is no text classifier: it asks for pixels, attention_mask"):
        browser_model.Classifier(folder)
    tiny(folder / "model.onnx")
    browser_model.write_card(folder, [*LABELS, {"en": "foot", "zh": "脚"}], 6)
    with pytest.raises(browser_model.WrongModel, match=r"gives \(2,\) logits, the card has 3 labels"):
        browser_model.Classifier(folder)
    (folder / "model.onnx").write_bytes(b"GIF89a" * 9)
    browser_model.write_card(folder, LABELS, 6)
    with pytest.raises(browser_model.WrongModel, match="is not a model that onnxruntime can read"):
        browser_model.Classifier(folder)


@pytest.mark.parametrize("labels", [[], LABELS[:1], [*LABELS, {"en": "foot"}], [*LABELS, {"en": "foot", "zh": ""}]])
def test_labels_need_both_names(folder, labels):
    with pytest.raises(browser_model.WrongModel, match="at least two, each with a name"):
        browser_model.write_card(folder, labels, 6)


def test_the_books_student_is_whole_and_that_of_the_chapter():
    card = browser_model.verify(browser_model.folder())
    assert [label["en"] for label in card["labels"]] == list(branches.names())
    said = (browser_model.folder() / "README.md").read_text("utf-8")
    assert all(f"| `{name}` | {facts['bytes']:,} |" in said for name, facts in card["files"].items())
    source = root() / "models" / "branches-student" / "model.safetensors"
    made_from = re.search("with SHA-256 `(.*)`", said)[1]
    assert made_from == hashlib.sha256(source.read_bytes()).hexdigest(), (
        "branches-student is another: make browser-student"
    )


def test_no_example_of_the_page_has_a_label():
    labelled = {example.text.lower() for example in branches.all_examples()}
    assert not labelled & {text.lower() for text in browser_model.read_card(browser_model.folder())["examples"]}


# --- The runtime ------------------------------------------------------------------------------------------------------
def test_another_package_than_the_pinned_one_is_refused(tmp_path):
    (tmp_path / "package.tgz").write_bytes(b"anything")
    with pytest.raises(web_runtime.NoRuntime, match="package.tgz is damaged or another one: its SHA-512"):
        web_runtime.unpack(tmp_path / "package.tgz", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["package.tgz"]


def test_without_npm_and_pip_it_says_so_in_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(web_runtime.shutil, "which", lambda name: None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    assert web_runtime.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("make: onnxruntime-web 1.30.0 could not be fetched from npm (no network?). pip: ERROR")
    assert said.count("\n") == 1 and not web_runtime.folder().exists()


def test_what_is_installed_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(web_runtime, "_fetch", lambda place: pytest.fail("fetched"))
    web_runtime.folder().mkdir(parents=True)
    for name in web_runtime.SOURCES:
        (web_runtime.folder() / name).touch()
    assert web_runtime.main() == 0


def test_browser_and_python_have_the_same_runtime():
    pins = (root() / "requirements.txt").read_text("utf-8")
    assert re.search(r"^onnxruntime==(.*)$", pins, re.M)[1] == web_runtime.VERSION


def test_the_runtime_is_as_large_as_is_said():
    if not web_runtime.installed():
        pytest.skip("the runtime is not installed: python -m wordspace.web_runtime")
    for name, size in web_runtime.BYTES.items():
        assert (web_runtime.folder() / name).stat().st_size == pytest.approx(size, rel=0.01)


# --- The page's own part ----------------------------------------------------------------------------------------------
@pytest.fixture
def runtime(tmp_path, monkeypatch):
    """A runtime of a few bytes."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    web_runtime.folder().mkdir(parents=True)
    (web_runtime.folder() / web_runtime.SCRIPT).write_text("export {}")
    (web_runtime.folder() / web_runtime.WASM).write_bytes(gzip.compress(b"\0asm" * 1000, mtime=0))


@pytest.mark.parametrize("edition", ["en", "zh"])
def test_the_part_is_one_block_of_html_that_loads_two_small_files(folder, runtime, edition):
    lines = list(student.html(edition, folder, "there/"))
    assert "" not in lines and not any("\n" in line for line in lines), "Markdown would end the block"
    page = "\n".join(lines)
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["there/style.css", "there/page.js"]
    data = json.loads(re.search(r'<script type="application/json">(.*)</script>', page)[1])
    assert data["card"]["labels"] == [label[edition] for label in LABELS]
    names = [file["name"] for file in data["card"]["files"]]
    assert names == ["model.onnx", "vocab.txt", "ort.js", "ort.wasm"]
    assert not re.search(r"\{\w+\}", re.sub(r"<script.*</script>", "", page)), "a name was not filled in"


def test_labels_and_examples_are_never_markup(folder, runtime):
    bad = "</script><script>alert(1)</script>"
    browser_model.write_card(folder, [{"en": bad, "zh": bad}, LABELS[1]], 6, examples=[bad])
    page = "\n".join(student.html("en", folder, ""))
    assert page.count("<script") == 2 and "alert(1)</script>" not in page


def test_the_site_gets_what_the_page_names(folder, runtime, tmp_path):
    student.write(tmp_path / "site" / "student", folder)
    for file in student.card(folder, "en")["files"]:
        data = (tmp_path / "site" / "student" / file["address"].split("?")[0]).read_bytes()
        assert len(data) == file["packed"]
        assert len(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data) == file["bytes"]
    assert "Microsoft Corporation" in (tmp_path / "site" / "student" / "LICENCE.txt").read_text("utf-8")


def test_no_book_is_built_with_a_damaged_student(folder, tmp_path):
    place = tmp_path / "course"
    for mark in ("notebooks", "datasets", "models"):
        (place / mark).mkdir(parents=True)
    (place / "_config.yml").touch()
    folder.rename(place / "models" / "student")
    with open(place / "models" / "student" / "model.onnx", "ab") as file:
        file.write(b"!")
    environment = {**os.environ, "WORDSPACE_ROOT": str(place), "PYTHONPATH": str(root())}
    command = [sys.executable, root() / "book" / "build.py"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == "", done.stdout
    said = "The book was not built: student/model.onnx is damaged, or a foreign file: "
    assert done.stderr.startswith(said) and "git checkout models/student" in done.stderr


def test_both_languages_say_the_same_things():
    texts = tomllib.loads((root() / "book" / "student" / "texts.toml").read_text("utf-8"))
    assert texts["en"].keys() == texts["zh"].keys()
    for name, text in texts["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", texts["zh"][name])), name
    scripts = "".join((root() / "book" / "student" / name).read_text("utf-8") for name in ("page.js", "model.js"))
    called = set(re.findall(r'(?:say|Trouble)\("(\w+)"', scripts))
    assert called <= texts["en"].keys(), "a message that no language has"
    assert "http" not in scripts.replace("https", "").replace("http-equiv", ""), "no address of another host"
