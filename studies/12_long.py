"""Chapter 12: what remains of the teaching when there is time: three ways of raising a student, 18,000 steps of 64 texts each.

As the student that the chapter keeps, with seed 0: from labels alone, with the teacher's words to begin with; with soft targets
and layers; and with more text, which is the student that is kept (``models/branches-student``), measured again. The figures are
those of ``12_student``, whose students took 1,600 steps. "… p against characters": a paired permutation test of the kept
student's accuracy against TF-IDF of characters with logistic regression, as strong as ``12_student`` chose it. Twenty minutes a
run on one thread.
"""

import runpy
import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from wordspace import branches, evaluation, lessons, studies
from wordspace.paths import root
from wordspace.studies import Study

CHAPTER = "12_distillation"
BASE = runpy.run_path(str(root() / "studies" / "12_student.py"))
STUDY = Study(
    "12_long",
    chapters=[CHAPTER],
    data=["minilm", "phenotypes"],
    packages=["numpy", "torch", "transformers", "peft", "scikit-learn"],
    modules=["branches", "corpora", "encoders", "evaluation", "phenotypes", "transfer"],
    files=[
        "studies/12_student.py",
        "studies/results/12_student.json",
        "models/branches-student/config.json",
        "models/branches-student/model.safetensors",
        "models/minilm-branches/adapter_model.safetensors",
        "models/minilm-branches/head.safetensors",
    ],
)
L = lessons.load(CHAPTER)
STEPS, INSIDE = 18000, 400


def against_characters(student) -> dict[str, float]:
    """Return p of paired tests of a student's accuracy against the strongest rival that counts."""
    texts, labels = branches.examples("train", BASE["READ"])
    strength = studies.load("12_student").values("C", way="rival: characters")[0]
    vectoriser = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(3, 5))
    model = LogisticRegression(C=strength, max_iter=500).fit(vectoriser.fit_transform(texts), labels)
    found = {}
    for kind in BASE["KINDS"]:
        rows, right = BASE["held_out"]("test", kind)
        said = L.branch_scores(student, rows).argmax(dim=1).numpy()
        counted = model.predict(vectoriser.transform(branches.examples("test", kind)[0]))
        found[f"{kind} p against characters"] = evaluation.paired_test(said == right, counted == right)[1]
    return found


def one(way: str, seed: int) -> dict[str, float]:
    """Raise one student, or take the one that is kept, and measure it."""
    if way == "+ more text":
        student = L.load_student()
        return BASE["measured"](student) | against_characters(student)
    rows, labels, scores = BASE["material"]()
    began = time.process_time()
    student = L.raise_student(way, BASE["teacher"](), rows, labels, scores, steps=STEPS, inside=INSIDE, seed=seed)
    seconds = time.process_time() - began
    return BASE["measured"](student) | {"processor seconds": seconds}


RUNS = [{"way": way, "seed": 0} for way in ("+ more text", "labels, the teacher's words", "+ layers")]

if __name__ == "__main__":
    STUDY.run(one, RUNS)
