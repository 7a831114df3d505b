"""Interval and probability of a rate against tabulated figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.score.statistics import probability_at_least, wilson_interval

# clinical-rules 3.2, in per cent.
TABLE = {
    (4, 50): (3.2, 18.8),
    (5, 50): (4.3, 21.4),
    (8, 50): (8.3, 28.5),
    (14, 100): (8.5, 22.1),
    (15, 100): (9.3, 23.3),
    (25, 50): (36.6, 63.4),
    (30, 200): (10.7, 20.6),
    (75, 500): (12.1, 18.4),
}
SAMPLE = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("sample", "interval"), TABLE.items(), ids=str)
def test_wilson_as_tabulated(sample, interval):
    low, high = wilson_interval(*sample)
    assert (round(100 * low, 1), round(100 * high, 1)) == interval


@pytest.mark.parametrize(
    ("positive", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 50, 0.0, 0.0713), (50, 50, 0.9287, 1.0), (0, 1, 0.0, 0.7935)],
)
def test_wilson_at_the_ends(positive, total, low, high):
    assert wilson_interval(positive, total) == pytest.approx((low, high), abs=5e-5)


@given(sample=SAMPLE)
def test_wilson_holds_the_rate_and_mirrors(sample):
    positive, total = sample
    low, high = wilson_interval(positive, total)
    assert 0.0 <= low <= positive / total <= high <= 1.0
    mirrored = wilson_interval(total - positive, total)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-12)


@given(sample=SAMPLE, factor=st.integers(2, 10))
def test_wilson_narrows_with_more_nuclei(sample, factor):
    few = wilson_interval(*sample)
    many = wilson_interval(sample[0] * factor, sample[1] * factor)
    assert many[1] - many[0] < few[1] - few[0]


@pytest.mark.parametrize(("positive", "total"), [(-1, 5), (6, 5), (0, -1)])
def test_impossible_counts_are_refused(positive, total):
    with pytest.raises(ValueError, match="0 <= positive <= total"):
        wilson_interval(positive, total)
    with pytest.raises(ValueError, match="0 <= positive <= total"):
        probability_at_least(positive, total, cutoff=0.15)


@given(sample=SAMPLE, cutoff=st.floats(0.01, 0.99))
def test_probability_rises_with_positive_nuclei(sample, cutoff):
    positive, total = sample
    p = probability_at_least(positive, total, cutoff=cutoff)
    assert 0.0 <= p <= 1.0
    if positive < total:
        assert probability_at_least(positive + 1, total, cutoff=cutoff) >= p


@given(sample=SAMPLE, cutoffs=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_probability_falls_with_the_cutoff(sample, cutoffs):
    low, high = sorted(cutoffs)
    p_low, p_high = (probability_at_least(*sample, cutoff=c) for c in (low, high))
    assert p_high <= p_low + 1e-12


def test_probability_of_a_half_is_a_half_by_symmetry():
    assert probability_at_least(25, 50, cutoff=0.5) == pytest.approx(0.5)
    assert probability_at_least(0, 0, cutoff=0.5) == pytest.approx(0.5)


def test_probability_far_from_the_cutoff_is_certain():
    assert probability_at_least(58, 100, cutoff=0.15) > 0.999999
    assert probability_at_least(2, 100, cutoff=0.15) < 1e-4
    assert 0.4 < probability_at_least(15, 100, cutoff=0.15) < 0.6
