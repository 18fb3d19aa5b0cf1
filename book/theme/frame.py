"""The frame around every page: the switch between the languages, and the theme's words in Chinese."""

import posixpath
import re
from pathlib import Path

from ipython_pygments_lexers import IPython3Lexer

SWITCH = {"en": ("zh", "zh-CN", "中文"), "zh": ("en", "en", "English")}  # from: to, for HTML, for readers
HOME = {"en": "", "zh": "zh"}  # where in the site an edition stands
CHINESE = {  # what the theme leaves in English, or says otherwise than we do
    "Back to top": "回到页首",
    "Download this page": "下载本页",
    "Launch interactive content": "在线运行",
    "Launch on Colab": "在Colab中运行",
    "Link to this definition": "链接到此处",
    "Link to this heading": "链接到本节",
    "Link to this image": "链接到此图",
    "Link to this equation": "链接到此式",
    "Link to this table": "链接到此表",
    "Main": "全书目录",
    "On this page": "本页内容",
    "Open an issue": "提出问题",
    "Open issue": "提出问题",
    "Page": "本页内容",
    "Print to PDF": "打印为PDF",
    "Repository": "代码仓库",
    "Search": "搜索",
    "Skip to main content": "跳到正文",
    "Source repositories": "代码仓库",
    "Source repository": "代码仓库",
    "Suggest edit": "修改本页",
    "Toggle hidden content": "展开或收起",
    "Toggle primary sidebar": "打开或收起目录",
    "Toggle secondary sidebar": "打开或收起本页内容",
    "Version warning": "版本提示",
    "light/dark": "浅色或深色",
    "© Copyright %(copyright)s.": "© %(copyright)s",
    "next": "下一页",
    "next page": "下一页",
    "previous": "上一页",
    "previous page": "上一页",
    "下载此页面": "下载本页",
    "列印成 PDF": "打印为PDF",
    "创建议题": "提出问题",
    "源码库": "代码仓库",
}
UNUSED = ("design-tabs",)  # scripts that no page of ours uses


def edition(app) -> str:
    """Return ``"en"`` or ``"zh"``."""
    return str(app.config.language)[:2]


def counterpart(page: str, source: str, target: str) -> str:
    """Return the relative address, from ``page`` of the edition ``source``, of the same page in ``target``.

    >>> counterpart("notebooks/zh/01_one_hot", "zh", "en")
    '../../../notebooks/en/01_one_hot.html'
    """
    there = posixpath.join(HOME[target], page.replace(f"/{source}/", f"/{target}/")) + ".html"
    here = posixpath.join("/", HOME[source], posixpath.dirname(page))
    return posixpath.relpath("/" + there, here)


def add_switch(app, pagename, templatename, context, doctree) -> None:
    """Give the templates the language switch."""
    source = edition(app)
    target, tag, label = SWITCH[source]
    context["switch"] = {"href": counterpart(pagename, source, target), "lang": tag, "label": label}


def finish_context(app, pagename, templatename, context, doctree) -> None:
    """Fill the gaps of the book theme's Chinese; take away the scripts and styles that nothing uses."""
    if edition(app) == "zh":
        theirs = context["translate"]
        context["translate"] = lambda text: CHINESE.get(text) or theirs(text)
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if not any(name in str(file.filename or "") for name in UNUSED)]


def translate_theme(app) -> None:
    """Fill the gaps of the theme's Chinese."""
    if edition(app) == "zh":
        theirs = app.translator
        app.builder.templates.environment.install_gettext_callables(
            lambda text: CHINESE.get(text) or theirs.gettext(text), theirs.ngettext
        )


def translate_labels(app, problem: Exception | None) -> None:
    """Put the labels and hints that the theme's templates spell in English into Chinese."""
    if problem or edition(app) != "zh":
        return
    for page in Path(app.outdir).rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        label = re.compile(r'(?<= )(title|aria-label)="([^"]*)"')
        page.write_text(label.sub(lambda m: f'{m[1]}="{CHINESE.get(m[2], m[2])}"', html), encoding="utf-8")


def setup(app) -> dict:
    """Connect to Sphinx."""
    app.connect("builder-inited", translate_theme)
    app.connect("html-page-context", add_switch, priority=100)
    app.connect("html-page-context", finish_context, priority=900)
    app.connect("build-finished", translate_labels)
    app.add_lexer("python", IPython3Lexer)  # chapters are notebooks: a cell may start with !
    app.add_css_file("book.css", priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
