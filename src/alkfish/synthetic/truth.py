"""The truth of a field in the table form of results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from alkfish.model.flags import EXCLUDING, NucleusFlag, join_flags
from alkfish.model.signals import NucleusRecords, Pattern, SpotRecords
from alkfish.model.table import Array, Table, column
from alkfish.synthetic.layout import Nucleus
from alkfish.synthetic.levels import Level
from alkfish.synthetic.loci import FWHM_PER_SIGMA, Genome, Spot
from alkfish.synthetic.rule import Reading, classify

OVERLAP_SHARE = 0.05
"""A nucleus of which a larger share lies over or under others is truly a clump."""

GAIN_SIGNALS = 3
"""Signals of one end from which a nucleus carries the copy gain flag."""

T = TypeVar("T", bound=Table)

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False, repr=False)
class TruthNuclei(Table):
    """What each simulated nucleus is, written to ``biology.parquet`` beside the truth."""

    fov: Array = column(object, "field of view the nucleus lies in")
    nucleus_id: Array = column(np.int32, "value of the nucleus in the field's true labels")
    is_tumour: Array = column(np.bool_, "tumour cell; otherwise a lymphocyte")
    rearranged: Array = column(np.bool_, "carries a rearranged allele, seen or not")
    fate: Array = column(object, "changed allele: native, split, lost_5p or lost_3p")
    copies: Array = column(np.int32, "copies of the locus in the whole nucleus")
    full_diam_um: Array = column(np.float64, "diameter of the whole nucleus", unit="um")
    overlap: Array = column(np.float64, "share of the outline shared with other nuclei")


def make_truth(
    name: str, nuclei: Sequence[Nucleus], genomes: Sequence[Genome],
    spots: Sequence[Sequence[Spot]], labels: Labels, hidden: npt.NDArray[np.float64],
    clean: Mapping[str, npt.NDArray[np.float32]], *, pixel_size_um: float,
    shift_um: tuple[float, float], level: Level, min_diam_um: float,
) -> tuple[NucleusRecords, SpotRecords, TruthNuclei, Labels]:  # fmt: skip
    """Read the truth off a scene.

    Nuclei that lie outside the picture or wholly under others have no row; the others are numbered
    from 1 in the order of their centroids (y, then x). Spots outside the picture have no row
    either, but still count for the pattern of their nucleus, which touches the border then.

    Returns
    -------
    tuple of NucleusRecords, SpotRecords, TruthNuclei, ndarray of int32
        Truth per nucleus and spot, the biology, and the renumbered labels.
    """
    geometry = _measure(labels, len(nuclei), pixel_size_um)
    readings = [read_pattern(group) for group in spots]
    flags = [
        nucleus_flags(readings[i], geometry, i, overlap=float(hidden[i]), min_diam_um=min_diam_um)
        for i in range(len(nuclei))
    ]
    kept = np.flatnonzero(geometry.area_px > 0)
    order = kept[np.lexsort((geometry.x_px[kept], geometry.y_px[kept]))]
    number = np.zeros(len(nuclei) + 1, np.int32)
    number[order + 1] = np.arange(1, len(order) + 1)
    ids = number[1:].tolist()
    values = spot_values(
        group_spots(nuclei, spots, readings, ids), clean, (0, 0),
        pixel_size_um=pixel_size_um, shift_um=shift_um, level=level,
    )  # fmt: skip
    return (
        nucleus_rows(name, order, number[order + 1], geometry, readings, flags),
        spot_rows(name, values, pixel_size_um),
        biology_rows(name, order, number[order + 1], nuclei, genomes, hidden),
        number[labels],
    )


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the outlines of nuclei lie; one entry per nucleus, area 0 for those not seen."""

    area_px: npt.NDArray[np.int64]
    y_px: npt.NDArray[np.float64]
    x_px: npt.NDArray[np.float64]
    on_border: npt.NDArray[np.bool_]
    pixel_size_um: float


def _measure(labels: Labels, count: int, pixel_size_um: float) -> Geometry:
    y, x = np.nonzero(labels)
    index = labels[y, x] - 1
    area = np.bincount(index, minlength=count)
    safe = np.maximum(area, 1)
    on_border = np.zeros(count + 1, np.bool_)
    for edge in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
        on_border[edge] = True
    return Geometry(
        area, np.bincount(index, y, count) / safe, np.bincount(index, x, count) / safe,
        on_border[1:], pixel_size_um,
    )  # fmt: skip


def read_pattern(spots: Sequence[Spot]) -> Reading:
    """Read the pattern of the spots of one nucleus by the written rule."""
    three = [spot.point for spot in spots if spot.end == "3p"]
    five = [spot.point for spot in spots if spot.end == "5p"]
    return classify(three, five)


def nucleus_flags(
    reading: Reading, geometry: Geometry, index: int, *, overlap: float, min_diam_um: float
) -> int:
    """Return the true flags of one nucleus; `overlap` is the share under or over others."""
    diameter = 2 * np.sqrt(geometry.area_px[index] / np.pi) * geometry.pixel_size_um
    n_three, n_five = len(set(reading.signals_3p)), len(set(reading.signals_5p))
    conditions = {
        NucleusFlag.BORDER: geometry.on_border[index],
        NucleusFlag.TOO_SMALL: diameter < min_diam_um,
        NucleusFlag.CLUMP: overlap > OVERLAP_SHARE,
        NucleusFlag.NO_SIGNAL: not n_three and not n_five,
        NucleusFlag.ONLY_3P: n_three and not n_five,
        NucleusFlag.ONLY_5P: n_five and not n_three,
        NucleusFlag.GAIN: max(n_three, n_five) >= GAIN_SIGNALS,
    }
    return sum(int(flag) for flag, holds in conditions.items() if holds)


def biology_rows(
    name: str, order: npt.NDArray[np.intp], ids: npt.NDArray[np.int32],
    nuclei: Sequence[Nucleus], genomes: Sequence[Genome], hidden: npt.NDArray[np.float64],
) -> TruthNuclei:  # fmt: skip
    """Return what the nuclei `order` are, numbered `ids`."""
    known = {
        "fov": np.full(len(order), name, object),
        "nucleus_id": ids,
        "is_tumour": [nuclei[i].is_tumour for i in order],
        "rearranged": [genomes[i].is_rearranged for i in order],
        "fate": np.array([genomes[i].fate for i in order], object),
        "copies": [genomes[i].copies for i in order],
        "full_diam_um": [2 * nuclei[i].radius for i in order],
        "overlap": hidden[order],
    }
    return filled(TruthNuclei, len(order), known)


def nucleus_rows(
    name: str, order: npt.NDArray[np.intp], ids: npt.NDArray[np.int32], geometry: Geometry,
    readings: Sequence[Reading], flags: Sequence[int],
) -> NucleusRecords:  # fmt: skip
    """Return the rows of the nuclei `order`, numbered `ids`."""
    chosen = [readings[i] for i in order]
    bits = np.array([flags[i] for i in order], dtype=np.int64)
    scorable = (bits & int(EXCLUDING)) == 0
    pattern = np.array([reading.pattern for reading in chosen], dtype=object)
    pattern[~scorable] = ""
    known = {
        "fov": np.full(len(order), name, object),
        "nucleus_id": ids,
        "y_px": geometry.y_px[order],
        "x_px": geometry.x_px[order],
        "area_um2": geometry.area_px[order] * geometry.pixel_size_um**2,
        "scorable": scorable,
        "flags": np.array([join_flags(int(b), NucleusFlag) for b in bits], dtype=object),
        "pattern": pattern,
        "n_fused": [reading.n_fused for reading in chosen],
        "n_3p": [reading.n_3p for reading in chosen],
        "n_5p": [reading.n_5p for reading in chosen],
        "max_separation_diam": [reading.max_gap_diam for reading in chosen],
        "max_separation_um": [reading.max_distance for reading in chosen],
        "p_positive": np.isin(pattern, [Pattern.SPLIT.value, Pattern.ISOLATED_3P.value]),
        **{f"p_{kind.value.lower()}": pattern == kind.value for kind in Pattern},
    }
    return filled(NucleusRecords, len(order), known)


@dataclass(frozen=True, eq=False)
class SpotGroup:
    """Spots of one nucleus, with what a table says of them: its number and its signals'."""

    nucleus: Nucleus
    spots: Sequence[Spot]
    reading: Reading
    nucleus_id: int
    first_signal: int

    @property
    def next_signal(self) -> int:
        """Number from which the signals of the next nucleus are counted."""
        last = max((*self.reading.signals_3p, *self.reading.signals_5p), default=-1)
        return self.first_signal + 1 + last


def spot_values(
    groups: Iterable[SpotGroup], clean: Mapping[str, npt.NDArray[np.float32]],
    origin_px: tuple[int, int], *, pixel_size_um: float, shift_um: tuple[float, float],
    level: Level,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Return what `spot_rows` needs of the spots that lie in a window of the picture.

    Parameters
    ----------
    groups : iterable of SpotGroup
        Nuclei with spots; those outside the window are left out.
    clean : mapping of str to ndarray of float32, shape (h, w)
        Expected photons of the window.
    origin_px : tuple of int
        Row and column of the window's first pixel.

    Returns
    -------
    ndarray of float64, shape (N, 9)
        Nucleus, 5' or not, y, x, signal, diameter, amplitude, background and noise.
    """
    shape = clean["dapi"].shape
    rows: list[tuple[float, ...]] = []
    for group in groups:
        signals = {"3p": iter(group.reading.signals_3p), "5p": iter(group.reading.signals_5p)}
        for spot in group.spots:
            signal = group.first_signal + next(signals[spot.end])
            dy, dx = shift_um if spot.end == "5p" else (0.0, 0.0)
            y = (group.nucleus.y + spot.y + dy) / pixel_size_um
            x = (group.nucleus.x + spot.x + dx) / pixel_size_um
            row, column = y - origin_px[0], x - origin_px[1]
            if -0.5 <= row < shape[0] - 0.5 and -0.5 <= column < shape[1] - 0.5:
                plane = clean["three_prime" if spot.end == "3p" else "five_prime"]
                seen = _brightness(plane, row, column, spot, pixel_size_um, level)
                rows.append((group.nucleus_id, spot.end == "5p", y, x, signal, *seen))
    return np.array(rows, dtype=np.float64).reshape(-1, 9)


def spot_rows(name: str, table: npt.NDArray[np.float64], pixel_size_um: float) -> SpotRecords:
    """Return the table of spots of a field from the values of `spot_values`."""
    known = {
        "fov": np.full(len(table), name, object),
        "nucleus_id": table[:, 0],
        "end": np.where(table[:, 1] > 0, "5p", "3p").astype(object),
        "y_px": table[:, 2],
        "x_px": table[:, 3],
        "signal_id": table[:, 4],
        "diameter_um": table[:, 5],
        "amplitude": table[:, 6],
        "background": table[:, 7],
        "noise": table[:, 8],
        "snr": _snr(table, pixel_size_um),
        "spot_id": np.arange(1, len(table) + 1),
        "quality": np.ones(len(table)),
        "p_real": np.ones(len(table)),
    }
    return filled(SpotRecords, len(table), known)


def group_spots(
    nuclei: Sequence[Nucleus], spots: Sequence[Sequence[Spot]], readings: Sequence[Reading],
    ids: Sequence[int], *, first_signal: int = 1,
) -> list[SpotGroup]:  # fmt: skip
    """Return the spots of nuclei with running numbers of their signals."""
    groups: list[SpotGroup] = []
    for nucleus, group, reading, number in zip(nuclei, spots, readings, ids, strict=True):
        groups.append(SpotGroup(nucleus, group, reading, number, first_signal))
        first_signal = groups[-1].next_signal
    return groups


def _brightness(
    plane: npt.NDArray[np.float32], y: float, x: float, spot: Spot, pixel_size_um: float,
    level: Level,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return diameter, peak, background and noise in counts, from the expected photons."""
    sigma_px = spot.sigma / pixel_size_um
    peak = spot.photons / (2 * np.pi * sigma_px**2)
    total = float(plane[round(y), round(x)])
    below = max(total - peak, 0.0)
    noise = np.sqrt(level.camera_gain**2 * below + level.read_noise**2)
    return (
        spot.sigma * FWHM_PER_SIGMA, level.camera_gain * peak,
        level.camera_gain * below + level.camera_offset, float(noise),
    )  # fmt: skip


def _snr(table: npt.NDArray[np.float64], pixel_size_um: float) -> npt.NDArray[np.float64]:
    """Return amplitude over its standard error in white noise (matched filter)."""
    sigma_px = table[:, 5] / FWHM_PER_SIGMA / pixel_size_um
    return np.asarray(table[:, 6] * np.sqrt(np.pi) * sigma_px / table[:, 8])


def filled(kind: type[T], rows: int, known: Mapping[str, object]) -> T:
    """Return a table whose other columns are 0 or empty texts."""
    blank = {
        info.name: np.full(rows, "", object) if info.dtype == object else np.zeros(rows, info.dtype)
        for info in kind.columns()
    }
    return kind(**{**blank, **known})
