"""Chapter 04: do the words at the end of a dimension belong together? As they are, rotated at random, PCA, and ICA.

Figure: how much further than one another the strongest words of a dimension are from an intruder, by way of turning the
vectors. Ten seeds (of the rotation, of ICA, of the intruders). About three minutes.
"""

from wordspace import lessons, vectors
from wordspace.studies import Study

STUDY = Study("04_dimensions", chapters=["04_geometry"], data=["glove", "synonyms"], modules=["vectors"])
SPACES = {"English": vectors.english, "Chinese": vectors.chinese}


def one(language: str, seed: int) -> dict[str, float]:
    """Turn the vectors of a language every way and measure its dimensions."""
    lesson = lessons.load("04_geometry")
    U = lesson.centred(SPACES[language]())
    return {way: lesson.distance_ratio(U, Z, seed=seed) for way, Z in lesson.turned(U, seed).items()}


if __name__ == "__main__":
    STUDY.run(one, [{"language": name, "seed": seed} for name in SPACES for seed in range(10)])
