"""The pairs of opposite opinions: as many as said, and those of another order with the very same words."""

import jieba

from wordspace import opposites


def test_there_are_sixty_of_each_kind():
    pairs = opposites.chinese()
    assert set(pairs) == {"order", "negation"}
    assert all(len(found) == len(set(found)) == 60 for found in pairs.values())


def test_the_order_alone_sets_them_apart():
    for good, bad in opposites.chinese()["order"]:
        assert good != bad
        assert sorted(good) == sorted(bad)
        assert sorted(jieba.lcut(good)) == sorted(jieba.lcut(bad)), good


def test_a_negation_is_all_that_is_added():
    for good, bad in opposites.chinese()["negation"]:
        longer, shorter = sorted((good, bad), key=len, reverse=True)
        assert any(mark in longer for mark in "不没有")
        assert len(longer) - len(shorter) in (0, 1, 2)
