"""Formulas as MathML, made when the book is built: nothing to run in the reader's browser, nothing to fetch.

What cannot be converted is a warning, hence with ``-W`` an error. The maths font (STIX Two, OFL) is cut down to the
characters that the book's formulas use, so that they look alike on every device.
"""

from html import escape
from importlib.util import find_spec
from pathlib import Path

from docutils import nodes
from fontTools import subset
from math_core import LatexError, LatexToMathML
from sphinx.util import logging

FONT = Path(find_spec("ziamath").origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
log = logging.getLogger(__name__)
converter = LatexToMathML(fancy_error=False)
characters = set("√ℎ")  # what formulas use without spelling it: the sign of <msqrt>, and italic letters for plain ones
characters.update(map(chr, (*range(0x1D434, 0x1D468), *range(0x1D6FC, 0x1D71C))))


def convert(latex: str, display: bool, location: nodes.Node) -> str:
    """Return MathML for ``latex``, or its source after a warning that says where it stands and what is wrong."""
    try:
        mathml = converter.convert_with_local_state(latex, displaystyle=display)
    except LatexError as problem:
        log.warning("formula not understood: %s in %r", problem, latex, location=location, type="mathml")
        return f"<code>{escape(latex)}</code>"
    characters.update(mathml)
    return mathml


def visit_inline(translator, node: nodes.math) -> None:
    """Write an inline formula."""
    long = " long" if len(node.astext()) > 60 else ""
    translator.body.append(translator.starttag(node, "span", "", CLASS="math notranslate" + long))
    translator.body.append(convert(node.astext(), False, node) + "</span>")
    raise nodes.SkipNode


def visit_block(translator, node: nodes.math_block) -> None:
    """Write a displayed formula in a box that scrolls by itself; its number, if it has one, links to it."""
    latex = node.astext().strip()
    if r"\\" in latex and r"\begin" not in latex:
        latex = rf"\begin{{aligned}}{latex}\end{{aligned}}"
    translator.body.append(translator.starttag(node, "div", "", CLASS="math notranslate"))
    translator.body.append(convert(latex, True, node))
    if node["number"]:
        translator.body.append(f'<span class="eqno">({node["number"]})')
        translator.add_permalink_ref(node, "")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def write_font(app, problem: Exception | None) -> None:
    """Write the font's part that the formulas need to ``_static/math.woff2``, unless it is there already."""
    if problem or not characters:
        return
    font_file = Path(app.outdir, "_static", "math.woff2")
    record = Path(app.doctreedir, "math-characters.txt")
    wanted = "".join(sorted(characters))
    if font_file.exists() and record.exists() and record.read_text(encoding="utf-8") == wanted:
        return
    options = subset.Options(flavor="woff2", layout_features=["ssty", "flac", "dtls"], hinting=False)
    font = subset.load_font(str(FONT), options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=wanted)
    cutter.subset(font)
    subset.save_font(font, str(font_file), options)
    record.write_text(wanted, encoding="utf-8")


def setup(app) -> dict:
    """Register the renderer ``mathml`` (chosen in ``_config.yml``)."""
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
