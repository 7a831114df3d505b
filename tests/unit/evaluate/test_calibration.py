import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.errors import InputError
from alkfish.evaluate.calibration import reliability


def test_perfect_and_worst_predictions():
    assert reliability([0.0, 1.0, 1.0], [False, True, True]).ece == 0.0
    assert reliability([0.0, 1.0], [True, False]).ece == 1.0


def test_table_by_hand():
    table = reliability([0.1, 0.2, 0.9, 0.8], [True, False, True, True], n_bins=2)
    assert table.count.tolist() == [2, 2]
    assert table.mean_p.tolist() == pytest.approx([0.15, 0.85])
    assert table.observed.tolist() == [0.5, 1.0]
    assert table.ece == pytest.approx((0.35 * 2 + 0.15 * 2) / 4)


def test_calibrated_draws_have_a_small_error():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=20_000)
    assert reliability(p, rng.uniform(size=p.size) < p).ece < 0.02


def test_rounding_beyond_one_is_forgiven():
    table = reliability([1.0 + 1e-12, -1e-12], [True, False])
    assert (table.count[0], table.count[-1], table.ece) == (1, 1, 0.0)


def test_empty_input():
    table = reliability([], [])
    assert table.ece == 0.0
    assert table.count.sum() == 0
    assert len(table.to_dict()["edges"]) == 11


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), max_size=40), st.integers(1, 20))
def test_every_prediction_is_in_one_bin(rows, n_bins):
    table = reliability([p for p, _ in rows], [o for _, o in rows], n_bins=n_bins)
    assert table.count.sum() == len(rows)
    assert 0.0 <= table.ece <= 1.0
    assert (table.observed * table.count).sum() == pytest.approx(sum(o for _, o in rows))


@pytest.mark.parametrize(
    ("p", "outcome", "n_bins", "message"),
    [
        ([0.5], [], 10, "differ in number"),
        ([1.2], [True], 10, "out of range"),
        ([float("nan")], [True], 10, "out of range"),
        ([0.5], [True], 0, "needs bins"),
    ],
)
def test_impossible_input_is_refused(p, outcome, n_bins, message):
    with pytest.raises(InputError, match=message):
        reliability(p, outcome, n_bins=n_bins)
