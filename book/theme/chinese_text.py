"""Chinese as it is set: no gap where a line of the source ends, and emphasis that suits the length of what it marks."""

import re

from docutils import nodes

CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u303f“”‘’…—]")
LONGEST = 12  # characters that emphasis dots may mark; whole sentences get another look (book.css)


def close_lines(doctree) -> None:
    """Remove the line ends of the source next to a Chinese character: a browser would show them as spaces."""
    for end in [text for text in doctree.findall(nodes.Text) if text == "\n"]:
        line = end.parent
        place = line.index(end)
        before = line[place - 1].astext()[-1:] if place else ""
        after = line[place + 1].astext()[:1] if place + 1 < len(line) else ""
        if CHINESE.match(before) or CHINESE.match(after):
            line.remove(end)


def improve(app, doctree) -> None:
    """Set one page of the Chinese edition."""
    close_lines(doctree)
    for emphasis in doctree.findall(nodes.emphasis):
        if len(emphasis.astext()) > LONGEST:
            emphasis["classes"].append("sentence")


def setup(app) -> dict:
    """Connect to Sphinx."""
    app.connect("doctree-read", improve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
