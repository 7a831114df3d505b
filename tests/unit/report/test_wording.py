"""Words and figures of a report."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.io.probes import load_probe
from alkfish.model.probe import CaseRule, SeparationMeasure, SeparationRule
from alkfish.model.result import Call, PatternCounts
from alkfish.model.signals import Pattern
from alkfish.report.wording import (
    BELOW_CUTOFF,
    CALL_MEANINGS,
    CALL_WORDS,
    MEASURE_WORDS,
    PATTERN_WORDS,
    call_meaning,
    chance_text,
    flag_meaning,
    percent_of,
    rule_text,
    signed_text,
    words_of,
)


def test_every_call_pattern_and_measure_has_words():
    assert set(CALL_WORDS) == set(CALL_MEANINGS) == set(Call)
    assert set(PATTERN_WORDS) == {pattern.value for pattern in Pattern}
    assert set(MEASURE_WORDS) == set(SeparationMeasure)
    assert CALL_WORDS[Call.NOT_EVALUABLE] == "NOT EVALUABLE"
    assert "not a negative result" in CALL_MEANINGS[Call.NOT_EVALUABLE]


@pytest.mark.parametrize(
    ("call", "positive", "n", "text"),
    [(Call.NEGATIVE, 0, 138, "no ALK rearrangement found"),
     (Call.NEGATIVE, 9, 100, "no ALK rearrangement found"),
     (Call.NEGATIVE, 10, 100, BELOW_CUTOFF),
     (Call.NEGATIVE, 15, 138, BELOW_CUTOFF),
     (Call.NEGATIVE, 15, 100, "no ALK rearrangement found"),
     (Call.POSITIVE, 15, 100, "ALK rearrangement found")],
)  # fmt: skip
def test_a_borderline_negative_is_not_said_to_have_none(call, positive, n, text):
    counts = PatternCounts(fused=n - positive, split=positive)
    assert call_meaning(call, counts, load_probe()) == text


def test_a_range_from_zero_does_not_make_a_clean_case_borderline():
    rule = replace(CaseRule(), borderline_percent=(0, 20))
    probe = replace(load_probe(), case_rule=rule)
    assert "no ALK" in call_meaning(Call.NEGATIVE, PatternCounts(fused=50), probe)


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0, "<1 %"), (0.004, "<1 %"), (0.01, "1 %"), (0.99, "99 %"), (0.996, ">99 %"), (1, ">99 %")],
)
def test_no_probability_is_certain(p, text):
    assert chance_text(p) == text


@pytest.mark.parametrize(
    ("v", "text"), [(-0.04, "0.0"), (0.0, "0.0"), (-1.25, "-1.2"), (3, "+3.0")]
)
def test_no_difference_is_minus_nothing(v, text):
    assert signed_text(v) == text


def test_patterns_count_as_the_model_says():
    for pattern in Pattern:
        counts_as = PATTERN_WORDS[pattern.value].counts_as
        assert counts_as == ("positive" if pattern.is_positive else "negative")
    assert words_of("").name == "Not counted"


@pytest.mark.parametrize(
    ("positive", "total", "text"),
    [(15, 100, "15.0 %"), (1499, 10_000, "14.99 %"), (149_996, 10**6, "14.9996 %"), (0, 7, "0.0 %"),
     (7, 7, "100.0 %"), (0, 0, "")],
)  # fmt: skip
def test_a_rate_is_never_rounded_over_the_cutoff(positive, total, text):
    assert percent_of(PatternCounts(fused=total - positive, split=positive), 15) == text


@given(st.integers(1, 30_000), st.data())
def test_the_rate_as_shown_lies_on_its_side(total, data):
    positive = data.draw(st.integers(0, total))
    counts = PatternCounts(fused=total - positive, split=positive)
    shown = float(percent_of(counts, 15).removesuffix(" %"))
    assert (shown < 15) == (positive * 100 < 15 * total)


def test_rule_in_words():
    text = rule_text(SeparationRule(SeparationMeasure.CENTRE_UM, 1.2))
    assert re.search(r"at least 1\.2 µm apart, centre to centre", text)


def test_unknown_flags_of_later_versions_keep_their_name():
    assert flag_meaning("only_3p").startswith("3' signals only")
    assert flag_meaning("some_new_flag") == "some new flag"
