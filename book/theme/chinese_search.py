"""Full-text search of the Chinese edition.

Sphinx's own index leaves out words of one character (猫, 犬), and its script cuts a query only at spaces and
punctuation, so 猫和汽车 would find nothing. Here such words are kept, and the query is cut by the words in the index. The
numbers of tables, which nobody looks for and which were a sixth of it, are left out.
"""

from pathlib import Path

import jieba
from sphinx.search import languages
from sphinx.search.zh import SearchChinese

from wordspace import glossary

FREQUENT = frozenset("的了是在和与及或也就都而把被从对到得地着过这那有不我你它他她们个一上下中里为以于之其")


class SearchBook(SearchChinese):
    """Chinese words, those of one character included, cut with the glossary's terms as whole words."""

    js_splitter_code = Path(__file__).with_name("chinese_search.js").read_text(encoding="utf-8")

    def init(self, options: dict) -> None:
        """Teach the segmenter the course's terms."""
        jieba.setLogLevel("WARNING")
        super().init(options)
        for term in glossary.terms().values():
            jieba.add_word(term.zh)

    def word_filter(self, word: str) -> bool:
        """Keep what is worth finding: longer words, and single Chinese characters but the commonest; no bare numbers."""
        if len(word) == 1:
            return "\u4e00" <= word <= "\u9fff" and word not in FREQUENT
        return any(character.isalpha() for character in word)


def setup(app) -> dict:
    """Replace Sphinx's Chinese search."""
    languages["zh"] = SearchBook
    return {"parallel_read_safe": True, "parallel_write_safe": True}
