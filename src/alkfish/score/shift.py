"""Chromatic shift between the probe channels, measured on the slide's own fused pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

Floats = npt.NDArray[np.float64]

MIN_PAIRS = 20
MAX_SHIFT_UM = 0.8
REACH_UM = 4.0
MIN_SIGNIFICANCE = 2.0
SURE_SIGNIFICANCE = 4.0
_ROUNDS = 20


@dataclass(frozen=True)
class ChromaticShift:
    """How far the 5' channel lies from the 3' channel.

    Attributes
    ----------
    y_um, x_um : float
        Displacement of 5' spots; subtracted from their positions before pairing if `applied`.
    error_um : float
        Standard error of each component.
    n_pairs : int
        Pairs it was measured on.
    applied : bool
        Whether the evidence sufficed; otherwise the displacement is 0.
    reason : str
        Why it was applied or not.
    misaligned : bool
        Whether the channels are displaced by more than optics can do: a wrong registration.
    z_um : float
        Displacement of 5' spots in depth, in stacks; 0 unless it is clear by itself.
    """

    y_um: float = 0.0
    x_um: float = 0.0
    error_um: float = 0.0
    n_pairs: int = 0
    applied: bool = False
    reason: str = "not estimated"
    misaligned: bool = False
    z_um: float = 0.0


def mutual_offsets_um(three_um: Floats, five_um: Floats) -> Floats:
    """Return the vectors from 3' spots to 5' spots that are each other's nearest.

    Parameters
    ----------
    three_um, five_um : ndarray of float64, shape (N, D), (M, D)
        Positions y, x, and z if D is 3, of clear spots inside nuclei, in um.

    Returns
    -------
    ndarray of float64, shape (K, D)
        Offsets of at most 4 um; empty if there are none.
    """
    if len(three_um) == 0 or len(five_um) == 0:
        return np.empty((0, three_um.shape[1]))
    distance, nearest = cKDTree(five_um).query(three_um, distance_upper_bound=REACH_UM)
    _, back = cKDTree(three_um).query(five_um)
    rows = np.flatnonzero(np.isfinite(distance))
    rows = rows[back[nearest[rows]] == rows]
    return np.asarray(five_um[nearest[rows]] - three_um[rows])


def estimate_shift(offsets_um: Floats) -> ChromaticShift:
    """Return the common shift of fused pairs, or a refusal if the evidence is thin.

    Native pairs point in all directions, so the geometric median of their vectors is the shift of
    the optics. It is applied only if it rests on enough pairs and is clearly different from 0. The
    shift in depth is judged by itself, in the same way.

    Parameters
    ----------
    offsets_um : ndarray of float64, shape (K, 2) or (K, 3)
        Vectors of `mutual_offsets_um`, of all fields of a case.
    """
    n = len(offsets_um)
    if n < MIN_PAIRS:
        return ChromaticShift(n_pairs=n, reason=f"only {n} clear pairs; {MIN_PAIRS} are needed")
    lateral = _lateral_shift(offsets_um[:, :2])
    z_um = 0.0 if lateral.misaligned else _axial_shift(offsets_um[:, 2:])
    if z_um == 0.0:
        return lateral
    return replace(
        lateral, z_um=z_um, applied=True, reason=f"{lateral.reason}; {z_um:.2f} um in depth"
    )


def _axial_shift(depths_um: Floats) -> float:
    """Return the median of differences in depth if it is clear and possible, else 0."""
    if depths_um.shape[1] == 0 or not depths_um.any():
        return 0.0
    middle = float(np.median(depths_um))
    error = 1.25 * 1.4826 * float(np.median(np.abs(depths_um - middle))) / np.sqrt(len(depths_um))
    clear = MIN_SIGNIFICANCE * error <= abs(middle) <= MAX_SHIFT_UM
    return middle if clear else 0.0


def _lateral_shift(offsets_um: Floats) -> ChromaticShift:
    n = len(offsets_um)
    centre = _geometric_median(offsets_um)
    spread = np.median(np.abs(offsets_um - centre), axis=0) * 1.4826
    error = float(1.25 * np.linalg.norm(spread) / np.sqrt(2 * n))
    length = float(np.linalg.norm(centre))
    found = ChromaticShift(float(centre[0]), float(centre[1]), error, n)
    if length > MAX_SHIFT_UM:
        refused = _refused(found, f"{length:.2f} um is more than an optical shift can be")
        return replace(refused, misaligned=length > SURE_SIGNIFICANCE * error)
    if length < MIN_SIGNIFICANCE * error:
        return _refused(found, f"{length:.2f} um is within its error of {error:.2f} um")
    return ChromaticShift(found.y_um, found.x_um, error, n, True, f"measured on {n} pairs")


def _refused(found: ChromaticShift, reason: str) -> ChromaticShift:
    return ChromaticShift(error_um=found.error_um, n_pairs=found.n_pairs, reason=reason)


def _geometric_median(points: Floats) -> Floats:
    centre = np.median(points, axis=0)
    for _ in range(_ROUNDS):
        weight = 1.0 / np.maximum(np.linalg.norm(points - centre, axis=1), 0.02)
        centre = (points * weight[:, None]).sum(axis=0) / weight.sum()
    return np.asarray(centre)
