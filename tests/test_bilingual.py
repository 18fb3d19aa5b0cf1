"""The dictionary: glosses are cleaned as its text says, and no held-out word is in a training pair."""

import pytest

from wordspace import bilingual


@pytest.fixture(scope="module")
def lexicon():
    return bilingual.lexicon()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("dog", "dog"),
        ("to be ashamed", "ashamed"),
        ("(bound form) canine", "canine"),
        ("Beijing", "beijing"),
        ("CL:隻|只[zhi1]", None),
        ("old variant of 狗[gou3]", None),
        ("well-known", "well-known"),
        ("", None),
    ],
)
def test_a_gloss_is_one_word_or_nothing(text, word):
    assert bilingual.gloss(text) == word


def test_words_translate_each_other(lexicon):
    known = {(lexicon.english[a], lexicon.chinese[b]) for a, b in lexicon.pairs}
    for direction, parts in lexicon.questions.items():
        for question, answers in [item for part in parts.values() for item in part.items()]:
            pairs = [(question, a) if direction == "en-zh" else (a, question) for a in answers]
            known |= {(lexicon.english[a], lexicon.chinese[b]) for a, b in pairs}
    assert {("dog", "狗"), ("dog", "犬"), ("cat", "猫"), ("happy", "快乐"), ("run", "跑"), ("bank", "银行")} <= known
    assert len(known) > 25_000


def test_no_held_out_word_is_in_a_training_pair(lexicon):
    for side, direction in enumerate(bilingual.DIRECTIONS):
        parts = lexicon.questions[direction]
        assert not set(parts["test"]) & set(parts["validation"])
        assert {name: len(part) for name, part in parts.items()} == {"validation": 500, "test": 1000}
        assert not (set(parts["test"]) | set(parts["validation"])) & set(lexicon.pairs[:, side].tolist())


def test_bands_hold_as_many_questions_each(lexicon):
    for parts in lexicon.questions.values():
        bands = [lexicon.band(row) for row in parts["test"]]
        assert [bands.count(band) for band in range(4)] == [250] * 4
    assert [lexicon.band(row) for row in (0, 2499, 2500, 14_999, 15_000, 29_999)] == [0, 0, 1, 2, 3, 3]


def test_shapes_and_order(lexicon):
    assert lexicon.X.shape == (30_000, 50) and lexicon.Z.shape == (30_000, 100)
    assert lexicon.pairs.shape[1] == 2 and (lexicon.pairs[:-1, 0] <= lexicon.pairs[1:, 0]).all()
