"""From nuclei and spots of one field to scored rows: pattern, flags and evidence per nucleus."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.model.flags import EXCLUDING, NucleusFlag, SpotFlag, join_flags
from alkfish.model.nuclei import Nuclei, NucleusTable
from alkfish.model.probe import ProbeEnd, ProbeProfile
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.spots import SpotTable
from alkfish.model.table import Array
from alkfish.score.assign import assign_spots
from alkfish.score.evidence import PatternProbabilities, SpotEvidence, pattern_probabilities
from alkfish.score.pairing import (
    FUSED,
    UNPAIRED_3P,
    UNPAIRED_5P,
    Pairing,
    PlacedSpots,
    pair_signals,
)
from alkfish.score.pattern import classify_pattern, has_both_ends
from alkfish.score.shift import ChromaticShift

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

GAIN_COPIES = 3
"""Copies of the locus from which a nucleus is marked as gained (MOLCYT19 tab 2)."""

CERTAIN = 0.8
"""Patterns less probable than this are marked doubtful."""


@dataclass(frozen=True, eq=False)
class EndSpots:
    """Spots of one probe end of a field, with what the channel could have shown.

    Attributes
    ----------
    table : SpotTable
        The spots.
    usual_snr_nuclei : ndarray of float64, shape (n_nuclei,)
        SNR that a spot of usual brightness would have at each nucleus.
    p_partner_missed : ndarray of float64, shape (N,)
        Probability, at each spot, that a spot of the *other* end would have been missed there.
    unresolved : ndarray of float64, shape (n_nuclei,)
        Unexplained bright area of each nucleus, in areas of a usual spot.
    """

    table: SpotTable
    usual_snr_nuclei: Floats
    p_partner_missed: Floats
    unresolved: Floats

    def evidence(self) -> SpotEvidence:
        """Return what the spots say for themselves."""
        return SpotEvidence(self.table.p_real, self.table.snr, self.p_partner_missed)


def score_nuclei(
    fov: str, nuclei: Nuclei, three: EndSpots, five: EndSpots, *, pixel_size_um: float,
    shift: ChromaticShift, probe: ProbeProfile, config: Config,
) -> tuple[NucleusRecords, SpotRecords]:  # fmt: skip
    """Assign, pair and classify the spots of one field.

    Parameters
    ----------
    fov : str
        Name of the field.
    nuclei : Nuclei
        Segmented nuclei with the flags of segmentation.
    three, five : EndSpots
        Spots of the 3' and the 5' end.
    pixel_size_um : float
        Pixel size.
    shift : ChromaticShift
        Subtracted from 5' positions if applied; positions in the tables stay as measured.
    probe : ProbeProfile
        Rule of separation.
    config : Config
        Settings of scoring and of scorable nuclei.

    Returns
    -------
    nuclei : NucleusRecords
        One row per nucleus.
    spots : SpotRecords
        One row per spot, 3' before 5'.
    """
    reach_px = config.score.max_outside_um / pixel_size_um
    owner_3, owner_5 = (
        assign_spots(end.table.y_px, end.table.x_px, nuclei.labels, max_outside_px=reach_px)
        for end in (three, five)
    )
    offset = np.array([shift.y_um, shift.x_um, shift.z_um])
    placed_3 = _place(three.table, owner_3, pixel_size_um, np.zeros(3))
    placed_5 = _place(five.table, owner_5, pixel_size_um, offset)
    pairing = pair_signals(
        placed_3, placed_5, rule=probe.separation, doublet_gap_diam=config.score.doublet_gap_diam
    )
    top_id = int(nuclei.table.nucleus_id.max(initial=0))
    chances = pattern_probabilities(
        pairing, three.evidence(), five.evidence(), rule=probe.separation, n_nuclei=top_id
    )
    spots = _spot_records(fov, three.table, five.table, owner_3, owner_5, pairing)
    counts = SignalCounts(pairing, top_id, nuclei.table.nucleus_id)
    most_spots = np.maximum(
        *(np.bincount(o, minlength=top_id + 1)[nuclei.table.nucleus_id] for o in (owner_3, owner_5))
    )
    unresolved = np.maximum(three.unresolved, five.unresolved)
    rows = _NucleusRows(fov, nuclei.table, counts, most_spots, unresolved, chances, config)
    return rows.records(three.usual_snr_nuclei, five.usual_snr_nuclei, spots), spots


def _place(table: SpotTable, owner: Ints, pixel_size_um: float, offset_um: Floats) -> PlacedSpots:
    y_um, x_um = table.y_px * pixel_size_um, table.x_px * pixel_size_um
    position = np.stack([y_um, x_um, table.z_um], axis=1) - offset_um
    return PlacedSpots(position, table.diameter_um, owner, table.z_error_um)


def _spot_records(
    fov: str, three: SpotTable, five: SpotTable, owner_3: Ints, owner_5: Ints, pairing: Pairing
) -> SpotRecords:
    both = SpotTable.concatenate([three, five])
    owner = np.concatenate([owner_3, owner_5])
    doublet = np.concatenate([pairing.doublet_3p, pairing.doublet_5p])
    flags = both.flags | np.where(doublet, int(SpotFlag.DOUBLET), 0)
    flags |= np.where(owner == 0, int(SpotFlag.UNASSIGNED), 0)
    ends = [ProbeEnd.THREE_PRIME.value] * len(three) + [ProbeEnd.FIVE_PRIME.value] * len(five)
    return SpotRecords(
        fov=np.full(len(both), fov, object),
        nucleus_id=owner,
        end=np.array(ends, object),
        y_px=both.y_px,
        x_px=both.x_px,
        snr=both.snr,
        diameter_um=both.diameter_um,
        signal_id=np.concatenate([pairing.signal_3p, pairing.signal_5p]),
        spot_id=np.arange(1, len(both) + 1),
        amplitude=both.amplitude,
        background=both.background,
        noise=both.noise,
        quality=both.quality,
        p_real=both.p_real,
        flags=_flag_texts(flags, SpotFlag),
        z_um=both.z_um,
        z_error_um=both.z_error_um,
    )


def _flag_texts(flags: Array, kind: type[NucleusFlag | SpotFlag]) -> Array:
    texts = {int(value): join_flags(int(value), kind) for value in np.unique(flags)}
    return np.array([texts[int(value)] for value in flags], object)


class SignalCounts:
    """Signals per nucleus, in the order of `ids`."""

    def __init__(self, pairing: Pairing, top_id: int, ids: Ints) -> None:
        self._nucleus, self._kind = pairing.signals.nucleus_id, pairing.signals.kind
        self._top, self._ids = top_id, ids
        self.fused, self.three, self.five = (
            self._count(self._kind == kind) for kind in (FUSED, UNPAIRED_3P, UNPAIRED_5P)
        )
        self.has_doublet = self._count(pairing.signals.doublet_3p) > 0
        self.gap_diam, self.centre_um = self._widest(pairing)

    def _count(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        return np.bincount(self._nucleus[rows], minlength=self._top + 1)[self._ids]

    def _widest(self, pairing: Pairing) -> tuple[Floats, Floats]:
        """Return the widest separation per nucleus; unpaired pairs go before fused ones."""
        signals = pairing.signals
        rows = np.flatnonzero(signals.centre_um > 0)
        unpaired = signals.kind[rows] != FUSED
        order = rows[np.lexsort((signals.centre_um[rows], signals.gap_diam[rows], unpaired))]
        gap, centre = np.zeros(self._top + 1), np.zeros(self._top + 1)
        gap[signals.nucleus_id[order]] = signals.gap_diam[order]
        centre[signals.nucleus_id[order]] = signals.centre_um[order]
        return gap[self._ids], centre[self._ids]

    def patterns(self) -> Array:
        """Return the pattern of each nucleus; empty where an end is missing."""
        return np.array(
            [
                classify_pattern(n_fused=f, n_3p=t, n_5p=v).value
                if has_both_ends(n_fused=f, n_3p=t, n_5p=v)
                else ""
                for f, t, v in zip(
                    self.fused.tolist(), self.three.tolist(), self.five.tolist(), strict=True
                )
            ],
            object,
        )


class _NucleusRows:
    """Collects flags and columns of the nuclei of one field."""

    def __init__(
        self, fov: str, table: NucleusTable, counts: SignalCounts,
        most_spots: npt.NDArray[np.int64], unresolved: Floats, chances: PatternProbabilities,
        config: Config,
    ) -> None:  # fmt: skip
        self.fov, self.table, self.counts = fov, table, counts
        self.most_spots, self.unresolved = most_spots, unresolved
        self.chances, self.config = chances, config

    def _signal_flags(self, usual_3p: Floats, usual_5p: Floats) -> Array:
        """Return the bits that follow from the signals of each nucleus."""
        counts, limits = self.counts, self.config.scorable
        n_3, n_5 = counts.fused + counts.three, counts.fused + counts.five
        most = np.maximum(n_3, n_5)
        shown_3, shown_5 = n_3 > 0, n_5 > 0
        # Spots, not signals: in an amplification the spots chain up to few "doublets".
        too_many = self.most_spots > limits.max_signals
        too_many |= self.unresolved > limits.max_unresolved
        rules = [
            (~shown_3 & ~shown_5, NucleusFlag.NO_SIGNAL),
            (shown_3 & ~shown_5, NucleusFlag.ONLY_3P),
            (shown_5 & ~shown_3, NucleusFlag.ONLY_5P),
            (too_many, NucleusFlag.TOO_MANY_SIGNALS),
            (counts.has_doublet, NucleusFlag.DOUBLET_3P),
            (most >= GAIN_COPIES, NucleusFlag.GAIN),
            ((usual_5p > 0) & (usual_5p < limits.min_usual_snr), NucleusFlag.DIM_5P),
            ((usual_3p > 0) & (usual_3p < limits.min_usual_snr), NucleusFlag.DIM_3P),
        ]
        flags = np.zeros(len(self.table), np.int64)
        for applies, flag in rules:
            flags[applies] |= int(flag)
        return flags

    def records(self, usual_3p: Floats, usual_5p: Floats, spots: SpotRecords) -> NucleusRecords:
        """Return the finished rows."""
        table, counts, ids = self.table, self.counts, self.table.nucleus_id
        flags = table.flags | self._signal_flags(usual_3p, usual_5p)
        scorable = (flags & int(EXCLUDING)) == 0
        p_fused, p_split, p_iso_3, p_iso_5 = (
            np.where(scorable, p[ids], 0.0)
            for p in (
                self.chances.fused, self.chances.split,
                self.chances.isolated_3p, self.chances.isolated_5p,
            )
        )  # fmt: skip
        best = np.maximum.reduce([p_fused, p_split, p_iso_3, p_iso_5])
        flags = flags | np.where(scorable & (best < CERTAIN), int(NucleusFlag.DOUBTFUL), 0)
        decisive = self.chances.decisive[ids] + 1
        return NucleusRecords(
            fov=np.full(len(table), self.fov, object),
            nucleus_id=ids,
            y_px=table.y_px,
            x_px=table.x_px,
            area_um2=table.area_um2,
            scorable=scorable,
            flags=_flag_texts(flags, NucleusFlag),
            pattern=np.where(scorable, counts.patterns(), ""),
            n_fused=counts.fused,
            n_3p=counts.three,
            n_5p=counts.five,
            max_separation_diam=counts.gap_diam,
            max_separation_um=counts.centre_um,
            p_positive=p_split + p_iso_3,
            p_fused=p_fused,
            p_split=p_split,
            p_isolated_3p=p_iso_3,
            p_isolated_5p=p_iso_5,
            decisive_spot=np.where(scorable, decisive, 0),
            min_snr=_dimmest(spots, ids),
            limit_3p_snr=usual_3p,
            limit_5p_snr=usual_5p,
            solidity=table.solidity,
            focus=table.focus,
            dapi_mean=table.dapi_mean,
        )


def _dimmest(spots: SpotRecords, ids: Ints) -> Floats:
    """Return the SNR of the dimmest spot of each nucleus; 0 without spots."""
    lowest = np.full(int(ids.max(initial=0)) + 1, np.inf)
    inside = spots.nucleus_id > 0
    np.minimum.at(lowest, spots.nucleus_id[inside], spots.snr[inside])
    return np.asarray(np.where(np.isfinite(lowest), lowest, 0.0)[ids])
