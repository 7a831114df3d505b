"""Pairing: named arrangements, symmetry, and a reference that tries every pairing."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alkfish.model.probe import SeparationMeasure, SeparationRule
from alkfish.model.signals import Pattern
from alkfish.score.pairing import (
    FUSED,
    UNPAIRED_3P,
    UNPAIRED_5P,
    PlacedSpots,
    candidate_pairs,
    measure_separations,
    pair_signals,
)
from alkfish.score.pattern import classify_pattern, has_both_ends
from alkfish.synthetic.rule import Point, classify

RULES = {
    "gap_diameters": SeparationRule(),
    "centre_diameters": SeparationRule(SeparationMeasure.CENTRE_DIAMETERS, 3.0),
    "centre_um": SeparationRule(SeparationMeasure.CENTRE_UM, 1.2),
}


def place(points, diameter=1.0, nucleus=1):
    """Return spots at the given places; diameters and nuclei may differ per spot."""
    position = np.array(points, float).reshape(-1, 2)
    n = len(position)
    return PlacedSpots(
        position,
        np.broadcast_to(np.asarray(diameter, float), n).copy(),
        np.broadcast_to(np.asarray(nucleus, np.int32), n).copy(),
    )


def pair(three, five, rule=RULES["gap_diameters"], doublet_gap_diam=1.0):
    return pair_signals(three, five, rule=rule, doublet_gap_diam=doublet_gap_diam)


def kinds(pairing):
    """Return fused, unpaired 3' and unpaired 5' signals."""
    kind = pairing.signals.kind
    return tuple(int((kind == wanted).sum()) for wanted in (FUSED, UNPAIRED_3P, UNPAIRED_5P))


ARRANGEMENTS = {
    "coincident": ([(0, 0)], [(0, 0)], (1, 0, 0)),
    "overlapping": ([(0, 0)], [(0, 0.5)], (1, 0, 0)),
    "touching": ([(0, 0)], [(0, 1.0)], (1, 0, 0)),
    "just below two diameters of gap": ([(0, 0)], [(0, 2.999)], (1, 0, 0)),
    "exactly two diameters of gap": ([(0, 0)], [(0, 3.0)], (0, 1, 1)),
    "two fused loci": ([(0, 0), (9, 0)], [(0, 0.3), (9, 0.3)], (2, 0, 0)),
    "one fused, one apart (1F1R1G)": ([(0, 0), (9, 0)], [(0, 0.3), (9, 5)], (1, 1, 1)),
    "one fused, one 3' alone (1F1R)": ([(0, 0), (9, 0)], [(0, 0.3)], (1, 1, 0)),
    "one fused, one 5' alone (1F1G)": ([(0, 0)], [(0, 0.3), (9, 0)], (1, 0, 1)),
    "2R1G, nothing fused": ([(0, 0), (9, 0)], [(20, 0)], (0, 2, 1)),
    "2R1G, the middle taken by one": ([(0, 0), (0, 4.5)], [(0, 2.0)], (1, 1, 0)),
    "3' only": ([(0, 0), (9, 0)], [], (0, 2, 0)),
    "5' only": ([], [(0, 0)], (0, 0, 1)),
    "nothing": ([], [], (0, 0, 0)),
    "3' sister doublet beside a 5'": ([(0, 0), (0, 1.5)], [(0, 0.5)], (1, 0, 0)),
    "3' doublet at its limit is two": ([(0, 0), (0, 2.0)], [(9, 9)], (0, 2, 1)),
    "3' doublet alone is one": ([(0, 0), (0, 1.9)], [(9, 9)], (0, 1, 1)),
    "chain of sisters is one": ([(0, 0), (0, 1.9), (0, 3.8)], [(9, 9)], (0, 1, 1)),
    "3'-5'-3' in a row": ([(0, 0), (0, 2.4)], [(0, 1.2)], (1, 0, 0)),
    "5'-3'-5' in a row": ([(0, 1.2)], [(0, 0), (0, 2.4)], (1, 0, 0)),
    "3'-5'-3', the second too far to belong": ([(0, 0), (0, 3.4)], [(0, 1.2)], (1, 1, 0)),
}


@pytest.mark.parametrize(("three", "five", "expected"), ARRANGEMENTS.values(), ids=ARRANGEMENTS)
def test_named_arrangements(three, five, expected):
    assert kinds(pair(place(three), place(five))) == expected


def test_pairing_as_a_whole_beats_the_greedy_choice():
    # The middle 5' is nearest to the first 3', but only it can pair the second.
    three, five = place([(0, 0), (0, 3.4)]), place([(0, 1.4), (0, -2.5)])
    pairing = pair(three, five)
    assert kinds(pairing) == (2, 0, 0)
    assert pairing.signal_3p[0] == pairing.signal_5p[1]
    assert pairing.signal_3p[1] == pairing.signal_5p[0]


def test_among_full_pairings_the_closest_is_taken():
    three, five = place([(0, 0), (0, 3)]), place([(0, 1.2), (0, 4.2)])
    pairing = pair(three, five)
    assert pairing.signal_3p.tolist() == pairing.signal_5p.tolist()
    np.testing.assert_allclose(pairing.signals.gap_diam, 0.2)


def test_separation_counts_in_diameters_of_the_larger_spot():
    # Edges are 2.0 apart: two diameters of the small spot, one of the large.
    assert kinds(pair(place([(0, 0)]), place([(0, 3.5)], diameter=2.0))) == (1, 0, 0)
    found = measure_separations(
        place([(0, 0)]), place([(0, 3.5)], diameter=2.0), np.array([0]), np.array([0])
    )
    assert found.gap_diam.tolist() == [1.0]
    assert found.centre_diam.tolist() == [1.75]
    assert found.centre_um.tolist() == [3.5]


@pytest.mark.parametrize(
    ("measure", "limit", "at_limit"),
    [("gap_diameters", 2.0, 1.5), ("centre_diameters", 2.0, 1.0), ("centre_um", 1.2, 1.2)],
)
def test_limit_of_each_measure(measure, limit, at_limit):
    rule = SeparationRule(SeparationMeasure(measure), limit)
    for distance, expected in ((at_limit - 1e-6, (1, 0, 0)), (at_limit + 1e-6, (0, 1, 1))):
        three, five = place([(0, 0)], diameter=0.5), place([(0, distance)], diameter=0.5)
        assert kinds(pair(three, five, rule)) == expected


def test_spots_of_different_nuclei_never_pair():
    assert kinds(pair(place([(0, 0)]), place([(0, 0.5)], nucleus=2))) == (0, 1, 1)


def test_spots_outside_nuclei_take_no_part():
    pairing = pair(place([(0, 0), (5, 5)], nucleus=[0, 1]), place([(0, 0)], nucleus=0))
    assert kinds(pairing) == (0, 1, 0)
    assert pairing.signal_3p.tolist() == [0, 1]
    assert pairing.signal_5p.tolist() == [0]
    assert pairing.signals.nucleus_id.tolist() == [1]


def test_empty_sides_give_empty_arrays_of_the_right_kind():
    pairing = pair(place([]), place([]))
    assert pairing.signal_3p.dtype == np.int32
    assert pairing.doublet_5p.dtype == np.bool_
    assert [len(pairing.signal_3p), len(pairing.signal_5p), len(pairing.signals.kind)] == [0, 0, 0]
    assert len(candidate_pairs(place([]), place([(0, 0)]), reach_um=5.0).first) == 0


def test_unpaired_pair_carries_the_separation_of_the_nearest():
    signals = pair(place([(0, 0)]), place([(0, 5.0), (0, 8.0)])).signals
    row = np.flatnonzero(signals.kind == UNPAIRED_3P)
    assert signals.gap_diam[row].tolist() == [4.0]
    assert signals.centre_um[row].tolist() == [5.0]
    assert signals.centre_um[signals.kind == UNPAIRED_5P].tolist() == [0.0, 0.0]


def test_3p_without_a_free_partner_has_no_separation():
    signals = pair(place([(0, 0), (9, 0)]), place([(0, 0.4)])).signals
    assert signals.centre_um[signals.kind == UNPAIRED_3P].tolist() == [0.0]


def test_doublets_are_marked_and_share_a_signal():
    pairing = pair(place([(0, 0), (0, 1.5), (9, 9)]), place([(0, 0.5)]))
    assert pairing.doublet_3p.tolist() == [True, True, False]
    assert pairing.doublet_5p.tolist() == [False]
    assert pairing.signal_3p[0] == pairing.signal_3p[1] == pairing.signal_5p[0]
    assert not pairing.signals.doublet_3p.any()


def test_3_5_3_is_marked_for_review_and_5_3_5_is_not():
    fused = pair(place([(0, 0), (0, 2.4)]), place([(0, 1.2)]))
    assert fused.signals.doublet_3p.tolist() == [True]
    assert fused.doublet_3p.tolist() == [True, True]
    assert not pair(place([(0, 1.2)]), place([(0, 0), (0, 2.4)])).signals.doublet_3p.any()


def test_positions_in_three_dimensions():
    three = PlacedSpots(np.array([[0.0, 0.0, 0.0]]), np.ones(1), np.ones(1, np.int32))
    for depth, expected in ((2.9, (1, 0, 0)), (3.1, (0, 1, 1))):
        five = PlacedSpots(np.array([[depth, 0.0, 0.0]]), np.ones(1), np.ones(1, np.int32))
        assert kinds(pair(three, five)) == expected


# --- random nuclei ---------------------------------------------------------------------------


def random_side(rng, size_um=6.0, most=5):
    n = int(rng.integers(0, most))
    return place(rng.uniform(0, size_um, (n, 2)), diameter=rng.uniform(0.4, 0.8, n))


def merged(sides):
    """Return the spots of several nuclei as one field, far apart."""
    return PlacedSpots(
        np.concatenate([side.position_um + 50.0 * k for k, side in enumerate(sides)]),
        np.concatenate([side.diameter_um for side in sides]),
        np.concatenate([np.full(len(side), k + 1, np.int32) for k, side in enumerate(sides)]),
    )


def separation(a, i, b, j, measure):
    centre = float(np.hypot(*(a.position_um[i] - b.position_um[j])))
    largest = max(a.diameter_um[i], b.diameter_um[j])
    if measure is SeparationMeasure.CENTRE_UM:
        return centre
    if measure is SeparationMeasure.CENTRE_DIAMETERS:
        return centre / largest
    return max(0.0, centre - (a.diameter_um[i] + b.diameter_um[j]) / 2) / largest


def sisters(spots, limit=1.0):
    """Return the groups of spots that are linked by gaps below `limit`."""
    groups = [{i} for i in range(len(spots))]
    for i, j in combinations(range(len(spots)), 2):
        if separation(spots, i, spots, j, SeparationMeasure.GAP_DIAMETERS) < limit:
            home = next(g for g in groups if i in g)
            other = next(g for g in groups if j in g)
            if home is not other:
                home |= other
                groups.remove(other)
    return groups


def reference(three, five, rule):
    """Return the counts of every best pairing, found by trying all pairings of one nucleus."""
    groups_3, groups_5 = sisters(three), sisters(five)

    def nearest(a, b, measure):
        return min(separation(three, i, five, j, measure) for i in groups_3[a] for j in groups_5[b])

    pairings = []
    for size in range(min(len(groups_3), len(groups_5)) + 1):
        for left in combinations(range(len(groups_3)), size):
            for right in permutations(range(len(groups_5)), size):
                pairs = list(zip(left, right, strict=True))
                apart = [nearest(a, b, rule.measure) for a, b in pairs]
                if all(value < rule.limit for value in apart):
                    pairings.append((pairs, sum(apart)))
    largest = max(len(pairs) for pairs, _ in pairings)
    least = min(total for pairs, total in pairings if len(pairs) == largest)
    counts = set()
    for pairs, total in pairings:
        if len(pairs) == largest and total < least + 1e-9:
            used_3, used_5 = {a for a, _ in pairs}, {b for _, b in pairs}
            gap = SeparationMeasure.GAP_DIAMETERS

            def joins(a, b, gap=gap):
                return nearest(a, b, gap) < 1.0 and nearest(a, b, rule.measure) < rule.limit

            left_3 = [
                a for a in range(len(groups_3))
                if a not in used_3 and not any(joins(a, b) for b in used_5)
            ]  # fmt: skip
            left_5 = [
                b for b in range(len(groups_5))
                if b not in used_5 and not any(joins(a, b) for a in used_3)
            ]  # fmt: skip
            counts.add((largest, len(left_3), len(left_5)))
    return counts


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("size_um", [2.5, 6.0])
def test_agrees_with_trying_every_pairing(rule, size_um):
    rng = np.random.default_rng(11)
    for _ in range(120):
        three, five = random_side(rng, size_um), random_side(rng, size_um)
        assert kinds(pair(three, five, rule)) in reference(three, five, rule)


def test_agrees_with_the_rule_behind_the_simulated_truth():
    rng = np.random.default_rng(23)
    for _ in range(300):
        three, five = random_side(rng, 4.0), random_side(rng, 4.0)
        sides = [
            [Point(y, x, d) for (y, x), d in zip(s.position_um, s.diameter_um, strict=True)]
            for s in (three, five)
        ]
        reading = classify(*sides)
        fused, n_3p, n_5p = kinds(pair(three, five))
        assert (fused, n_3p, n_5p) == (reading.n_fused, reading.n_3p, reading.n_5p)
        if has_both_ends(n_fused=fused, n_3p=n_3p, n_5p=n_5p):
            pattern = classify_pattern(n_fused=fused, n_3p=n_3p, n_5p=n_5p)
            assert pattern == Pattern(reading.pattern)


SEED = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=60)
@given(seed=SEED)
def test_order_of_spots_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    sides = [random_side(rng, 3.0), random_side(rng, 3.0)]
    orders = [rng.permutation(len(side)) for side in sides]
    shuffled = [
        PlacedSpots(side.position_um[o], side.diameter_um[o], side.nucleus_id[o])
        for side, o in zip(sides, orders, strict=True)
    ]
    before, after = pair(*sides), pair(*shuffled)
    assert kinds(before) == kinds(after)
    assert before.doublet_3p[orders[0]].tolist() == after.doublet_3p.tolist()


@settings(deadline=None, max_examples=60)
@given(seed=SEED)
def test_swapping_the_ends_swaps_the_kinds(seed):
    rng = np.random.default_rng(seed)
    three, five = random_side(rng, 3.0), random_side(rng, 3.0)
    fused, n_3p, n_5p = kinds(pair(three, five))
    assert kinds(pair(five, three)) == (fused, n_5p, n_3p)


@settings(deadline=None, max_examples=40)
@given(seed=SEED, rule=st.sampled_from(list(RULES.values())))
def test_nuclei_do_not_influence_each_other(seed, rule):
    rng = np.random.default_rng(seed)
    threes = [random_side(rng) for _ in range(4)]
    fives = [random_side(rng) for _ in range(4)]
    together = pair(merged(threes), merged(fives), rule).signals
    for k, (three, five) in enumerate(zip(threes, fives, strict=True), start=1):
        mine = together.kind[together.nucleus_id == k]
        alone = pair(three, five, rule).signals.kind
        assert sorted(mine.tolist()) == sorted(alone.tolist())


@settings(deadline=None, max_examples=40)
@given(seed=SEED, turn=st.floats(0, 6.3), scale=st.floats(0.5, 2.0))
def test_turning_and_scaling_change_nothing(seed, turn, scale):
    rng = np.random.default_rng(seed)
    three, five = random_side(rng), random_side(rng)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * scale

    def moved(side):
        return PlacedSpots(side.position_um @ matrix, side.diameter_um * scale, side.nucleus_id)

    assert kinds(pair(moved(three), moved(five))) == kinds(pair(three, five))


@settings(deadline=None, max_examples=40)
@given(seed=SEED)
def test_every_signal_is_numbered_and_owned(seed):
    rng = np.random.default_rng(seed)
    three = merged([random_side(rng) for _ in range(3)])
    five = merged([random_side(rng) for _ in range(3)])
    pairing = pair(three, five)
    numbers = np.concatenate([pairing.signal_3p, pairing.signal_5p])
    assert set(numbers.tolist()) == set(range(1, len(pairing.signals.kind) + 1))
    owner = np.concatenate([three.nucleus_id, five.nucleus_id])
    assert pairing.signals.nucleus_id[numbers - 1].tolist() == owner.tolist()
    shown_by = (set(pairing.signal_3p.tolist()), set(pairing.signal_5p.tolist()))
    for number, kind in enumerate(pairing.signals.kind.tolist(), start=1):
        assert (number in shown_by[0]) == (kind in (FUSED, UNPAIRED_3P))
        assert (number in shown_by[1]) == (kind in (FUSED, UNPAIRED_5P))


@settings(deadline=None, max_examples=60)
@given(seed=SEED)
def test_order_of_spots_does_not_change_the_separations(seed):
    rng = np.random.default_rng(seed)
    sides = [random_side(rng, 2.5, most=4), random_side(rng, 2.5, most=2)]
    rows = []
    for _ in range(3):
        signals = pair(*sides).signals
        columns = (signals.kind, signals.gap_diam, signals.centre_um, signals.doublet_3p)
        rows.append(sorted(zip(*(c.tolist() for c in columns), strict=True)))
        orders = [rng.permutation(len(side)) for side in sides]
        sides = [
            PlacedSpots(side.position_um[o], side.diameter_um[o], side.nucleus_id[o])
            for side, o in zip(sides, orders, strict=True)
        ]
    assert rows[0] == rows[1] == rows[2]


def test_overlapping_doublet_reports_its_nearest_centre():
    for order in ([(0, 0), (0, 0.7)], [(0, 0.7), (0, 0)]):
        signals = pair(place(order), place([(0, 0.2)])).signals
        assert signals.centre_um.tolist() == pytest.approx([0.2])


def test_spot_beside_two_fused_pairs_joins_the_nearer():
    # The third 3' touches both 5' spots, which the other two have taken.
    pairing = pair(place([(0, -1.1), (0, 1.9), (0, 5.5)]), place([(0, 0.2), (0, 3.7)]))
    assert kinds(pairing) == (2, 0, 0)
    third = pairing.signal_3p[1]
    assert third == pairing.signal_5p[0]
    assert pairing.signals.doublet_3p.tolist() == [n + 1 == third for n in range(2)]
