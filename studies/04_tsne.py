"""Chapter 04: what a t-SNE picture keeps, over random starts and perplexities, and what it makes up.

Five kinds of picture: the source's six words; pairs of words that differ in one thing; words of twelve themes; meaningless
noise; three balls of known widths and distances. Beside them, PCA and all dimensions. About five minutes.
"""

from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness

from wordspace import lessons, vectors
from wordspace.studies import Study

STUDY = Study(
    "04_tsne",
    chapters=["04_geometry"],
    data=["axes", "glove", "synonyms"],
    modules=["vectors", "wordlists"],
)
SPACES = {"English": vectors.english, "Chinese": vectors.chinese}
SIX = {
    "English": ["king", "queen", "man", "woman", "paris", "france"],
    "Chinese": ["国王", "女王", "男人", "女人", "巴黎", "法国"],
}


def one(of: str, language: str, way: str, perplexity: int, seed: int) -> dict[str, float]:
    """Make one picture and measure it."""
    lesson, rest = lessons.load("04_geometry"), None
    if of == "six words":
        E = SPACES[language]()[SIX[language]]
    elif of in ("pairs", "themes"):
        E, rest = (lesson.pair_words if of == "pairs" else lesson.theme_words)(language, SPACES[language]())
    else:
        E = lesson.noise(seed) if of == "noise" else lesson.balls(seed)
    if way == "t-SNE":
        Y = lesson.picture(E, perplexity, seed)
    else:
        Y = PCA(2).fit_transform(E) if way == "PCA" else E
    if of == "pairs":
        return {
            f"{relation}, {figure}": value
            for relation, (a, b) in rest.items()
            for figure, value in lesson.relation_figures(Y[a], Y[b]).items()
        }
    if of == "themes":
        found = {"neighbours kept": lesson.kept(E, Y), "same theme": lesson.same_theme(Y, rest)}
        return found | {"trustworthiness": trustworthiness(E, Y, n_neighbors=10)}
    if of == "noise":
        return {"clumping": lesson.clumping(Y)}
    return lesson.six_words(Y) if of == "six words" else lesson.proportions(Y)


def settings() -> list[dict]:
    """Return all pictures."""
    plain = [("all dimensions", 0), ("PCA", 0)]
    six = [("six words", n, way, p, 0) for n in SPACES for way, p in plain]
    six += [("six words", n, "t-SNE", p, seed) for n in SPACES for p in (2, 5) for seed in range(20)]
    pairs = [("pairs", n, way, p, 0) for n in SPACES for way, p in plain]
    pairs += [("pairs", n, "t-SNE", p, seed) for n in SPACES for p in (5, 30, 50) for seed in range(10)]
    themes = [("themes", *rest) for _, *rest in pairs]
    made_up = [("balls", "", way, p, seed) for way, p in plain for seed in range(5)]
    made_up += [("noise", "", "PCA", 0, seed) for seed in range(5)]
    made_up += [(of, "", "t-SNE", p, seed) for of in ("noise", "balls") for p in (2, 5, 30, 80) for seed in range(5)]
    return [
        dict(zip(("of", "language", "way", "perplexity", "seed"), s, strict=True))
        for s in six + pairs + themes + made_up
    ]


if __name__ == "__main__":
    STUDY.run(one, settings())
