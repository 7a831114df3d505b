"""Probability of each pattern: sums to one, follows the doubts, names the decisive spot."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.model.probe import SeparationMeasure, SeparationRule
from alkfish.score.evidence import UNPAIRED_PRIOR, SpotEvidence, pattern_probabilities
from alkfish.score.pairing import PlacedSpots, pair_signals

RULE = SeparationRule()
PATTERNS = ("fused", "split", "isolated_3p", "isolated_5p")


def place(points, nucleus=1):
    position = np.array(points, float).reshape(-1, 2)
    n = len(position)
    owner = np.broadcast_to(np.asarray(nucleus, np.int32), n).copy()
    return PlacedSpots(position, np.ones(n), owner)


def says(n, p_real=1.0, snr=50.0, missed=0.0):
    def column(value):
        return np.broadcast_to(np.asarray(value, float), n).copy()

    return SpotEvidence(column(p_real), column(snr), column(missed))


def chances(three, five, three_says=None, five_says=None, *, rule=RULE, n_nuclei=1):
    pairing = pair_signals(three, five, rule=rule, doublet_gap_diam=1.0)
    return pattern_probabilities(
        pairing,
        three_says or says(len(three)),
        five_says or says(len(five)),
        rule=rule,
        n_nuclei=n_nuclei,
    )


CLEAR = {
    "fused": ([(0, 0)], [(0, 0.3)]),
    "split": ([(0, 0), (9, 0)], [(0, 0.3), (9, 9)]),
    "isolated_3p": ([(0, 0), (9, 0)], [(0, 0.3)]),
    "isolated_5p": ([(0, 0)], [(0, 0.3), (9, 0)]),
}


@pytest.mark.parametrize(("pattern", "places"), CLEAR.items(), ids=CLEAR)
def test_clear_nuclei_are_nearly_certain(pattern, places):
    found = chances(*(place(side) for side in places))
    assert getattr(found, pattern)[1] > 0.99


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), measure=st.sampled_from(list(SeparationMeasure)))
def test_patterns_share_out_one(seed, measure):
    rng = np.random.default_rng(seed)
    n_3, n_5 = rng.integers(0, 8, 2)
    three = place(rng.uniform(0, 6, (n_3, 2)), rng.integers(0, 4, n_3))
    five = place(rng.uniform(0, 6, (n_5, 2)), rng.integers(0, 4, n_5))
    evidence = [
        SpotEvidence(rng.uniform(0, 1, n), rng.uniform(0, 40, n), rng.uniform(0, 1, n))
        for n in (n_3, n_5)
    ]
    found = chances(three, five, *evidence, rule=SeparationRule(measure, 2.0), n_nuclei=4)
    columns = np.stack([getattr(found, name) for name in PATTERNS])
    assert columns.shape == (4, 5)
    assert columns.min() >= 0.0
    np.testing.assert_allclose(columns.sum(axis=0), 1.0, atol=1e-9)


def test_isolated_3p_is_as_sure_as_its_spot():
    three, five = place([(0, 0), (9, 0)]), place([(0, 0.3)])
    found = [chances(three, five, says(2, p_real=[1.0, p])).isolated_3p[1] for p in (0.5, 0.7, 0.9)]
    assert found == pytest.approx([0.5, 0.7, 0.9], abs=0.01)


def test_missed_partner_makes_isolated_doubtful():
    three, five = place([(0, 0), (9, 0)]), place([(0, 0.3)])
    sure, half, lost = (
        chances(three, five, says(2, missed=[0, m])).isolated_3p[1] for m in (0.0, 0.1, 1.0)
    )
    assert sure > half > lost
    # All partners missed: only the share that is expected to be alone remains.
    assert lost == pytest.approx(UNPAIRED_PRIOR / (UNPAIRED_PRIOR + 1 - UNPAIRED_PRIOR), abs=0.01)


@pytest.mark.parametrize("distance", [2.7, 2.9, 3.0, 3.1, 3.4])
def test_doubt_is_greatest_at_the_limit(distance):
    found = chances(place([(0, 0)]), place([(0, distance)]), says(1, snr=20), says(1, snr=20))
    far = chances(place([(0, 0)]), place([(0, 3.0)]), says(1, snr=20), says(1, snr=20))
    assert (found.split[1] > 0.5) == (distance > 3.0)
    assert abs(found.split[1] - 0.5) >= abs(far.split[1] - 0.5) - 1e-9


def test_dim_spots_blur_the_limit():
    near = place([(0, 0)]), place([(0, 2.6)])
    bright = chances(*near, says(1, snr=100), says(1, snr=100)).split[1]
    dim = chances(*near, says(1, snr=100), says(1, snr=4)).split[1]
    assert dim > bright


def test_decisive_spot_is_the_least_certain_unpaired_one():
    three, five = place([(0, 0), (9, 0), (9, 9)]), place([(0, 0.3), (0, 9)])
    found = chances(three, five, says(3, p_real=[0.1, 0.9, 0.8]), says(2, p_real=[0.1, 0.85]))
    assert found.decisive.tolist() == [-1, 2]
    # Rows of 5' spots follow those of 3' spots.
    found = chances(three, five, says(3, p_real=0.9), says(2, p_real=[0.1, 0.7]))
    assert found.decisive[1] == 4


def test_fused_nucleus_has_no_decisive_spot():
    assert chances(place([(0, 0)]), place([(0, 0.3)])).decisive.tolist() == [-1, -1]


def test_field_without_spots_or_nuclei():
    found = chances(place([]), place([]), n_nuclei=0)
    assert [len(getattr(found, name)) for name in PATTERNS] == [1, 1, 1, 1]
    assert found.decisive.tolist() == [-1]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n_fused=st.integers(0, 3), n_alone=st.integers(0, 3))
def test_swapping_the_ends_swaps_the_isolated_probabilities(seed, n_fused, n_alone):
    rng = np.random.default_rng(seed)
    fused = [(20 * k, 0) for k in range(n_fused)]
    sides = place(fused + [(20 * k, 50) for k in range(n_alone)]), place(fused)
    evidence = [
        SpotEvidence(*rng.uniform([[0], [5], [0]], [[1], [40], [1]], (3, len(side))))
        for side in sides
    ]
    one, other = chances(*sides, *evidence), chances(*sides[::-1], *evidence[::-1])
    assert one.isolated_3p[1] == pytest.approx(other.isolated_5p[1])
    assert one.isolated_5p[1] == other.isolated_3p[1] == 0.0
    assert one.fused[1] == pytest.approx(other.fused[1])
