"""Pages made from data: glossary, data cards, credits, scoreboard; and links to a term, a publication or a claim.

A page says ``{course-glossary}`` in a fence of its own, and Markdown made here takes the fence's place before the page is
read. Nothing on these pages is typed twice.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from zlib import crc32

from docutils import nodes
from frame import edition
from student import page as student_page

from wordspace import cards, claims, glossary

WORDS = {
    "en": {
        "chapter": "chapter {}",
        "chapters": "Used in",
        "package": "Package",
        "files": "Files",
        "licence": "Licence",
        "origin": "Origin",
        "promised": "Promised",
        "measured": "Measured",
        "reason": "Reading",
        "tally": "So far {total} claims have been measured: {holds} hold, {part} hold in part, {fails} do not hold.",
        "own": "Written for the course",
        "none": "No chapter has recorded a claim yet.",
    },
    "zh": {
        "chapter": "第{}章",
        "chapters": "用于",
        "package": "软件包",
        "files": "文件",
        "licence": "许可",
        "origin": "出处",
        "promised": "预期",
        "measured": "实测",
        "reason": "说明",
        "tally": "目前实测了{total}条说法：{holds}条成立，{part}条部分成立，{fails}条不成立。",
        "own": "课程自己写的",
        "none": "还没有章节记录说法。",
    },
}
MARKS = {claims.HOLDS: ("yes", "✓"), claims.IN_PART: ("partly", "◐"), claims.FAILS: ("no", "✗")}


def chapter_link(env, language: str, number: str) -> str:
    """Return a link to a chapter ("01"), or nothing where it is not written yet."""
    found = [name for name in env.found_docs if name.startswith(f"notebooks/{language}/{number}")]
    return f"[{WORDS[language]['chapter'].format(int(number))}](/{found[0]}.ipynb)" if number and found else ""


def chapter_links(env, language: str, numbers: Sequence[str]) -> list[str]:
    """Return links to those of the chapters that are written."""
    return [link for link in (chapter_link(env, language, number) for number in numbers) if link]


def glossary_page(env, language: str) -> Iterator[str]:
    """Yield all terms with a definition, in alphabetical order (English) or that of the chapters; the id is the anchor."""
    terms = list(glossary.terms().values())
    terms.sort(key=(lambda term: term.en.lower()) if language == "en" else (lambda term: term.chapter))
    for term in terms:
        if language == "en":
            name, meaning, other, tag = term.en, term.means_en, term.zh, "zh-CN"
        else:
            name, meaning, other, tag = term.zh, term.means_zh, term.en, "en"
        other = "" if other == name else f' <span class="other" lang="{tag}">{escape(other)}</span>'
        link = chapter_link(env, language, term.chapter)
        yield f'<span id="{term.id}">{escape(name)}</span>{other}'
        yield f": {meaning}" + (f" <small>{link}</small>" if link else "")
        yield ""


def data_page(env, language: str) -> Iterator[str]:
    """Yield a section for each borrowed package (what it holds, where it is from), then the course's own files."""
    for card in cards.load_all():
        names = ", ".join(f"`{file.path.rsplit('/', 1)[-1]}`" for file in card.files)
        rows = {
            "package": f"`{card.package}` {card.version}",
            "files": f"{names} ({sum(file.bytes for file in card.files) / 1e6:.1f} MB)",
            "licence": card.licence,
            "origin": f"<{card.origin}>",
            "chapters": " · ".join(
                [*chapter_links(env, language, card.chapters), *(f"`models/{m}`" for m in card.models)]
            ),
        }
        yield from (f"## {card.name}", "", card.contents[language], "")
        yield from facts(language, rows)
    yield from (f"## {WORDS[language]['own']}", "")
    for card in cards.own_cards():
        about = "; ".join(filter(None, [card.licence, " · ".join(chapter_links(env, language, card.chapters))]))
        yield f"- `datasets/{card.name}.toml` {card.contents[language]} ({about})"


def credits_page(env, language: str) -> Iterator[str]:
    """Yield who made what the course borrows, under what licence, and where it is found."""
    for card in cards.load_all():
        yield f"- {card.contents[language]}\n\n  {card.credit[language]} · {card.licence} · <{card.origin}>\n"


def scoreboard_page(env, language: str) -> Iterator[str]:
    """Yield what the chapters recorded: a summary, then each claim with its verdict as a mark and in words."""
    records = claims.recorded(language)
    count = Counter(record.verdict for record in records)
    tally = WORDS[language]["tally" if records else "none"]
    part, fails = count[claims.IN_PART], count[claims.FAILS]
    yield tally.format(total=len(records), holds=count[claims.HOLDS], part=part, fails=fails) + "\n"
    for chapter in sorted({record.chapter for record in records}):
        yield f"## [](/notebooks/{language}/{chapter}.ipynb)\n"
        yield f"→ [](/notebooks/{language}/{chapter}.ipynb#claims)\n"
        for record in [record for record in records if record.chapter == chapter]:
            yield from claim(language, record)


def claim(language: str, record: claims.Record) -> Iterator[str]:
    """Yield one claim: how it ended, what was said and by whom, what was promised, what was measured."""
    style, mark = MARKS[record.verdict]
    verdict = f'<span class="verdict {style}">{mark} {glossary.lookup(record.verdict, language)}</span>'
    source = f"[{record.source}](references.md#{record.key})" if record.key else record.source
    yield from (":::{div} claim", f"{verdict} {plain(record.said)} <small>{source}</small>", "")
    yield from facts(language, {key: plain(getattr(record, key)) for key in ("promised", "measured", "reason")})
    yield ":::\n"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, but for *emphasis*: the claims are no mark-up."""
    return re.sub(r"[\\`$<>&\[\]{}_~#|]", lambda sign: f"&#{ord(sign[0])};", text)


def facts(language: str, rows: dict[str, str]) -> Iterator[str]:
    """Yield a list of what is known, each fact with its name."""
    colon = ": " if language == "en" else "："
    yield from (f"- {WORDS[language][key]}{colon}{value}" for key, value in rows.items() if value)
    yield ""


PAGES = {  # what stands in the fence: what writes the page
    "course-glossary": glossary_page,
    "data-cards": data_page,
    "data-credits": credits_page,
    "scoreboard": scoreboard_page,
    "student": student_page,
}
FENCE = re.compile(r"^```\{(" + "|".join(PAGES) + r")\}\n```$", re.MULTILINE)


def fill_fences(app, page: str, source: list[str]) -> None:
    """Put the Markdown in, and have the page read anew each time."""
    language = edition(app)

    def written(fence: re.Match) -> str:
        app.env.note_reread()  # next time too: files may come and go that these pages are made from
        return "\n".join(PAGES[fence[1]](app.env, language))

    source[0] = FENCE.sub(written, source[0])


def mark_claims(app, doctree) -> None:
    """Give the section of a chapter that shows its claims the anchor ``claims``."""
    for output in doctree.findall(nodes.raw):
        if '<table class="claims"' in output.astext():
            section = output.parent
            while not isinstance(section, nodes.section):
                section = section.parent
            if "claims" not in doctree.ids:
                section["ids"].append("claims")
            slugs = app.env.metadata[app.env.docname].setdefault("myst_slugs", {})
            slugs["claims"] = (0, "claims", section[0].astext())
            return


def link_terms(app, env) -> list[str]:
    """Let Markdown links with a fragment find terms and publications: MyST resolves them, and warns of unknown ones.

    Return all pages, so that each is written anew: any of them may name what another one has changed.
    """
    language = edition(app)
    targets = env.metadata[f"book/{language}/glossary"].setdefault("myst_slugs", {})
    targets.update({term.id: (0, term.id, getattr(term, language)) for term in glossary.terms().values()})
    targets = env.metadata[f"book/{language}/references"].setdefault("myst_slugs", {})
    targets.update({key: (0, nodes.make_id(key), key) for key in env.get_domain("cite").bibdata.data.entries})
    return sorted(env.found_docs)


def setup(app) -> dict:
    """Connect to Sphinx; a change of these extensions makes it read every page anew."""
    app.connect("source-read", fill_fences)
    app.connect("doctree-read", mark_claims)
    app.connect("env-updated", link_terms)
    ours = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    return {"parallel_read_safe": True, "parallel_write_safe": True, "env_version": crc32(ours)}
