"""Counts, patterns and calls: frozen values and integer arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.model.result import Call, CaseCall, PatternCounts
from alkfish.model.signals import Pattern

COUNTS = st.builds(PatternCounts, *[st.integers(0, 10_000)] * 4)


def test_calls_are_frozen():
    assert [call.value for call in Call] == ["POSITIVE", "NEGATIVE", "EQUIVOCAL", "NOT_EVALUABLE"]


def test_patterns_are_frozen_and_know_what_is_positive():
    assert {pattern.value: pattern.is_positive for pattern in Pattern} == {
        "FUSED": False,
        "SPLIT": True,
        "ISOLATED_3P": True,
        "ISOLATED_5P": False,
    }


def test_worked_example_of_the_atlas():
    counts = PatternCounts(fused=19, split=22, isolated_3p=5, isolated_5p=4)
    assert (counts.n_positive, counts.n_enumerated) == (27, 50)


@pytest.mark.parametrize("name", ["fused", "split", "isolated_3p", "isolated_5p"])
def test_counts_are_not_negative(name):
    with pytest.raises(ValueError, match=f"{name} must not be negative, found -1"):
        PatternCounts(**{name: -1})


def test_patterns_are_counted_and_empty_texts_left_out():
    counts = PatternCounts.from_patterns(["FUSED", "", "SPLIT", "FUSED", "ISOLATED_5P", ""])
    assert counts == PatternCounts(fused=2, split=1, isolated_5p=1)
    assert counts.by_pattern() == {"FUSED": 2, "SPLIT": 1, "ISOLATED_3P": 0, "ISOLATED_5P": 1}


def test_no_nucleus_counts_nothing():
    assert PatternCounts.from_patterns([]) == PatternCounts()


@given(COUNTS, COUNTS)
def test_counts_add_up(one, other):
    both = one + other
    assert both.n_enumerated == one.n_enumerated + other.n_enumerated
    assert both.n_positive == one.n_positive + other.n_positive
    assert both == other + one


def test_a_call_carries_no_cautions_by_default():
    call = CaseCall(Call.NOT_EVALUABLE, PatternCounts(), 0.0, (0.0, 1.0), 0.0)
    assert call.cautions == ()
    assert call.reasons == ()
