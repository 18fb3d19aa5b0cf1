"""Less to load: unused style rules and files are left out, and marks in code that change nothing.

The theme brings 200 kB of Bootstrap for a few buttons and menus. A rule stays if each class of its selector is a word
somewhere in the built pages or scripts. Every name, dot and comma of a program stands in an element of its own, mostly in
the colour that the program has anyway: a third of a long chapter.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    "vendor",
    "images/*.svg",
    "locales",
    "*webpack-macros.html",
    "scripts/*.map",
    "styles/*.map",
    "design-tabs.js",
)
CONDITION = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\[[^]]*\]")  # what stands in :not(...) or [...] may well be absent
# A theme's colour: of a block of code, or of a class in it
COLOUR = re.compile(r"(html\S*) \.highlight(?: \.(\w+))? \{([^}]*)\}")
CLASS = re.compile(r"\.(-?[_a-zA-Z][\w-]*)")


def blocks(css: str) -> Iterator[tuple[str, str]]:
    """Split a style sheet into pairs of what stands before a pair of braces and what stands inside it."""
    start = 0
    while (opening := css.find("{", start)) >= 0:
        depth, end = 1, opening + 1
        while depth:
            brace = re.compile("[{}]").search(css, end)
            depth, end = depth + (1 if brace[0] == "{" else -1), brace.end()
        yield css[start:opening].strip(), css[opening + 1 : end - 1]
        start = end


def pruned(css: str, words: set[str]) -> str:
    """Return a style sheet without the rules that match nothing.

    >>> pruned("@media print{.a,.b{top:0}}.c .d{top:1}p{top:2}", {"a", "c"})
    '@media print{.a{top:0}}p{top:2}'
    """
    kept = []
    for before, inside in blocks(re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        *statements, head = before.split(";")  # @charset and @import end so, and stand before the first rule
        kept += [statement + ";" for statement in statements]
        if head.lstrip().startswith(("@media", "@supports")):
            inside = pruned(inside, words)
        elif not head.lstrip().startswith("@"):
            parts = re.split(r",(?![^(]*\))", head)
            head = ",".join(part for part in parts if words.issuperset(CLASS.findall(CONDITION.sub("", part))))
        if head.strip() and inside.strip():
            kept.append(f"{head}{{{inside}}}")
    return "".join(kept)


def uncoloured(css: str) -> set[str]:
    """Return the classes of code that a style sheet of Pygments paints in the block's own colour, in every theme it has.

    >>> light = 'html[light] .highlight { background: #fff; color: #000 } html[light] .highlight .n { color: #000 } /* Name */'
    >>> uncoloured(light + ' html[light] .highlight .k { color: #60c }')
    {'n'}
    """
    of: dict[str, dict[str, str]] = {}
    for theme, name, rule in COLOUR.findall(css):
        colour = re.fullmatch(r"(?:.*;)? *color: *(#\w+);? *", rule)
        of.setdefault(name, {})[theme] = colour[1] if colour else rule
    return {name for name, colours in of.items() if name and colours == of.get("")}


def unmarked(page: str, names: set[str]) -> str:
    """Return a page without the elements of these classes in its code; what stands in them stays.

    Nor with one for each dot, which is too small to show a colour, nor with the empty one that begins a block.

    >>> unmarked('<span class="k">def</span> <span class="nf">f</span><span class="p">():</span>', {"p", "n"})
    '<span class="k">def</span> <span class="nf">f</span>():'
    >>> unmarked('<pre><span></span>np<span class="o">.</span>log', {"p"})
    '<pre>np.log'
    """
    page = page.replace('<span class="o">.</span>', ".").replace("<pre><span></span>", "<pre>")
    return re.sub(rf'<span class="(?:{"|".join(sorted(names))})">([^<]*)</span>', r"\1", page) if names else page


def lighten(app, problem: Exception | None) -> None:
    """Remove unused files and rules from ``_static``, and from the pages the marks that change nothing."""
    if problem:
        return
    static = Path(app.outdir, "_static")
    for path in [path for pattern in UNUSED for path in static.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    plain = uncoloured((static / "pygments.css").read_text(encoding="utf-8"))
    texts = [path.read_text(encoding="utf-8") for path in static.rglob("*.js")]
    for page in Path(app.outdir).rglob("*.html"):
        texts.append(unmarked(page.read_text(encoding="utf-8"), plain))
        page.write_text(texts[-1], encoding="utf-8")
    words = {word for text in texts for word in re.findall(r"[\w-]+", text)}
    for sheet in static.rglob("*.css"):
        sheet.write_text(pruned(sheet.read_text(encoding="utf-8"), words), encoding="utf-8")


def setup(app) -> dict:
    """Run when the pages are written."""
    app.connect("build-finished", lighten, priority=900)  # after the theme, which writes pygments.css then
    return {"parallel_read_safe": True, "parallel_write_safe": True}
