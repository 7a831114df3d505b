"""Pattern of a nucleus: the worksheet of the atlas, order of the rules, symmetry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.model.result import PatternCounts
from alkfish.model.signals import Pattern
from alkfish.score.pattern import classify_pattern, has_both_ends

# Fused, unpaired 5', unpaired 3' as printed in the worksheet (clinical-rules 1.3).
WORKSHEET = {
    "two fused": (2, 0, 0, Pattern.FUSED),
    "two fused, one pair apart": (2, 1, 1, Pattern.SPLIT),
    "two fused, one 3' alone": (2, 0, 1, Pattern.ISOLATED_3P),
    "one fused, one 5' alone": (1, 1, 0, Pattern.ISOLATED_5P),
    "no fused, more 3' than 5'": (0, 1, 2, Pattern.SPLIT),
    "one fused": (1, 0, 0, Pattern.FUSED),
    "two 5' and three 3' alone": (0, 2, 3, Pattern.SPLIT),
    "many copies, all fused": (8, 0, 0, Pattern.FUSED),
    "many copies, one 3' alone": (8, 0, 1, Pattern.ISOLATED_3P),
    "several 3' alone": (1, 0, 4, Pattern.ISOLATED_3P),
    "several 5' alone": (1, 4, 0, Pattern.ISOLATED_5P),
}
COUNT = st.integers(0, 12)
SWAPPED = {
    Pattern.FUSED: Pattern.FUSED,
    Pattern.SPLIT: Pattern.SPLIT,
    Pattern.ISOLATED_3P: Pattern.ISOLATED_5P,
    Pattern.ISOLATED_5P: Pattern.ISOLATED_3P,
}


@pytest.mark.parametrize(("n_fused", "n_5p", "n_3p", "pattern"), WORKSHEET.values(), ids=WORKSHEET)
def test_worksheet(n_fused, n_5p, n_3p, pattern):
    assert classify_pattern(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p) is pattern


def test_worked_example_of_the_atlas_is_54_percent():
    counts = PatternCounts(fused=19, split=22, isolated_3p=5, isolated_5p=4)
    assert counts.n_enumerated == 50
    assert counts.n_positive * 100 == 54 * counts.n_enumerated


def test_positive_patterns():
    assert {kind for kind in Pattern if kind.is_positive} == {Pattern.SPLIT, Pattern.ISOLATED_3P}


@given(n_fused=COUNT, n_3p=COUNT, n_5p=COUNT)
def test_swapping_the_ends_swaps_the_isolated_patterns(n_fused, n_3p, n_5p):
    if n_fused + n_3p + n_5p == 0:
        return
    pattern = classify_pattern(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p)
    assert classify_pattern(n_fused=n_fused, n_3p=n_5p, n_5p=n_3p) is SWAPPED[pattern]


@given(n_fused=COUNT, n_3p=st.integers(1, 12), n_5p=st.integers(1, 12))
def test_split_wins_over_isolated_whatever_the_numbers(n_fused, n_3p, n_5p):
    assert classify_pattern(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p) is Pattern.SPLIT


@given(n_fused=st.integers(1, 12), more=COUNT, n_3p=COUNT, n_5p=COUNT)
def test_further_fused_copies_never_matter(n_fused, more, n_3p, n_5p):
    few = classify_pattern(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p)
    assert classify_pattern(n_fused=n_fused + more, n_3p=n_3p, n_5p=n_5p) is few


@pytest.mark.parametrize("counts", [(-1, 1, 1), (1, -1, 0), (1, 0, -1)])
def test_negative_counts_are_refused(counts):
    n_fused, n_3p, n_5p = counts
    with pytest.raises(ValueError, match="must not be negative"):
        classify_pattern(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p)


def test_nucleus_without_signals_has_no_pattern():
    with pytest.raises(ValueError, match="has no pattern"):
        classify_pattern(n_fused=0, n_3p=0, n_5p=0)


@pytest.mark.parametrize(
    ("n_fused", "n_3p", "n_5p", "both"),
    [
        (1, 0, 0, True), (0, 1, 1, True), (1, 3, 0, True),
        (0, 3, 0, False), (0, 0, 3, False), (0, 0, 0, False),
    ],
)  # fmt: skip
def test_both_ends_are_needed_to_score(n_fused, n_3p, n_5p, both):
    assert has_both_ends(n_fused=n_fused, n_3p=n_3p, n_5p=n_5p) is both
