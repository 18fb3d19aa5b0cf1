"""The search page against its own description: requests made at random from the OpenAPI schema, right and wrong ones."""

from urllib.parse import quote_from_bytes

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as some

from wordspace import search, search_systems

pytestmark = pytest.mark.slow

EXAMPLES = 150  # of each operation and kind
MODES = {"as described": schemathesis.GenerationMode.POSITIVE, "otherwise": schemathesis.GenerationMode.NEGATIVE}


SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def app():
    return search.create_app(search_systems.open_all(20, progress=False))


@pytest.fixture(scope="module")
def schema(app):
    config = schemathesis.Config.from_dict({"base-url": "http://127.0.0.1"})
    loaded = schemathesis.openapi.from_dict(app.openapi(), config=config)
    loaded.app = app
    return loaded


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", ["/api/search", "/"])
def test_every_answer_is_as_described(schema, path, mode):
    statuses = []

    @seed(20)
    @SETTINGS
    @given(schema[path]["GET"].as_strategy(generation_mode=MODES[mode]))
    def every(case):
        statuses.append(case.call_and_validate().status_code)

    every()
    print(path, mode, {status: statuses.count(status) for status in sorted(set(statuses))})
    assert len(statuses) >= EXAMPLES // 2
    assert set(statuses) <= ({200} if mode == "as described" else {200, 400, 405, 422})


def test_any_bytes_get_an_answer(app):
    client = TestClient(app, base_url="http://127.0.0.1")  # an exception inside would be raised here
    marks = some.sampled_from([b"q=", b"&", b"k=", b"lang=zh", b"%", b"%0", b"+", b"=", b"collection=words"])
    statuses = []

    @seed(20)
    @SETTINGS
    @given(some.lists(some.one_of(marks, some.binary(max_size=20).map(lambda b: quote_from_bytes(b).encode()))))
    def every(parts):
        query = b"".join(parts).decode()
        for path in ("/", "/api/search"):
            answer = client.get(f"{path}?{query}")
            statuses.append(answer.status_code)
            assert answer.status_code in (200, 400, 422), (path, query)
            assert answer.headers["content-security-policy"]

    every()
    print({status: statuses.count(status) for status in sorted(set(statuses))})
    assert set(statuses) == {200, 400, 422}
