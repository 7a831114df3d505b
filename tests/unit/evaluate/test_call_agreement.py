"""Confusion of calls: definite, undecided, and kappa of textbook tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.evaluate.call_agreement import CALLS, CallAgreement
from alkfish.evaluate.patterns import Share

P, N, E, NE = CALLS


def calls(**counts):
    """Return pairs of calls from counts by two letters: PN=3 is three manual P, machine N."""
    name = {"P": P, "N": N, "E": E, "X": NE}
    return CallAgreement.of(
        (name[key[0]], name[key[1]]) for key, n in counts.items() for _ in range(n)
    )


def test_definite_calls_and_those_that_are_not():
    found = calls(PP=18, PN=1, PX=1, NN=17, NP=2, NE=1, EP=3, XX=2)
    assert (found.sensitivity.hits, found.sensitivity.total) == (18, 19)
    assert (found.specificity.hits, found.specificity.total) == (17, 19)
    assert (found.accuracy.hits, found.accuracy.total) == (35, 38)
    assert (found.sensitivity_of_all.hits, found.sensitivity_of_all.total) == (18, 20)
    assert (found.specificity_of_all.hits, found.specificity_of_all.total) == (17, 20)
    assert (found.accuracy_of_all.hits, found.accuracy_of_all.total) == (35, 40)
    assert (found.undecided.hits, found.undecided.total) == (2, 40)
    assert (found.n_cases, found.n_definite, found.n_opposite) == (45, 38, 3)
    assert found.confusion == ((18, 1, 0, 1), (2, 17, 1, 0), (3, 0, 0, 0), (0, 0, 0, 2))


def test_kappa_of_a_textbook_table():
    # 20 and 15 agreed, 5 and 10 not: agreement 0.70, by chance 0.50, kappa 0.40.
    found = calls(PP=20, PN=5, NP=10, NN=15)
    assert found.kappa.value == pytest.approx(0.40)
    low, high = found.kappa.interval
    assert 0.1 < low < 0.4 < high < 0.7


def test_one_sided_sets_tell_no_kappa():
    assert calls(NN=30).kappa.value == 0.0
    assert calls(NN=30).kappa.interval == (-1.0, 1.0)
    assert calls(NN=30).sensitivity.total == 0
    assert not calls(NN=30).has_kappa
    assert not calls(PP=30, EE=1).has_kappa
    assert not CallAgreement().has_kappa
    assert calls(PP=30, EE=1).has_kappa_of_all
    assert calls(NN=29, NP=1).has_kappa
    assert calls(NN=30).to_dict()["kappa"] is None


def test_nothing_compared():
    found = CallAgreement()
    assert found.n_cases == 0
    assert found.accuracy.interval == found.accuracy.exact_interval == (0.0, 1.0)


@pytest.mark.parametrize(
    ("hits", "total", "wilson", "exact"),
    [
        (4, 50, (3.2, 18.8), (2.2, 19.2)),
        (8, 50, (8.3, 28.5), (7.2, 29.1)),
        (15, 100, (9.3, 23.3), (8.6, 23.5)),
        (25, 50, (36.6, 63.4), (35.5, 64.5)),
        (20, 20, (83.9, 100.0), (83.2, 100.0)),
    ],
)
def test_both_intervals_of_a_share(hits, total, wilson, exact):
    # clinical-rules 3.2; 20 of 20: exact lower limit 0.025 ** (1 / 20).
    share = Share(hits, total)
    assert tuple(100 * end for end in share.interval) == pytest.approx(wilson, abs=0.06)
    assert tuple(100 * end for end in share.exact_interval) == pytest.approx(exact, abs=0.06)


@given(st.lists(st.tuples(st.sampled_from(CALLS), st.sampled_from(CALLS)), max_size=60))
def test_counting_the_undecided_never_flatters(pairs):
    found = CallAgreement.of(pairs)
    assert found.n_cases == len(pairs)
    for name in ("sensitivity", "specificity", "accuracy"):
        definite, everything = getattr(found, name), getattr(found, f"{name}_of_all")
        assert definite.hits == everything.hits
        assert definite.total <= everything.total
    assert found.undecided.total - found.undecided.hits == found.n_definite
    assert -1.0 <= found.kappa.value <= 1.0
    assert found.to_dict()["n_cases"] == len(pairs)
