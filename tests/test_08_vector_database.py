"""Chapter 08's vector database: exact, filtered, changed, and whole after a process that wrote to it was killed."""

import http.server
import json
import random
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import QdrantClient
from qdrant_client.qdrant_remote import QdrantRemote

from wordspace import lessons

RANDOM = random.Random(8)


@pytest.fixture(scope="module")
def lesson():
    return lessons.load("08_semantic_search")


@pytest.fixture
def store(lesson, tmp_path):
    store = lesson.open_store(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def X():
    X = np.random.default_rng(0).normal(size=(70, 16)).astype(np.float32)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def payloads(n):
    return [{"kind": "abc"[i % 3], "number": i} for i in range(n)]


# --- Search, filter, change -------------------------------------------------------------------------------------------
def test_search_is_the_exact_product(lesson, store, X):
    lesson.fill(store, "x", X, payloads(70))
    for q in np.random.default_rng(1).normal(size=(20, 16)).astype(np.float32):
        found = lesson.nearest(store, "x", q, 70)
        cosines = X @ q / np.linalg.norm(q)
        assert [i for i, _ in found] == np.argsort(-cosines, kind="stable").tolist()
        np.testing.assert_allclose([score for _, score in found], np.sort(cosines)[::-1], atol=1e-6)


@pytest.mark.parametrize("size", [1, 7, 69, 70, 1000])
def test_all_are_stored_whatever_the_batch(lesson, store, X, size):
    lesson.fill(store, "x", X, payloads(70), size=size)
    kept, _ = store.scroll("x", limit=1000)
    assert {point.id: point.payload for point in kept} == dict(enumerate(payloads(70)))


def test_filter_says_who_takes_part(lesson, store, X):
    lesson.fill(store, "x", X, payloads(70))
    found = lesson.nearest(store, "x", X[0], 70, kind="b")
    assert sorted(i for i, _ in found) == [i for i in range(70) if i % 3 == 1]
    assert lesson.nearest(store, "x", X[0], 5, kind="b", number=1)[0][0] == 1
    assert lesson.nearest(store, "x", X[0], 5, kind="none") == []


def test_changes_outlive_the_process(lesson, tmp_path, X):
    from qdrant_client import models

    store = lesson.open_store(tmp_path)
    lesson.fill(store, "x", X, payloads(70))
    store.set_payload("x", {"new": True}, points=[3])
    store.update_vectors("x", [models.PointVectors(id=4, vector=X[60].tolist())])
    store.delete("x", [5, 60])
    store.close()
    store = lesson.open_store(tmp_path)
    assert store.count("x").count == 68
    assert store.retrieve("x", [5, 60]) == []
    assert store.retrieve("x", [3])[0].payload == {"kind": "a", "number": 3, "new": True}
    ((first, score),) = lesson.nearest(store, "x", X[60], 1)
    assert first == 4 and score == pytest.approx(1, abs=1e-6)
    store.close()


# --- Addresses --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["", "  ", "ftp://x", "qdrant://localhost:6333", __file__])
def test_what_is_no_place_is_refused(lesson, address):
    with pytest.raises(ValueError, match="is no place for a store: give a folder"):
        lesson.open_store(address)


def test_a_folder_is_open_once_at_a_time(lesson, store, tmp_path):
    with pytest.raises(RuntimeError, match="already accessed by another instance"):
        lesson.open_store(tmp_path / "store")
    store.close()
    lesson.open_store(tmp_path / "store").close()


def test_a_server_that_is_not_there(lesson):
    with pytest.raises(
        ConnectionError, match=r"no Qdrant server answers at http://127\.0\.0\.1:9: start one there, or"
    ):
        lesson.open_store("http://127.0.0.1:9")


class Stub(http.server.BaseHTTPRequestHandler):
    """As much of a server as opening and asking need; what it was asked is kept."""

    asked: list = []

    def do_GET(self):
        self.reply({"collections": []})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.asked.append((self.path, body))
        self.reply({"points": [{"id": 7, "version": 0, "score": 0.5}]})

    def reply(self, result):
        text = json.dumps({"result": result, "status": "ok", "time": 0}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def test_the_same_code_asks_a_server(lesson):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        store = lesson.open_store(f"http://127.0.0.1:{server.server_port}")
        assert isinstance(store._client, QdrantRemote)
        assert lesson.nearest(store, "x", np.array([1.0, 0]), 3, kind="a") == [(7, 0.5)]
        store.close()
        server.shutdown()
    ((path, body),) = Stub.asked
    assert path.startswith("/collections/x/points/query")
    assert body["query"] in ([1.0, 0.0], {"nearest": [1.0, 0.0]}) and body["limit"] == 3
    assert body["filter"] == {"must": [{"key": "kind", "match": {"value": "a"}}]}


# --- Kills ------------------------------------------------------------------------------------------------------------
def survey(lesson, folder):
    """Open the store as it is, and return its points by id; each must be whole."""
    store = lesson.open_store(folder)
    try:
        if not store.collection_exists("log"):
            return {}
        kept, _ = store.scroll("log", limit=10**7, with_vectors=True)
    finally:
        store.close()
    assert all(map(lesson.is_whole, kept))
    return {point.id: point for point in kept}


def kill(lesson, folder, first=0, batches=0, delay=0.0):
    """Kill a writer; return how many points it acknowledged, how many are there, and how many of the first are lost."""
    told = lesson.kill_a_writer(folder, first, batches, delay)
    assert (Path(folder) / ".lock").exists() or not told, "the dead writer's lock file stays, and hinders nobody"
    kept = survey(lesson, folder)
    mine = sorted(i for i in kept if i >= first)
    assert mine == list(range(first, first + len(mine))), "points are kept in the order in which they were sent"
    assert len(mine) - len(told) < 20, "no more than the batch under way, and one whose answer was not heard"
    return len(told), len(mine), len(set(told) - set(mine))


def test_killed_while_writing_nothing_acknowledged_is_lost(lesson, tmp_path):
    for n in range(3):
        told, _, lost = kill(lesson, tmp_path / str(n), batches=2, delay=RANDOM.uniform(0, 0.1))
        assert told >= 20 and lost == 0


@pytest.mark.slow
def test_one_writer_after_another_is_killed_in_the_same_folder(lesson, tmp_path):
    before = set()
    for n in range(3):
        assert kill(lesson, tmp_path, 10**6 * n, 1, RANDOM.uniform(0, 0.05))[2] == 0
        after = set(survey(lesson, tmp_path))
        assert before <= after
        before = after


@pytest.mark.slow
def test_killed_at_many_moments(lesson):
    figures = []
    for n in range(40):
        with tempfile.TemporaryDirectory() as folder:
            if n % 2:  # at the beginning: while the store and its collection are made
                figures.append(kill(lesson, folder, delay=RANDOM.uniform(0, 0.15)))
            else:
                figures.append(kill(lesson, folder, batches=RANDOM.randint(1, 30), delay=RANDOM.uniform(0, 0.2)))
    told, found, lost = map(sum, zip(*figures, strict=True))
    print(f"{len(figures)} kills, {told} acknowledged, {found} found, {lost} lost;", end=" ")
    print(
        f"{sum(a != b for a, b, _ in figures)} with points not acknowledged, {sum(not a for a, _, _ in figures)} before any"
    )
    assert lost == 0
    assert told > 1000


DIES = """
import builtins, os, sys
from qdrant_client import QdrantClient
real = builtins.open
def dies(path, mode="r", *more, **named):
    stream = real(path, mode, *more, **named)
    if str(path).endswith("meta.json") and mode == "w":
        os.kill(os.getpid(), 9)
    return stream
builtins.open = dies
QdrantClient(path=sys.argv[1])
"""


def test_killed_at_the_first_moment_the_store_opens_all_the_same(lesson, tmp_path):
    assert subprocess.run([sys.executable, "-c", DIES, str(tmp_path)]).returncode == -9
    assert (tmp_path / "meta.json").read_bytes() == b""
    with pytest.raises(json.JSONDecodeError):  # the client alone; should it learn better, forget_unfinished can go
        QdrantClient(path=str(tmp_path))
    assert survey(lesson, tmp_path) == {}


def test_an_empty_list_of_collections_that_exist_is_left_alone(lesson, tmp_path, X):
    store = lesson.open_store(tmp_path)
    lesson.fill(store, "x", X, payloads(70))
    store.close()
    (tmp_path / "meta.json").write_bytes(b"")  # not by a kill of ours: a case for somebody who looks
    with pytest.raises(json.JSONDecodeError):
        lesson.open_store(tmp_path)
    assert (tmp_path / "collection" / "x" / "storage.sqlite").exists()
