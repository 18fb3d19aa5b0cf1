"""The student of chapter 12 in the reader's browser: what its page holds, and the files that the site serves for it.

The files stand once in the site, in ``student``, for both editions: our scripts, the model and its vocabulary
(``wordspace.browser_model``), and the runtime (``wordspace.web_runtime``), compressed as any static host will serve them.
The page names each with its size and SHA-256, and loads none of them but the small script and style sheet of its own.
"""

import gzip
import hashlib
import json
import tomllib
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path

from wordspace import browser_model, web_runtime

OURS = Path(__file__).resolve().parent.parent / "student"
SCRIPTS = ("page.js", "model.js", "tokenizer.js", "style.css")
PLACE = {"en": "../../student/", "zh": "../../../student/"}  # from a page of an edition
LICENCE = """ONNX Runtime Web {version} (ort.js, ort.wasm.gz), from the npm package onnxruntime-web, is used unchanged.

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation
files (the "Software"), to deal in the Software without restriction, including without limitation the rights to use, copy,
modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE,
ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def lacking() -> str:
    """Say what is not there and how to get it; nothing if all is."""
    if not (browser_model.folder() / "card.json").is_file():
        return f"{browser_model.folder().name} is not in models/: git checkout models/{browser_model.folder().name}"
    if not web_runtime.installed():
        return "the runtime from npm is not installed: python -m wordspace.web_runtime"
    return ""


@cache
def served(model: Path) -> dict[str, tuple[str, bytes, bytes]]:
    """Return what is served: name: (file name in the site, its bytes there, its bytes unpacked).

    Raises:
        MissingModel, WrongModel: the model's files are not those of its card.
    """
    browser_model.verify(model)
    found = {}
    for name in browser_model.FILES:
        data = (model / name).read_bytes()
        found[name] = (f"{name}.gz", gzip.compress(data, 9, mtime=0), data)
    script = (web_runtime.folder() / web_runtime.SCRIPT).read_bytes()
    wasm = (web_runtime.folder() / web_runtime.WASM).read_bytes()
    found["ort.js"] = (web_runtime.SCRIPT, script, script)
    found["ort.wasm"] = (web_runtime.WASM, wasm, gzip.decompress(wasm))
    return found


def card(model: Path, language: str) -> dict:
    """Return what the page has to know: labels in its language, and where each file is, how large, and its SHA-256."""
    theirs = browser_model.read_card(model)
    files = []
    for name, (place, packed, data) in served(model).items():
        sha256 = hashlib.sha256(data).hexdigest()
        address = f"{place}?{sha256[:8]}"  # a new file is not taken for the old one that a browser keeps
        files.append({"name": name, "address": address, "packed": len(packed), "bytes": len(data), "sha256": sha256})
    labels = [label[language] for label in theirs["labels"]]
    return {"max_length": theirs["max_length"], "labels": labels, "files": files}


def html(language: str, model: Path, place: str) -> Iterator[str]:
    """Yield the lines of the page's own part, none of them empty, for files that stand in ``place``."""
    texts = tomllib.loads((OURS / "texts.toml").read_text(encoding="utf-8"))[language]
    facts = card(model, language)
    weight = {file["name"]: file["packed"] for file in facts["files"]}
    of = {
        "total": sum(weight.values()),
        "model": sum(weight[name] for name in browser_model.FILES),
        "runtime": weight["ort.js"] + weight["ort.wasm"],
    }
    sizes = {name: f"{size / 1e6:.1f}\u00a0MB" for name, size in of.items()}
    say = {name: escape(text) for name, text in texts.items()}
    data = json.dumps({"texts": texts, "card": facts}, ensure_ascii=False).replace("<", "\\u003c")
    examples = browser_model.read_card(model)["examples"]
    yield f'<link rel="stylesheet" href="{place}style.css">'
    yield f'<div id="student" role="region" aria-label="{say["region"]}">'
    yield f'<p data-part="needs">{say["needs"]}</p>'
    yield f'<div data-part="start" hidden><p>{say["size"].format(**sizes)}</p>'
    yield f'<p><button type="button" data-part="load">{say["load"].format(**sizes)}</button></p></div>'
    yield f'<progress data-part="progress" max="1" value="0" aria-label="{say["progress"]}" hidden></progress>'
    yield '<form data-part="form" hidden>'
    yield f'<label for="student-text">{say["text"]}</label>'
    yield '<textarea id="student-text" data-part="text" rows="2" lang="en" aria-describedby="student-hint"></textarea>'
    yield f'<p class="hint" id="student-hint">{say["hint"]}</p>'
    yield f'<button type="submit">{say["ask"]}</button>'
    if examples:
        yield f'<div class="examples"><p>{say["examples"]}</p>'
        yield from (
            f'<button type="button" class="example" lang="en" data-example>{escape(text)}</button>' for text in examples
        )
        yield "</div>"
    yield "</form>"
    yield '<p class="fault" role="alert" data-part="fault" hidden></p>'
    yield '<p class="news" role="status" aria-live="polite" data-part="news"></p>'
    yield f'<div data-part="result" hidden><ol data-part="labels" aria-label="{say["result"]}"></ol>'
    yield '<p data-part="facts"></p>'
    yield f'<details><summary>{say["pieces"]}</summary><p class="pieces" lang="en" data-part="pieces"></p></details></div>'
    yield f'<script type="application/json">{data}</script>'
    yield "</div>"
    yield f'<script type="module" src="{place}page.js"></script>'


def page(env, language: str) -> Iterator[str]:
    """Yield the page's own part, or a sentence where the student or its runtime is not there."""
    if lacking():
        texts = tomllib.loads((OURS / "texts.toml").read_text(encoding="utf-8"))[language]
        yield from (":::{div} student-absent", texts["absent"], ":::")
    else:
        yield from html(language, browser_model.folder(), PLACE[language])


def write(folder: Path, model: Path) -> None:
    """Write everything that the page loads into a folder of the site."""
    folder.mkdir(parents=True)
    for name in SCRIPTS:
        (folder / name).write_bytes((OURS / name).read_bytes())
    for place, packed, _ in served(model).values():
        (folder / place).write_bytes(packed)
    (folder / "LICENCE.txt").write_text(LICENCE.format(version=web_runtime.VERSION), encoding="utf-8")
