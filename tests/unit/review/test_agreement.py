"""Agreement of readers."""

from alkfish.model.signals import Pattern
from alkfish.review import NucleusKey
from alkfish.review.agreement import CATEGORIES, compare


def ratings(*patterns):
    return {NucleusKey("f", number): pattern for number, pattern in enumerate(patterns)}


def test_categories_are_all_patterns_and_not_scorable():
    assert list(CATEGORIES) == [*(pattern.value for pattern in Pattern), "NOT_SCORABLE"]


def test_the_confusion_matrix_counts_nuclei_that_both_judged():
    one = ratings("FUSED", "SPLIT", "ISOLATED_3P", "", "FUSED")
    two = ratings("FUSED", "ISOLATED_3P", "ISOLATED_3P", "FUSED")
    found = compare("a", one, "b", two)
    assert (found.n_nuclei, found.n_agreed) == (4, 2)
    assert found.confusion == (
        (1, 0, 0, 0, 0), (0, 0, 1, 0, 0), (0, 0, 1, 0, 0), (0, 0, 0, 0, 0), (1, 0, 0, 0, 0),
    )  # fmt: skip


def test_split_against_isolated_3p_is_no_disagreement_about_positive():
    one = ratings("SPLIT", "SPLIT", "FUSED", "ISOLATED_5P")
    two = ratings("ISOLATED_3P", "SPLIT", "ISOLATED_5P", "")
    found = compare("a", one, "b", two)
    assert found.kappa < found.kappa_positive == 1.0


def test_nothing_in_common_is_an_empty_matrix():
    found = compare("a", ratings("FUSED"), "b", {})
    assert (found.n_nuclei, found.kappa, found.interval) == (0, 0.0, (-1.0, 1.0))
