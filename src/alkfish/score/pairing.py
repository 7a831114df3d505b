"""Same-end doublets become one signal; 3' and 5' signals of a nucleus become fused pairs.

The separation of two spots is judged by the probe's rule. Pairs closer than the rule's limit are
candidates; within each nucleus as many as possible are paired, with the smallest total separation.
What stays unpaired is, by the rule, split or isolated. All nuclei of a field are paired in one
call.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from alkfish.model.probe import SeparationMeasure, SeparationRule

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class PlacedSpots:
    """Spots of one probe end, placed in nuclei and measured in micrometres.

    Attributes
    ----------
    position_um : ndarray of float64, shape (N, D)
        Positions y, x; in stacks also z.
    diameter_um : ndarray of float64, shape (N,)
        Diameters.
    nucleus_id : ndarray of int32, shape (N,)
        Nucleus of each spot; spots with 0 take no part.
    z_error_um : ndarray of float64, shape (N,), optional
        Standard errors of the depths of stacks; 0 if left out.
    """

    position_um: Floats
    diameter_um: Floats
    nucleus_id: npt.NDArray[np.int32]
    z_error_um: Floats | None = None

    def __len__(self) -> int:
        return len(self.nucleus_id)


@dataclass(frozen=True, eq=False)
class Separations:
    """Separations of pairs of spots, one row per pair.

    ``first`` and ``second`` are row numbers of the two spots; ``gap_diam`` is edge to edge and
    ``centre_diam`` centre to centre, both in diameters of the larger spot; never negative.
    """

    first: Ints
    second: Ints
    gap_diam: Floats
    centre_diam: Floats
    centre_um: Floats

    def by(self, measure: SeparationMeasure) -> Floats:
        """Return the separations in the given measure."""
        return _by_measure(self, measure)

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> Separations:
        """Return the selected rows."""
        return Separations(
            self.first[rows], self.second[rows], self.gap_diam[rows],
            self.centre_diam[rows], self.centre_um[rows],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pairing:
    """Signals of a field.

    Attributes
    ----------
    signal_3p, signal_5p : ndarray of int32, shape (N3,), (N5,)
        Signal of each spot, from 1; the spots of a fused pair or doublet share it; 0 outside
        nuclei.
    doublet_3p, doublet_5p : ndarray of bool
        Spots counted together with another spot of the same end.
    signals : SignalList
        One row per signal.
    """

    signal_3p: npt.NDArray[np.int32]
    signal_5p: npt.NDArray[np.int32]
    doublet_3p: npt.NDArray[np.bool_]
    doublet_5p: npt.NDArray[np.bool_]
    signals: SignalList


@dataclass(frozen=True, eq=False)
class SignalList:
    """Signals after pairing, one row each, in the order of ``signal_id``.

    ``kind`` is 0 for fused, 1 for an unpaired 3' and 2 for an unpaired 5' signal. The separations
    are those of a fused pair, or of an unpaired 3' signal and the nearest unpaired 5' signal of the
    nucleus; 0 where there is none. ``doublet_3p`` marks a fused signal that two 3' spots share on
    both sides of its 5' spot.
    """

    nucleus_id: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    gap_diam: Floats
    centre_diam: Floats
    centre_um: Floats
    doublet_3p: npt.NDArray[np.bool_]

    def separation(self, measure: SeparationMeasure) -> Floats:
        """Return the separations in the given measure."""
        return _by_measure(self, measure)


FUSED, UNPAIRED_3P, UNPAIRED_5P = 0, 1, 2


def _by_measure(columns: Separations | SignalList, measure: SeparationMeasure) -> Floats:
    return {
        SeparationMeasure.GAP_DIAMETERS: columns.gap_diam,
        SeparationMeasure.CENTRE_DIAMETERS: columns.centre_diam,
        SeparationMeasure.CENTRE_UM: columns.centre_um,
    }[measure]


def measure_separations(a: PlacedSpots, b: PlacedSpots, first: Ints, second: Ints) -> Separations:
    """Return the separations of spots ``a[first]`` and ``b[second]``.

    Notes
    -----
    Gap = centre distance minus both radii, at least 0, over the larger diameter: the default
    reading of "separated by at least two diameters of the largest signal" (clinical-rules 9).
    Diameters are lateral ones also along the axis, where the optics draws spots longer. Depths are
    known less well than lateral positions: a difference in depth counts only as far as it exceeds
    its standard error, so that noise in depth does not split a fused pair.
    """
    centre = _centre_distance(a, b, first, second)
    d_a, d_b = a.diameter_um[first], b.diameter_um[second]
    largest = np.maximum(d_a, d_b)
    gap = np.maximum(centre - (d_a + d_b) / 2, 0.0)
    return Separations(first, second, gap / largest, centre / largest, centre)


def _centre_distance(a: PlacedSpots, b: PlacedSpots, first: Ints, second: Ints) -> Floats:
    """Return centre distances, with differences in depth shortened by their standard errors."""
    apart = np.abs(a.position_um[first] - b.position_um[second])
    if a.z_error_um is not None and b.z_error_um is not None:
        error = np.hypot(a.z_error_um[first], b.z_error_um[second])
        apart[:, 2] = np.maximum(apart[:, 2] - error, 0.0)
    return np.asarray(np.linalg.norm(apart, axis=1))


def candidate_pairs(a: PlacedSpots, b: PlacedSpots, *, reach_um: float) -> Separations:
    """Return the separations of all pairs within `reach_um` that share a nucleus."""
    if len(a) == 0 or len(b) == 0:
        none = np.empty(0, np.intp)
        return measure_separations(a, b, none, none)
    near = cKDTree(a.position_um[:, :2]).sparse_distance_matrix(
        cKDTree(b.position_um[:, :2]), reach_um, output_type="coo_matrix"
    )
    first, second = near.row.astype(np.intp), near.col.astype(np.intp)
    same = (a.nucleus_id[first] == b.nucleus_id[second]) & (a.nucleus_id[first] > 0)
    first, second = first[same], second[same]
    order = np.lexsort((second, first))
    return measure_separations(a, b, first[order], second[order])


def pair_signals(
    three: PlacedSpots, five: PlacedSpots, *, rule: SeparationRule, doublet_gap_diam: float
) -> Pairing:
    """Pair the spots of all nuclei of a field into signals.

    Parameters
    ----------
    three, five : PlacedSpots
        Spots of the 3' and the 5' end.
    rule : SeparationRule
        Pairs whose separation is below ``rule.limit`` may be fused.
    doublet_gap_diam : float
        Spots of one end with a smaller gap are one signal (sister doublet); an unpaired spot as
        close to a spot that is already paired belongs to that signal (3'-5'-3' arrangement).

    Returns
    -------
    Pairing
        Empty arrays if there are no spots.

    Notes
    -----
    Source of the rule: ATLAS2 pp 45-47, 51 (clinical-rules 1.3, 1.5).
    """
    group_3, group_5 = (_merge_doublets(spots, doublet_gap_diam) for spots in (three, five))
    edges = candidate_pairs(three, five, reach_um=_reach(three, five, rule))
    close = edges.take(edges.by(rule.measure) < rule.limit)
    best = _closest_per_signal(close, group_3, group_5, rule)
    matched = best.take(_match(best, rule))
    return _PairingBuilder(three, five, group_3, group_5, matched).build(close, doublet_gap_diam)


def _reach(three: PlacedSpots, five: PlacedSpots, rule: SeparationRule) -> float:
    """Return a centre distance beyond which no pair can be fused."""
    if rule.measure is SeparationMeasure.CENTRE_UM:
        return rule.limit
    diameters = np.concatenate([three.diameter_um, five.diameter_um])
    return float((rule.limit + 1) * diameters.max(initial=0.0))


def _merge_doublets(spots: PlacedSpots, max_gap_diam: float) -> Ints:
    """Return a group number per spot; spots of one sister doublet share it."""
    reach = float((max_gap_diam + 1) * spots.diameter_um.max(initial=0.0))
    edges = candidate_pairs(spots, spots, reach_um=reach)
    near = edges.take((edges.first < edges.second) & (edges.gap_diam < max_gap_diam))
    links = coo_array((np.ones(len(near.first)), (near.first, near.second)), (len(spots),) * 2)
    return np.asarray(connected_components(links, directed=False)[1], np.intp)


def _closest_per_signal(edges: Separations, group_3: Ints, group_5: Ints,
                        rule: SeparationRule) -> Separations:  # fmt: skip
    """Keep the closest spot pair of every pair of signals, with signal numbers."""
    first, second = group_3[edges.first], group_5[edges.second]
    # Overlapping spots all have a gap of 0: their centres decide, not the order of rows.
    order = np.lexsort((edges.centre_um, edges.by(rule.measure), second, first))
    pairs = np.stack([first[order], second[order]])
    new = np.ones(len(order), bool)
    new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
    rows = order[new]
    kept = edges.take(rows)
    return Separations(first[rows], second[rows], kept.gap_diam, kept.centre_diam, kept.centre_um)


def _match(edges: Separations, rule: SeparationRule) -> npt.NDArray[np.bool_]:
    """Return which edges form the largest matching with the smallest total separation."""
    once_3, once_5 = np.bincount(edges.first) == 1, np.bincount(edges.second) == 1
    chosen: npt.NDArray[np.bool_] = once_3[edges.first] & once_5[edges.second]
    contested = np.flatnonzero(~chosen)
    if contested.size == 0:
        return chosen
    n_3 = int(edges.first.max()) + 1
    nodes = n_3 + int(edges.second.max()) + 1
    first, second = edges.first[contested], edges.second[contested] + n_3
    links = coo_array((np.ones(contested.size), (first, second)), (nodes, nodes))
    component = connected_components(links, directed=False)[1][first]
    for number in np.unique(component):
        rows = contested[component == number]
        chosen[rows[_assign(edges, rows, rule)]] = True
    return chosen


def _assign(edges: Separations, rows: Ints, rule: SeparationRule) -> npt.NDArray[np.bool_]:
    """Return which of the contested edges the optimal assignment keeps."""
    threes, i = np.unique(edges.first[rows], return_inverse=True)
    fives, j = np.unique(edges.second[rows], return_inverse=True)
    unpaired = (rule.limit + 1.0) * (len(rows) + 1)
    cost = np.full((len(threes), len(fives)), unpaired)
    cost[i, j] = edges.by(rule.measure)[rows]
    keep = np.zeros_like(cost, bool)
    keep[linear_sum_assignment(cost)] = True
    kept: npt.NDArray[np.bool_] = keep[i, j]
    return kept


class _PairingBuilder:
    """Number the signals: fused ones first, then unpaired 3', then unpaired 5'."""

    def __init__(
        self, three: PlacedSpots, five: PlacedSpots, group_3: Ints, group_5: Ints,
        matched: Separations,
    ) -> None:  # fmt: skip
        self.three, self.five = three, five
        self.group_3, self.group_5 = group_3, group_5
        self.matched = matched
        self.of_3 = np.full(group_3.max(initial=-1) + 1, -1, np.intp)
        self.of_5 = np.full(group_5.max(initial=-1) + 1, -1, np.intp)
        self.of_3[matched.first] = np.arange(len(matched.first))
        self.of_5[matched.second] = np.arange(len(matched.second))

    def build(self, close: Separations, doublet_gap_diam: float) -> Pairing:
        """Attach 3'-5'-3' leftovers, number what stays unpaired, and collect the rows."""
        n_fused = len(self.matched.first)
        attached = self._attach(close, doublet_gap_diam)
        left_3 = _unpaired_groups(self.group_3, self.of_3, self.three.nucleus_id)
        left_5 = _unpaired_groups(self.group_5, self.of_5, self.five.nucleus_id)
        self.of_3[left_3] = n_fused + np.arange(len(left_3))
        self.of_5[left_5] = n_fused + len(left_3) + np.arange(len(left_5))
        signal_3p = _spot_signals(self.group_3, self.of_3)
        signal_5p = _spot_signals(self.group_5, self.of_5)
        signals = self._signals(signal_3p, signal_5p, n_fused, len(left_3), len(left_5), attached)
        return Pairing(signal_3p, signal_5p, _shared(signal_3p), _shared(signal_5p), signals)

    def _attach(self, close: Separations, doublet_gap_diam: float) -> Ints:
        """Give unpaired groups that touch a paired partner that partner's signal."""
        near = close.take(close.gap_diam < doublet_gap_diam)
        near = near.take(np.argsort(-near.centre_um, kind="stable"))  # the nearest is written last
        first, second = self.group_3[near.first], self.group_5[near.second]
        paired_3, paired_5 = self.of_3[first], self.of_5[second]
        joins_3 = (paired_3 < 0) & (paired_5 >= 0)
        joins_5 = (paired_5 < 0) & (paired_3 >= 0)
        self.of_3[first[joins_3]] = paired_5[joins_3]
        self.of_5[second[joins_5]] = paired_3[joins_5]
        return np.unique(self.of_3[first[joins_3]])

    def _signals(
        self, signal_3p: npt.NDArray[np.int32], signal_5p: npt.NDArray[np.int32],
        n_fused: int, n_3p: int, n_5p: int, attached: Ints,
    ) -> SignalList:  # fmt: skip
        total = n_fused + n_3p + n_5p
        nucleus = np.zeros(total + 1, np.int32)
        nucleus[signal_3p] = self.three.nucleus_id
        nucleus[signal_5p] = self.five.nucleus_id
        kinds = np.array([FUSED, UNPAIRED_3P, UNPAIRED_5P], np.int8)
        kind = np.repeat(kinds, [n_fused, n_3p, n_5p])
        apart = self._nearest_unpaired(signal_3p, signal_5p, kind)
        columns = np.zeros((3, total))
        fused_rows, apart_rows = np.arange(n_fused), signal_3p[apart.first] - 1
        for pairs, rows in ((self.matched, fused_rows), (apart, apart_rows)):
            columns[:, rows] = pairs.gap_diam, pairs.centre_diam, pairs.centre_um
        doublet = np.zeros(total, bool)
        doublet[attached] = True
        return SignalList(nucleus[1:], kind, columns[0], columns[1], columns[2], doublet)

    def _nearest_unpaired(
        self, signal_3p: npt.NDArray[np.int32], signal_5p: npt.NDArray[np.int32],
        kind: npt.NDArray[np.int8],
    ) -> Separations:  # fmt: skip
        """Return, per unpaired 3' signal, the separation from the nearest unpaired 5' signal."""
        kinds = np.concatenate([[-1], kind])
        rows_3 = np.flatnonzero(kinds[signal_3p] == UNPAIRED_3P)
        rows_5 = np.flatnonzero(kinds[signal_5p] == UNPAIRED_5P)
        same = self.three.nucleus_id[rows_3][:, None] == self.five.nucleus_id[rows_5]
        i, j = np.nonzero(same)
        found = measure_separations(self.three, self.five, rows_3[i], rows_5[j])
        number = signal_3p[found.first]
        order = np.lexsort((found.centre_um, number))
        nearest = order[np.unique(number[order], return_index=True)[1]]
        return found.take(nearest)


def _unpaired_groups(group: Ints, of_group: Ints, nucleus: npt.NDArray[np.int32]) -> Ints:
    """Return the groups inside nuclei that belong to no signal yet."""
    inside = np.zeros(len(of_group), bool)
    inside[group[nucleus > 0]] = True
    return np.flatnonzero(inside & (of_group < 0))


def _spot_signals(group: Ints, of_group: Ints) -> npt.NDArray[np.int32]:
    return (of_group[group] + 1).astype(np.int32)


def _shared(signal: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return which spots share their signal with another spot of the same end."""
    shared: npt.NDArray[np.bool_] = (np.bincount(signal, minlength=1)[signal] > 1) & (signal > 0)
    return shared
