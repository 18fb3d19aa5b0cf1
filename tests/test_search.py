"""The search page without a browser: what it finds, what it refuses and how, and the command that starts it."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from urllib.parse import quote

import numpy as np
import pytest
from bs4 import BeautifulSoup
from fastapi.testclient import TestClient

from wordspace import search, search_systems
from wordspace.paths import root

SMALL = 60
LONG = "词" * 10_000


@pytest.fixture(scope="session")
def indexes():
    return search_systems.open_all(SMALL, progress=False)


@pytest.fixture(scope="session")
def app(indexes):
    return search.create_app(indexes, quick=SMALL)


@pytest.fixture
def client(app):
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


def api(client, **fields):
    answer = client.get("/api/search", params=fields)
    return answer.status_code, answer.json()


def column(found, system):
    return next(part["hits"] for part in found["systems"] if part["system"] == system)


# --- Systems ----------------------------------------------------------------------------------------------------------
def test_fusion_by_hand():
    fused = search_systems.fuse([{7: 1, 8: 2}, {8: 1}, {9: 3}], damping=60)
    assert list(fused) == [8, 7, 9]
    assert fused == pytest.approx({8: 1 / 62 + 1 / 61, 7: 1 / 61, 9: 1 / 63})


def test_encoder_is_the_mean_of_the_last_layer_and_batches_change_nothing(indexes):
    import torch

    encoder = indexes["assistant"].encoder
    texts = ["手机", "手机发烫，多半是因为边充电边玩游戏。", "", "云" * 300]
    X = encoder.encode(texts)
    np.testing.assert_allclose(np.linalg.norm(X, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(X, encoder.encode(texts, size=1), atol=1e-5)
    with torch.inference_mode():
        batch = encoder.tokenizer(texts[1], return_tensors="pt")
        mean = encoder.model(**batch).last_hidden_state[0].mean(0).numpy()
    np.testing.assert_allclose(X[1], mean / np.linalg.norm(mean), atol=1e-5)


@pytest.mark.parametrize("name", search_systems.SOURCES)
def test_a_documents_own_words_find_it_first(indexes, name):
    index = indexes[name]
    for n in (0, SMALL // 2, SMALL - 1):
        text = index.documents[n].searched
        for system, hits in index.search(text, 3).items():
            if not hits:  # no word known
                assert system in ("bm25", "mean")
                continue
            scores = {hit.document.searched: hit.score for hit in hits}
            assert scores[text] == pytest.approx(max(scores.values()), abs=1e-6), (system, text)


def test_ranks_and_scores_agree(indexes):
    found = indexes["assistant"].search("手机发烫怎么办", 20)
    for system, hits in found.items():
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True), system
    first = {hit.document.id: rank for rank, hit in enumerate(found["bm25"], 1)}
    for hit in found["fusion"]:
        assert hit.score == pytest.approx(sum(1 / (60 + rank) for rank in hit.ranks.values()))
        assert hit.ranks.get("bm25") == first.get(hit.document.id) or hit.document.id not in first


def test_a_word_nobody_knows_finds_nothing_by_words(indexes):
    found = indexes["signs"].search("xqzvw", 5)
    assert found["bm25"] == found["mean"] == []
    assert len(found["encoder"]) == len(found["fusion"]) == 5


def test_full_width_letters_are_letters(indexes):
    wide, plain = (indexes["signs"].search(q, 3) for q in ("ｋｉｄｎｅｙ", "kidney"))
    assert [hit.document for hit in wide["bm25"]] == [hit.document for hit in plain["bm25"]] != []


@pytest.mark.parametrize(
    ("query", "name"),
    [("手机 fever", "assistant"), ("fever", "signs"), ("😀", "signs"), ("㐀", "assistant"), ("123", "signs")],
)
def test_collection_by_the_characters(query, name):
    assert search_systems.choose(query) == name


# --- What is kept -----------------------------------------------------------------------------------------------------
class Counting:
    """An encoder that counts how often it is used."""

    weights, longest, runs, fails = "w", 8, 0, False

    class model:
        class config:
            hidden_size = 3

    def encode(self, texts, done):
        self.runs += 1
        if self.fails:
            raise KeyboardInterrupt
        return np.arange(3.0 * len(texts), dtype=np.float32).reshape(-1, 3)


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setattr(search_systems, "build", lambda *parts: tmp_path / parts[-1])
    documents = [search_systems.Document(str(n), "", f"text {n}") for n in range(4)]
    encoder = Counting()
    return tmp_path, documents, encoder, lambda d=documents: search_systems._vectors("a", d, encoder, True, False)


def test_vectors_are_made_once_and_anew_when_texts_change(kept):
    folder, documents, encoder, vectors = kept
    np.testing.assert_array_equal(vectors(), vectors())
    assert encoder.runs == 1
    vectors(documents[:3])
    assert encoder.runs == 2
    assert len(list(folder.iterdir())) == 1, "what is out of date goes"


def test_damaged_vectors_are_made_again(kept):
    folder, _, encoder, vectors = kept
    X = vectors()
    (file,) = folder.iterdir()
    for damage in (b"", b"nonsense", file.read_bytes()[:-7]):
        file.write_bytes(damage)
        np.testing.assert_array_equal(vectors(), X)
    assert encoder.runs == 4


def test_interrupted_nothing_is_left(kept, monkeypatch):
    folder, _, encoder, vectors = kept
    encoder.fails = True
    with pytest.raises(KeyboardInterrupt):
        vectors()
    assert list(folder.iterdir()) == []
    encoder.fails = False

    def full(stream, X):
        stream.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="no space"):
        vectors()
    assert list(folder.iterdir()) == []


# --- Answers ----------------------------------------------------------------------------------------------------------
def test_answer(client):
    status, found = api(client, q="手机发烫", k=3, lang="zh")
    assert status == 200
    assert found["q"] == "手机发烫" and found["collection"] == "assistant" and found["documents"] == SMALL
    assert [part["system"] for part in found["systems"]] == list(search_systems.SYSTEMS)
    assert [part["name"] for part in found["systems"]] == ["BM25", "词向量平均", "句子编码器", "融合"]
    assert column(found, "bm25")[0]["id"] == "d13"
    for part in found["systems"]:
        assert [hit["rank"] for hit in part["hits"]] == list(range(1, 1 + len(part["hits"])))


def test_page_says_what_the_data_say(client):
    _, found = api(client, q="kidney disease", k=3)
    page = BeautifulSoup(client.get("/", params={"q": "kidney disease", "k": 3}).text, "html.parser")
    for part in found["systems"]:
        shown = page.select(f"#{part['system']} li")
        assert [item.b.text for item in shown] == [hit["title"] for hit in part["hits"]]
        scores = [item.select_one(".score").text.split()[-1] for item in shown]
        assert scores == [f"{hit['score']:.3f}" for hit in part["hits"]]


@pytest.mark.parametrize(("lang", "code"), [("en", "en"), ("zh", "zh-CN")])
def test_page_is_well_made(client, lang, code):
    for query in ("", "&q=手机", "&q=fever&collection=signs&k=20", "&q="):
        page = BeautifulSoup(client.get(f"/?lang={lang}{query}").text, "html.parser")
        assert page.html["lang"] == code
        assert not page.find_all("script") and not page.find_all(style=True)
        for field in page.select("input:not([type=hidden]), select"):
            assert page.select_one(f"label[for={field['id']}]").text
        used = [tag["id"] for tag in page.find_all(id=True)]
        assert len(used) == len(set(used))
        assert {tag["aria-labelledby"] for tag in page.find_all(attrs={"aria-labelledby": True})} <= set(used)
        there = page.select_one("a.switch")["href"]
        back = BeautifulSoup(client.get(there).text, "html.parser")
        assert back.html["lang"] != code
        for link in page.select("a[href], link[href], form[action]"):
            assert (link.get("href") or link.get("action")).startswith(("/", "#")), "nothing comes from elsewhere"


def test_both_languages_say_the_same_things():
    en, zh = search.texts("en"), search.texts("zh")
    assert en.keys() == zh.keys() and en["faults"].keys() == zh["faults"].keys()
    for key, text in (en | en["faults"]).items():
        if isinstance(text, str):
            assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", (zh | zh["faults"])[key])), key


def test_a_query_in_the_other_language_is_told_so(client):
    assert "finds little" in client.get("/", params={"q": "fever", "collection": "assistant"}).text
    assert "很难找到" in client.get("/", params={"q": "发热", "collection": "signs", "lang": "zh"}).text
    assert "finds little" not in client.get("/", params={"q": "fever", "collection": "signs"}).text


# --- Queries that try it ----------------------------------------------------------------------------------------------
STRANGE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "'; DROP TABLE points; --",
    "../../../../etc/passwd",
    "%s%s%n {0} {n}",
    "😀👩‍👩‍👧‍👦🇨🇳",
    "a" * 500,
    "词" * 500,
    "\u200b",
    "\u202egnihtyna",
    "\ufdfa" * 500,
    "tab\tand\nlines",
    "\U0010ffff\ufffe",
    "%",
    "0",
]


@pytest.mark.parametrize("query", STRANGE)
@pytest.mark.parametrize("collection", ["auto", *search_systems.SOURCES])
def test_strange_queries_are_searched(client, query, collection):
    status, found = api(client, q=query, collection=collection)
    assert status == 200 and found["q"] == query
    answer = client.get("/", params={"q": query, "collection": collection})
    assert answer.status_code == 200
    page = BeautifulSoup(answer.text, "html.parser")
    assert not page.find_all(["script", "img"])
    assert page.select_one("bdi.query").text == query.replace("\r", "\n")


BAD = {
    "q=": (422, "empty"),
    "q=%20%09%E3%80%80%0A": (422, "empty"),
    f"q={'a' * 10_000}": (422, "long"),
    f"q={quote(LONG[:7_000])}": (422, "long"),  # the test's client sends no longer address
    f"q={quote(LONG[:501])}": (422, "long"),
    "q=a%00b": (422, "control"),
    "q=%1b%5b31m": (422, "control"),
    "q=%c2%85": (422, "control"),
    "q=%ff%fe": (400, "encoding"),
    "q=%ed%a0%80": (400, "encoding"),
    "q=%c0%af": (400, "encoding"),
    "q=" + quote("手机".encode("gbk")): (400, "encoding"),
    "%ff=1&q=a": (400, "encoding"),
    "q=a&q=b": (422, "repeated"),
    "q=a&k=3&k=3": (422, "repeated"),
    "q=a&k=0": (422, "k"),
    "q=a&k=21": (422, "k"),
    "q=a&k=-1": (422, "k"),
    "q=a&k=1.5": (422, "k"),
    "q=a&k=" + "9" * 5000: (422, "k"),
    "q=a&k=%E4%B8%89": (422, "k"),
    "q=a&k=": (422, "k"),
    "q=a&collection=passwords": (422, "collection"),
    "q=a&collection=": (422, "collection"),
    "&".join(f"x{n}=1" for n in range(30)): (400, "many"),
}


@pytest.mark.parametrize("lang", search.LANGUAGES)
@pytest.mark.parametrize("query", BAD)
def test_bad_requests_get_a_clear_answer(client, query, lang):
    status, fault = BAD[query]
    answer = client.get(f"/api/search?lang={lang}&{query}")
    assert (answer.status_code, answer.json()["fault"]) == (status, fault)
    message = answer.json()["message"]
    own = re.sub("“.*?”", "", message)  # without what is quoted
    assert bool(search_systems.HAN.search(own)) == (lang == "zh")
    page = client.get(f"/?lang={lang}&{query}")
    assert page.status_code == status and page.headers["content-type"] == "text/html; charset=utf-8"
    told = BeautifulSoup(page.text, "html.parser").select_one("[role=alert]").text
    assert told == message


@pytest.mark.parametrize("value", ["fr", "", "EN", "<b>", "zh-CN", "\u202e" * 99])
def test_unknown_language_names_those_there_are(client, value):
    for path in ("/api/search", "/"):
        answer = client.get(path, params={"q": "a", "lang": value})
        assert answer.status_code == 422
        assert "Choose one of: en, zh." in answer.text
        assert "<b>" not in answer.text or path == "/api/search" or "“<b>”" not in answer.text


def test_start_page_asks_nothing_but_the_data_need_a_query(client):
    assert client.get("/").status_code == 200
    assert client.get("/api/search").status_code == 422


def test_other_addresses_and_methods(client):
    for path, kind in (("/api/x", "application/json"), ("/x?lang=zh", "text/html"), ("/docs", "text/html")):
        answer = client.get(path)
        assert answer.status_code == 404 and answer.headers["content-type"].startswith(kind)
        assert re.search("no such page|没有这个页面", answer.text)
    for path in ("/", "/api/search?q=a"):
        answer = client.post(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_failure_inside_is_told_without_its_details(indexes, monkeypatch):
    def fail(query, k):
        raise RuntimeError("secret")

    app = search.create_app(indexes)
    client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
    monkeypatch.setattr(indexes["signs"], "search", fail)
    for path in ("/api/search?q=a&lang=zh", "/?q=a&lang=zh"):
        answer = client.get(path)
        assert answer.status_code == 500 and "内部出错" in answer.text and "secret" not in answer.text
        assert answer.headers["content-security-policy"] == search.SAFE["Content-Security-Policy"]


# --- Only this machine ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "192.168.0.1", "", "localhost.evil.example"]
)
def test_other_names_are_refused(client, host):
    assert client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:9"])
def test_own_names_are_answered(client, host):
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("path", ["/", "/?q=%ff", "/api/search?q=a", "/x", "/style.css", "/icon.svg", "/openapi.json"])
def test_safe_headers_everywhere(client, path):
    headers = client.get(path).headers
    for name, value in search.SAFE.items():
        assert headers[name] == value


# --- The command ------------------------------------------------------------------------------------------------------
def command(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "wordspace.search", *arguments],
        cwd=root(),
        text=True,
        capture_output=True,
        timeout=120,
        **options,
    )


def test_help():
    said = command("--help")
    assert said.returncode == 0 and "--port" in said.stdout and "--quick" in said.stdout


def test_port_in_use_says_what_to_do(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert search.main(["--port", str(port)]) == 1
    said = capsys.readouterr().err
    other = port + 1 if port < 65535 else search.PORT + 1
    assert said == f"search: port {port} is in use; another one so: python -m wordspace.search --port {other}\n"


@pytest.mark.parametrize("port", ["70000", "-1", "http", "8e3", ""])
def test_no_port(port, capsys):
    with pytest.raises(SystemExit):
        search.main([f"--port={port}"])
    assert "is no port" in capsys.readouterr().err


def test_it_listens_on_this_machine_alone():
    with search.listen(0) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


def test_missing_data_is_told_in_a_line(monkeypatch, capsys):
    from wordspace.cards import MissingData

    def missing(limit):
        raise MissingData("glove is not installed: pip install …")

    monkeypatch.setattr(search_systems, "open_all", missing)
    assert search.main(["--port", "0"]) == 1
    assert capsys.readouterr().err == "search: glove is not installed: pip install …\n"


@pytest.mark.slow
def test_the_command_serves_and_ends_quietly(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path / "log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "wordspace.search", "--quick", "--port", str(port)],
            cwd=root(),
            stdout=stream,
            stderr=stream,
        )
        try:
            until = time.monotonic() + 180
            while "The search page:" not in log.read_text() and time.monotonic() < until and process.poll() is None:
                time.sleep(0.2)
            address = f"http://127.0.0.1:{port}"
            with urllib.request.urlopen(f"{address}/api/search?q={quote('手机')}") as answer:
                assert json.load(answer)["collection"] == "assistant"
            try:  # the server itself would refuse so long an address, were it not told to read on
                urllib.request.urlopen(f"{address}/api/search?q={quote(LONG)}")
            except urllib.error.HTTPError as error:
                assert (error.code, json.load(error)["fault"]) == (422, "long")
        finally:
            process.send_signal(2)
            process.wait(30)
    assert "Traceback" not in log.read_text()
    assert process.returncode == 0
