"""The written pattern rule on exact positions: a second, plain implementation for the truth.

It is kept apart from `alkfish.score` on purpose, so that the two check each other. Source:
ATLAS2 pp 45-47 (clinical-rules 1.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from alkfish.model.signals import Pattern

SPLIT_GAP_DIAM = 2.0
"""Gap, edge to edge in diameters of the larger signal, from which two signals are split."""

DOUBLET_GAP_DIAM = 1.0
"""Spots of one end with a smaller gap are one signal (sister doublet)."""


class Point(NamedTuple):
    """A spot: position and lateral diameter (full width at half maximum), all in one unit."""

    y: float
    x: float
    diameter: float
    z: float = 0.0


@dataclass(frozen=True)
class Reading:
    """What the rule says of one nucleus.

    ``signals_3p`` and ``signals_5p`` number, from 0, the signal each spot belongs to; both spots of
    a fused pair and of a doublet share a number.
    """

    pattern: str
    n_fused: int
    n_3p: int
    n_5p: int
    max_gap_diam: float
    max_distance: float
    signals_3p: tuple[int, ...]
    signals_5p: tuple[int, ...]


def gaps(
    first: Sequence[Point], second: Sequence[Point]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return gaps in diameters of the larger spot and centre distances, each of shape (N, M).

    A negative gap means that the spots overlap.
    """
    a = np.array(first, dtype=np.float64).reshape(-1, 1, 4)
    b = np.array(second, dtype=np.float64).reshape(1, -1, 4)
    lateral = np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1])
    distance = np.hypot(lateral, a[..., 3] - b[..., 3])
    larger = np.maximum(a[..., 2], b[..., 2])
    return (distance - (a[..., 2] + b[..., 2]) / 2) / larger, distance


def merge_doublets(points: Sequence[Point], gap_diam: float = DOUBLET_GAP_DIAM) -> list[int]:
    """Return the signal number of each spot of one end; near spots join through each other."""
    number = list(range(len(points)))
    gap, _ = gaps(points, points)
    for i in range(len(points)):
        for j in range(i):
            if gap[i, j] < gap_diam and number[i] != number[j]:
                old, new = max(number[i], number[j]), min(number[i], number[j])
                number = [new if value == old else value for value in number]
    order = sorted(set(number))
    return [order.index(value) for value in number]


def classify(
    three: Sequence[Point], five: Sequence[Point], *, limit: float = SPLIT_GAP_DIAM
) -> Reading:
    """Pair 3' with 5' signals and read the pattern.

    The pairing joins as many signals as lie closer than `limit`, with the least sum of gaps.

    Parameters
    ----------
    three, five : sequence of Point
        Spots of both ends in one nucleus.
    limit : float
        Smallest gap, in diameters of the larger spot, that separates.

    Returns
    -------
    Reading
        Its pattern is empty where one of the ends is missing: not scorable.
    """
    of_three, of_five = merge_doublets(three), merge_doublets(five)
    n_three, n_five = len(set(of_three)), len(set(of_five))
    if not n_three or not n_five:
        return Reading(
            "", 0, n_three, n_five, 0.0, 0.0, tuple(of_three),
            tuple(n_three + value for value in of_five),
        )  # fmt: skip
    gap, distance = _signal_gaps(three, five, of_three, of_five)
    cost = np.where(gap < limit, np.maximum(gap, 0.0), 1e3)
    rows, columns = linear_sum_assignment(cost)
    paired = [(int(i), int(j)) for i, j in zip(rows, columns, strict=True) if gap[i, j] < limit]
    name_3, name_5, left_3, left_5 = _name_signals(gap, paired)
    widest = _widest(gap, distance, paired, left_3, left_5)
    return Reading(
        _pattern(len(left_3), len(left_5)), len(paired), len(left_3), len(left_5),
        max(0.0, float(gap[widest])), float(distance[widest]),
        tuple(name_3[value] for value in of_three), tuple(name_5[value] for value in of_five),
    )  # fmt: skip


def _name_signals(
    gap: npt.NDArray[np.float64], paired: list[tuple[int, int]]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Return signal numbers of both ends and the signals left unpaired.

    A signal left over that lies within a doublet's gap of an already paired partner belongs to that
    pair (3'-5'-3' arrangement, ATLAS2 p51).
    """
    n_three, n_five = gap.shape
    name_3, name_5 = list(range(n_three)), list(range(n_three, n_three + n_five))
    for i, j in paired:
        name_5[j] = name_3[i]
    left_3 = [i for i in range(n_three) if i not in {pair[0] for pair in paired}]
    left_5 = [j for j in range(n_five) if j not in {pair[1] for pair in paired}]
    for i, j in paired:
        for extra in [k for k in left_3 if gap[k, j] < DOUBLET_GAP_DIAM]:
            name_3[extra] = name_3[i]
            left_3.remove(extra)
        for extra in [k for k in left_5 if gap[i, k] < DOUBLET_GAP_DIAM]:
            name_5[extra] = name_3[i]
            left_5.remove(extra)
    return name_3, name_5, left_3, left_5


def _pattern(n_3p: int, n_5p: int) -> str:
    if n_3p and n_5p:
        return Pattern.SPLIT.value
    if n_3p:
        return Pattern.ISOLATED_3P.value
    return Pattern.ISOLATED_5P.value if n_5p else Pattern.FUSED.value


def _signal_gaps(
    three: Sequence[Point], five: Sequence[Point], of_three: list[int], of_five: list[int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return gap and distance between signals: those of their nearest spots."""
    gap, distance = gaps(three, five)
    shape = (max(of_three) + 1, max(of_five) + 1)
    best_gap, best_distance = np.full(shape, np.inf), np.full(shape, np.inf)
    for i, a in enumerate(of_three):
        for j, b in enumerate(of_five):
            if gap[i, j] < best_gap[a, b]:
                best_gap[a, b], best_distance[a, b] = gap[i, j], distance[i, j]
    return best_gap, best_distance


def _widest(
    gap: npt.NDArray[np.float64], distance: npt.NDArray[np.float64],
    paired: list[tuple[int, int]], left_3: list[int], left_5: list[int],
) -> tuple[int, int]:  # fmt: skip
    """Return the pair that `max_separation` speaks of; both ends hold a signal."""
    if not (left_3 and left_5):
        return max(paired, key=lambda pair: distance[pair])
    nearest = [min(((i, j) for j in left_5), key=lambda pair: gap[pair]) for i in left_3]
    return max(nearest, key=lambda pair: gap[pair])
