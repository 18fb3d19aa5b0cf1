"""A search page on this machine: one query, and what each system finds, side by side.

    python -m wordspace.search [--port PORT] [--quick]

The page is at http://127.0.0.1:PORT/, in English and in Chinese (``?lang=zh``); ``/api/search?q=…`` gives the same as JSON,
which ``/openapi.json`` describes. It is bound to this machine's own address and answers only to its own names, so nobody else
can ask it. At the first start the sentence vectors of the collections are made, which takes some minutes; then they are kept.
"""

import argparse
import errno
import re
import socket
import sys
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Literal
from urllib.parse import unquote_to_bytes, urlencode

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.trustedhost import TrustedHostMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field

from wordspace import search_systems
from wordspace.cards import MissingData, WrongData
from wordspace.encoders import MissingModel

HOST, PORT = "127.0.0.1", 8000
NAMES = [HOST, "localhost"]  # any other name in a request's Host is another site that points here
LANGUAGES = ("en", "zh")
LIMIT = 500  # characters of a query
FEWEST, MOST, USUAL = 1, 20, 5  # hits of each system
QUICK = 200  # documents of each collection in a quick look
FIELDS = 20  # of an address; we know four
# Bytes of a request's head: 10,000 Chinese characters, percent-encoded, get our answer and not the server's.
REQUEST = 2**18
CONTROL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # all control characters but tab and line ends
BLANK = re.compile(r"\s*\Z")
EXAMPLES = (
    ("assistant", "zh-CN", ("智能语音助手", "手机反应慢吞吞，怎么腾地方", "机子发热不退怎么办")),
    ("words", "zh-CN", ("清晨的阳光", "离开故乡到外面谋生")),
    ("signs", "en", ("belly button sticks out", "bleeds easily", "trouble seeing in the dark")),
)
SAFE = {
    "Content-Security-Policy": "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


# --- What is asked, and what is answered ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Asked:
    """A request that can be answered; ``q`` is None where nothing is asked yet."""

    q: str | None
    lang: str = "en"
    collection: str = "auto"
    k: int = USUAL


class Refused(Exception):
    """A request that cannot be answered: the answer's status, which fault, its details, and the language to say it in."""

    def __init__(self, status: int, fault: str, lang: str = "en", **details):
        self.status, self.fault, self.lang = status, fault, lang
        self.message = texts(lang)["faults"][fault].format(**details)


class Hit(BaseModel):
    """A document that a system found."""

    rank: int = Field(ge=1)
    id: str
    title: str
    text: str = Field(description="empty where the title is the whole document")
    score: float = Field(description="of this system; two systems' scores are on different scales")
    ranks: dict[str, int] = Field(description="of the fusion: the ranks in the systems that it joins")


class System(BaseModel):
    """What a system found, best first; nothing where it knows no word of the query."""

    system: Literal["bm25", "mean", "encoder", "fusion"]
    name: str
    hits: list[Hit]


class Answer(BaseModel):
    """What all systems found in a collection."""

    q: str
    lang: Literal["en", "zh"]
    collection: Literal["assistant", "words", "signs"]
    documents: int = Field(ge=1, description="in the collection")
    systems: list[System]


class Fault(BaseModel):
    """Why a request was not answered, for programs and, in the language asked for, for readers."""

    fault: str
    message: str


PARAMETERS = {
    "q": {
        "type": "string",
        "minLength": 1,
        "maxLength": LIMIT,
        "pattern": rf"^[^{CONTROL}]*[^\s{CONTROL}][^{CONTROL}]*$",
        "description": "the query, English or Chinese",
    },
    "lang": {"type": "string", "enum": list(LANGUAGES), "default": "en", "description": "of names and messages"},
    "collection": {
        "type": "string",
        "enum": ["auto", *search_systems.SOURCES],
        "default": "auto",
        "description": "what is searched; auto: by the characters of the query",
    },
    "k": {
        "type": "integer",
        "minimum": FEWEST,
        "maximum": MOST,
        "default": USUAL,
        "description": "hits of each system",
    },
}


def described(*required: str) -> dict:
    """Return the parameters as OpenAPI describes them."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in PARAMETERS.items()
        ]
    }


@cache
def texts(lang: str) -> dict:
    """Return what the page says in a language, "en" or "zh"."""
    return tomllib.loads(_resource("texts.toml"))[lang]


@cache
def _resource(name: str) -> str:
    return files("wordspace").joinpath("search_page", name).read_text(encoding="utf-8")


def read(raw: bytes) -> Asked:
    """Return what the query part of an address asks.

    Args:
        raw: the part after "?", percent-encoded.

    Raises:
        Refused: with the status and the message to answer.
    """
    pairs = _pairs(raw)
    lang = next((value.decode() for name, value in pairs if name == b"lang" and value in (b"en", b"zh")), "en")
    if len(pairs) > FIELDS:
        raise Refused(400, "many", lang)
    try:
        decoded = [(name.decode(), value.decode()) for name, value in pairs]
    except UnicodeDecodeError:
        raise Refused(400, "encoding", lang) from None
    given = {}
    for name, value in decoded:
        if name in PARAMETERS and name in given:
            raise Refused(422, "repeated", lang, name=name)
        given[name] = value
    for name, choices in (("lang", LANGUAGES), ("collection", ("auto", *search_systems.SOURCES))):
        if given.get(name, choices[0]) not in choices:
            raise Refused(422, name, lang, value=_short(given[name]), choices=", ".join(choices))
    k = given.get("k", str(USUAL))
    if not re.fullmatch(r"[0-9]{1,9}", k) or not FEWEST <= int(k) <= MOST:
        raise Refused(422, "k", lang, low=FEWEST, high=MOST, value=_short(k))
    return Asked(_query(given.get("q"), lang), lang, given.get("collection", "auto"), int(k))


def _pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    fields = (field.replace(b"+", b" ").partition(b"=") for field in raw.split(b"&") if field)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in fields]


def _query(q: str | None, lang: str) -> str | None:
    if q is None:
        return None
    if len(q) > LIMIT:
        raise Refused(422, "long", lang, n=f"{len(q):,}", limit=LIMIT)
    if found := re.search(f"[{CONTROL}]", q):
        raise Refused(422, "control", lang, code=f"U+{ord(found[0]):04X}", n=found.start() + 1)
    if BLANK.match(q):
        raise Refused(422, "empty", lang)
    return q


def _short(value: str) -> str:
    shown = "".join(c if c.isprintable() else "�" for c in value)
    return f"“{shown if len(shown) <= 40 else shown[:39] + '…'}”"


# --- The application --------------------------------------------------------------------------------------------------
def create_app(indexes: dict[str, search_systems.Index] | None = None, quick: int | None = None) -> FastAPI:
    """Return the application.

    Args:
        indexes: the collections by name; without them, those of ``search_systems.open_all``.
        quick: at most so many documents are in a collection; the page says so.
    """
    indexes = search_systems.open_all(quick) if indexes is None else indexes
    app = FastAPI(
        title="wordspace search", version="1", docs_url=None, redoc_url=None, description=__doc__.splitlines()[0]
    )
    refusals = {status: {"model": Fault} for status in (400, 422)}
    pages = {status: {"content": {"text/html": {}}, "description": "a page that says why"} for status in (400, 422)}

    def answer(asked: Asked) -> Answer:
        name = search_systems.choose(asked.q) if asked.collection == "auto" else asked.collection
        found = indexes[name].search(asked.q, asked.k)
        systems = [
            System(system=system, name=texts(asked.lang)[system], hits=[_hit(n, hit) for n, hit in enumerate(hits, 1)])
            for system, hits in ((system, found[system]) for system in search_systems.SYSTEMS)
        ]
        size = len(indexes[name].documents)
        return Answer(q=asked.q, lang=asked.lang, collection=name, documents=size, systems=systems)

    @app.get("/api/search", responses=refusals, openapi_extra=described("q"))
    def search(request: Request) -> Answer:
        """Search a collection by each system."""
        asked = read(request.scope["query_string"])
        if asked.q is None:
            raise Refused(422, "empty", asked.lang)
        return answer(asked)

    @app.get("/", response_class=HTMLResponse, responses=pages, openapi_extra=described())
    def page(request: Request) -> str:
        """Show the page: the form, and below it what was found."""
        asked = read(request.scope["query_string"])
        return _page(asked, answer(asked) if asked.q else None, quick=quick)

    @app.get("/style.css", include_in_schema=False)
    def style() -> Response:
        return Response(_resource("style.css"), media_type="text/css")

    @app.get("/icon.svg", include_in_schema=False)
    def icon() -> Response:
        return Response(_resource("icon.svg"), media_type="image/svg+xml")

    def refuse(request: Request, refused: Refused, headers: dict | None = None) -> Response:
        if request.url.path.startswith("/api/"):
            fault = Fault(fault=refused.fault, message=refused.message)
            return JSONResponse(fault.model_dump(), refused.status, headers)
        given = Asked(_given(request), refused.lang)
        return HTMLResponse(_page(given, None, refused.message, quick), refused.status, headers)

    @app.exception_handler(Refused)
    def on_refused(request: Request, refused: Refused) -> Response:
        return refuse(request, refused)

    @app.exception_handler(404)
    @app.exception_handler(405)
    def on_http(request: Request, error: HTTPException) -> Response:
        fault = "method" if error.status_code == 405 else "missing"
        return refuse(request, Refused(error.status_code, fault, _lang(request)), error.headers)

    @app.exception_handler(Exception)
    def on_fault(request: Request, error: Exception) -> Response:
        return refuse(request, Refused(500, "inside", _lang(request)), SAFE)

    app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES)

    @app.middleware("http")
    async def safe(request: Request, call_next) -> Response:
        response = await call_next(request)
        response.headers.update(SAFE)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return app


def _hit(rank: int, hit: search_systems.Hit) -> Hit:
    return Hit(
        rank=rank,
        id=hit.document.id,
        title=hit.document.title,
        text=hit.document.text,
        score=hit.score,
        ranks=hit.ranks,
    )


def _lang(request: Request) -> str:
    return "zh" if b"lang=zh" in request.scope["query_string"].split(b"&") else "en"


def _given(request: Request) -> str:
    """Return the query of a refused request as well as it can be read, to show it in the form again."""
    q = dict(_pairs(request.scope["query_string"])).get(b"q", b"").decode(errors="replace")
    return "".join(c for c in q if c.isprintable())[:LIMIT]


@cache
def _template():
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("wordspace", "search_page")
    return Environment(autoescape=True, undefined=StrictUndefined, loader=loader).get_template("page.html")


def _page(given: Asked, answer: Answer | None, fault: str = "", quick: int | None = None) -> str:
    say, other = texts(given.lang), next(lang for lang in LANGUAGES if lang != given.lang)
    again = {"lang": other} | ({"q": given.q, "collection": given.collection, "k": given.k} if given.q else {})
    language = search_systems.SOURCES[answer.collection].language if answer else ""
    fits = not answer or re.search({"zh": search_systems.HAN.pattern, "en": "[A-Za-z]"}[language], answer.q)
    return _template().render(
        say=say,
        lang=given.lang,
        other_lang=texts(other)["lang"],
        switch="/?" + urlencode(again, errors="replace"),
        limit=LIMIT,
        collections=["auto", *search_systems.SOURCES],
        numbers=sorted({3, 5, 10, 20, given.k}),
        given=replace(given, q=given.q or ""),
        fault=fault,
        asked=answer,
        examples=EXAMPLES,
        size=f"{answer.documents:,}" if answer else "",
        language={"zh": "zh-CN"}.get(language, language),
        notice="" if fits else say[f"language_{language}"],
        systems={system.system: system.hits for system in answer.systems} if answer else {},
        quick=quick,
    )


# --- The command ------------------------------------------------------------------------------------------------------
def listen(port: int) -> socket.socket:
    """Return a socket bound to a port of this machine's own address.

    Raises:
        OSError: the port is in use or may not be used; the message says what to do.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        other = port + 1 if 1024 <= port < 65535 else PORT + 1
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise OSError(f"port {port} {why}; another one so: python -m wordspace.search --port {other}") from None
    return listening


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number from 1 to 65535, or 0 for any free one")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Open the collections and serve the page until Ctrl-C."""
    import uvicorn

    parser = argparse.ArgumentParser(prog="python -m wordspace.search", description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=_port, default=PORT, help=f"of this machine's own address (default: {PORT})")
    parser.add_argument(
        "--quick", action="store_true", help=f"only {QUICK} documents of each collection; keeps nothing"
    )
    given = parser.parse_args(arguments)
    try:
        listening = listen(given.port)  # before the long work, so that one need not wait to learn that it is in use
    except OSError as error:
        print(f"search: {error}", file=sys.stderr)
        return 1
    quick = QUICK if given.quick else None
    with listening:
        try:
            print(
                "Opening the collections; the first time, their vectors are made, which takes some minutes.", flush=True
            )
            app = create_app(quick=quick)
            print(f"The search page: http://{HOST}:{listening.getsockname()[1]}/  Ctrl-C ends.", flush=True)
            how = {"log_level": "warning", "h11_max_incomplete_event_size": REQUEST, "server_header": False}
            uvicorn.Server(uvicorn.Config(app, http="h11", **how)).run(sockets=[listening])
        except (MissingData, WrongData, MissingModel) as error:
            print(f"search: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("search: ended", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
