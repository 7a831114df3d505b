"""The case rule at every one of its boundaries (clinical-rules 1.4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.model.probe import CaseRule
from alkfish.model.result import Call, PatternCounts
from alkfish.score.case_rule import call_counts, call_reads, is_borderline, reaches_cutoff

RULE = CaseRule()
ROS1 = CaseRule(borderline_percent=(10, 30), equivocal_counts=(5, 15))


def counts(positive, total):
    """Return counts whose positive and negative nuclei are of both kinds."""
    negative = total - positive
    return PatternCounts(
        fused=negative - negative // 4,
        split=positive - positive // 3,
        isolated_3p=positive // 3,
        isolated_5p=negative // 4,
    )


FIRST_READ = {
    "0 of 50": (0, Call.NEGATIVE),
    "4 of 50, 8 %": (4, Call.NEGATIVE),
    "5 of 50, exactly 10 %": (5, Call.EQUIVOCAL),
    "7 of 50, 14 %": (7, Call.EQUIVOCAL),
    "8 of 50, 16 %": (8, Call.EQUIVOCAL),
    "25 of 50, exactly 50 %": (25, Call.EQUIVOCAL),
    "26 of 50, 52 %": (26, Call.POSITIVE),
    "50 of 50": (50, Call.POSITIVE),
}
BOTH_READS = {
    "5 and 9: 14 of 100": (5, 9, Call.NEGATIVE),
    "5 and 10: exactly 15 of 100": (5, 10, Call.POSITIVE),
    "14 and 0: 14 of 100": (14, 0, Call.NEGATIVE),
    "14 and 1: exactly 15 of 100": (14, 1, Call.POSITIVE),
    "15 and 0: exactly 15 of 100": (15, 0, Call.POSITIVE),
    "25 and 0": (25, 0, Call.POSITIVE),
    "25 and 50": (25, 50, Call.POSITIVE),
}
ALL_NUCLEI = {
    "14 of 100": (14, 100, Call.NEGATIVE),
    "15 of 100, exactly 15 %": (15, 100, Call.POSITIVE),
    "9 of 60, exactly 15 %": (9, 60, Call.POSITIVE),
    "8 of 54, 14.8 %": (8, 54, Call.NEGATIVE),
    "149 of 1000": (149, 1000, Call.NEGATIVE),
    "150 of 1000": (150, 1000, Call.POSITIVE),
    "14999 of 100000, rounds to 15.0 %": (14_999, 100_000, Call.NEGATIVE),
    "15000 of 100000": (15_000, 100_000, Call.POSITIVE),
    "10 of 49, one nucleus short": (10, 49, Call.NOT_EVALUABLE),
    "49 of 49": (49, 49, Call.NOT_EVALUABLE),
    "7 of 50": (7, 50, Call.NEGATIVE),
    "8 of 50": (8, 50, Call.POSITIVE),
    "0 of 50": (0, 50, Call.NEGATIVE),
    "none at all": (0, 0, Call.NOT_EVALUABLE),
}
BORDERLINE = {
    "9 of 100": (9, 100, False),
    "10 of 100, included": (10, 100, True),
    "99 of 1000": (99, 1000, False),
    "100 of 1000": (100, 1000, True),
    "20 of 100, included": (20, 100, True),
    "21 of 100": (21, 100, False),
    "200 of 1000": (200, 1000, True),
    "201 of 1000": (201, 1000, False),
    "none": (0, 0, False),
}


@pytest.mark.parametrize(("positive", "call"), FIRST_READ.values(), ids=FIRST_READ)
def test_first_reader(positive, call):
    found, reason = call_reads(counts(positive, 50), rule=RULE)
    assert found is call
    assert f"{positive} of 50" in reason


@pytest.mark.parametrize(("first", "second", "call"), BOTH_READS.values(), ids=BOTH_READS)
def test_two_readers(first, second, call):
    found, reason = call_reads(counts(first, 50), counts(second, 50), rule=RULE)
    assert found is call
    assert f"{first + second} of 100" in reason


@pytest.mark.parametrize("first", [4, 26])
@pytest.mark.parametrize("second", [0, 50])
def test_clear_first_read_stands_whatever_the_second(first, second):
    alone = call_reads(counts(first, 50), rule=RULE)
    assert call_reads(counts(first, 50), counts(second, 50), rule=RULE) == alone


def test_short_reads_are_not_evaluable():
    call, reason = call_reads(counts(49, 49), rule=RULE)
    assert call is Call.NOT_EVALUABLE
    assert reason == "reader 1 counted 49 of the 50 nuclei required"
    call, reason = call_reads(counts(10, 50), counts(49, 49), rule=RULE)
    assert call is Call.NOT_EVALUABLE
    assert reason == "reader 2 counted 49 of the 50 nuclei required"


def test_second_short_read_is_ignored_after_a_clear_first():
    assert call_reads(counts(4, 50), counts(1, 3), rule=RULE)[0] is Call.NEGATIVE


def test_long_reads_are_refused():
    with pytest.raises(ValueError, match="reader 1 counted 51 nuclei"):
        call_reads(counts(3, 51), rule=RULE)
    with pytest.raises(ValueError, match="reader 2 counted 51 nuclei"):
        call_reads(counts(10, 50), counts(3, 51), rule=RULE)


@pytest.mark.parametrize(("positive", "total", "call"), ALL_NUCLEI.values(), ids=ALL_NUCLEI)
def test_all_nuclei(positive, total, call):
    found, reason = call_counts(counts(positive, total), RULE)
    assert found is call
    assert str(total) in reason


def test_cutoff_is_compared_in_integers():
    # 3 / 20 * 100 is not 15 in floating point on every path; in integers it is.
    assert reaches_cutoff(counts(3, 20), RULE)
    assert not reaches_cutoff(counts(2, 20), RULE)


@pytest.mark.parametrize(("positive", "total", "inside"), BORDERLINE.values(), ids=BORDERLINE)
def test_borderline_includes_both_ends(positive, total, inside):
    assert is_borderline(counts(positive, total), RULE) is inside


@pytest.mark.parametrize(
    ("positive", "call"),
    [(4, Call.NEGATIVE), (5, Call.EQUIVOCAL), (15, Call.EQUIVOCAL), (16, Call.POSITIVE)],
)
def test_figures_come_from_the_rule(positive, call):
    assert call_reads(counts(positive, 50), rule=ROS1)[0] is call


def test_isolated_5p_stays_in_the_denominator():
    assert call_counts(PatternCounts(0, 15, 0, 85), RULE)[0] is Call.POSITIVE
    assert call_counts(PatternCounts(0, 15, 0, 86), RULE)[0] is Call.NEGATIVE


def test_reason_names_the_integers():
    _, reason = call_counts(counts(15, 100), RULE)
    assert reason == "15 of 100 nuclei are positive; they reach 15 %"
    _, reason = call_counts(counts(14, 100), RULE)
    assert reason == "14 of 100 nuclei are positive; they stay below 15 %"


NUCLEI = st.builds(PatternCounts, *[st.integers(0, 400)] * 4)
ORDER = {Call.NEGATIVE: 0, Call.EQUIVOCAL: 1, Call.POSITIVE: 2}


@given(total=NUCLEI, kind=st.sampled_from(["split", "isolated_3p"]))
def test_one_more_positive_nucleus_never_turns_a_positive_case_negative(total, kind):
    more = total + PatternCounts(**{kind: 1})
    before, after = call_counts(total, RULE)[0], call_counts(more, RULE)[0]
    if before is Call.POSITIVE:
        assert after is Call.POSITIVE
    # The rate itself rises or stays: cross-multiplied, so that nothing is rounded.
    assert more.n_positive * total.n_enumerated >= total.n_positive * more.n_enumerated


@given(first=st.integers(0, 49), second=st.integers(0, 49))
def test_one_more_positive_nucleus_never_lowers_the_call_of_readers(first, second):
    for a, b in ((first + 1, second), (first, second + 1)):
        low = call_reads(counts(first, 50), counts(second, 50), rule=RULE)[0]
        high = call_reads(counts(a, 50), counts(b, 50), rule=RULE)[0]
        assert ORDER[high] >= ORDER[low]


@given(fields=st.lists(NUCLEI, min_size=1, max_size=6), data=st.data())
def test_order_of_fields_does_not_matter(fields, data):
    shuffled = data.draw(st.permutations(fields))
    zero = PatternCounts()
    assert call_counts(sum(fields, zero), RULE) == call_counts(sum(shuffled, zero), RULE)
