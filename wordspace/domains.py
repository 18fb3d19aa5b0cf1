"""Text of two domains, medicine and everything, parted for training and testing: what chapter 10 adapts a model from and to."""

from functools import cache

from wordspace import corpora, phenotypes

PARTS = ("train", "validation", "test")


@cache
def medical(part: str) -> tuple[phenotypes.Term, ...]:
    """Return the signs of illness that have a definition, of one part; of copies of a definition the first is kept.

    The part is that of the definition's text (``corpora.part``). Source: the Human Phenotype Ontology, see
    ``wordspace.phenotypes``.

    Args:
        part: "train" (70 %), "validation" (10 %) or "test" (20 %).

    Raises:
        ValueError: another part.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    _check(part)
    first: dict[str, phenotypes.Term] = {}
    for term in phenotypes.terms().values():
        key = "".join(c for c in term.definition.lower() if c.isalnum())
        if key:
            first.setdefault(key, term)
    return tuple(term for term in first.values() if corpora.part(term.definition) == part)


@cache
def general(part: str) -> tuple[str, ...]:
    """Return English sentences of news and of Wikipedia articles, of one part: lower case, words and marks set apart.

    The part is that of the whole paragraph, as in the training of ``models/minilm-mlm``, which has read the training part.
    Sentences of fewer than five words are left out.

    Args:
        part: "train", "validation" or "test".

    Raises:
        ValueError: another part.
        MissingData, WrongData: see ``wordspace.cards``.
    """
    _check(part)
    kept = [
        paragraph
        for source in (corpora.english_news(), corpora.english_wikipedia())
        for paragraph in source
        if corpora.part(" ".join(paragraph.words)) == part
    ]
    sentences = (sentence for paragraph in kept for sentence in paragraph.sentences)
    return tuple(" ".join(sentence) for sentence in sentences if sum(map(corpora.is_word, sentence)) >= 5)


def _check(part: str) -> None:
    if part not in PARTS:
        raise ValueError(f"no part {part!r}; there are: {', '.join(PARTS)}")
