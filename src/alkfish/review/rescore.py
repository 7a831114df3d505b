"""Pairing, pattern and flags of single nuclei anew, after a person has edited their spots."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.model.flags import EXCLUDING, NucleusFlag, SpotFlag, join_flags, parse_flags
from alkfish.model.probe import ProbeEnd, ProbeProfile
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Table
from alkfish.score.evidence import PatternProbabilities, SpotEvidence, pattern_probabilities
from alkfish.score.nuclei import CERTAIN, GAIN_COPIES, SignalCounts
from alkfish.score.pairing import Pairing, PlacedSpots, pair_signals

Rows = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.int32]

FROM_SIGNALS = (
    NucleusFlag.NO_SIGNAL
    | NucleusFlag.ONLY_3P
    | NucleusFlag.ONLY_5P
    | NucleusFlag.TOO_MANY_SIGNALS
    | NucleusFlag.DOUBLET_3P
    | NucleusFlag.GAIN
    | NucleusFlag.DOUBTFUL
)
"""Flags that follow from the spots of a nucleus; the others stay as the machine set them."""


@dataclass(frozen=True)
class FieldRules:
    """What pairing needs to know of a field.

    Attributes
    ----------
    fov : str
        Name of the field.
    pixel_size_um : float
        Pixel size.
    shift_um : tuple of float
        Where the 5' channel lies against the 3' channel: y, x and, in stacks, z.
    probe : ProbeProfile
        Rule of separation.
    config : Config
        Settings of the result.
    z_step_um, depth_um : float
        Distance of the planes of a focus stack and depth of the last one; 0 in single planes.
    """

    fov: str
    pixel_size_um: float
    shift_um: tuple[float, float, float]
    probe: ProbeProfile
    config: Config
    z_step_um: float = 0.0
    depth_um: float = 0.0


def rescore_nuclei(
    nuclei: NucleusRecords, spots: SpotRecords, ids: npt.ArrayLike, rules: FieldRules
) -> tuple[NucleusRecords, SpotRecords]:
    """Pair and classify the spots of some nuclei again.

    The rules are those of scoring. A person has looked at these nuclei, so no spot is taken as
    possibly missed; the other doubts stay in the probabilities.

    Parameters
    ----------
    nuclei, spots : NucleusRecords, SpotRecords
        Of the whole case; ``spots.nucleus_id`` says which nucleus each spot lies in.
    ids : array-like of int
        Nuclei of the field concerned.
    rules : FieldRules
        Of that field.

    Returns
    -------
    tuple of NucleusRecords, SpotRecords
        The tables with the rows of these nuclei and of their spots changed.
    """
    wanted = np.unique(np.asarray(ids, np.int32))
    wanted = wanted[wanted > 0]
    rows_n = np.flatnonzero((nuclei.fov == rules.fov) & np.isin(nuclei.nucleus_id, wanted))
    in_field = spots.fov == rules.fov
    rows_s = np.flatnonzero(in_field & np.isin(spots.nucleus_id, wanted))
    is_three = spots.end[rows_s] == ProbeEnd.THREE_PRIME.value
    three, five = rows_s[is_three], rows_s[~is_three]
    numbers = np.searchsorted(wanted, spots.nucleus_id).astype(np.int32) + 1
    pairing = pair_signals(
        _placed(spots, three, numbers, rules, (0.0, 0.0, 0.0)),
        _placed(spots, five, numbers, rules, rules.shift_um),
        rule=rules.probe.separation,
        doublet_gap_diam=rules.config.score.doublet_gap_diam,
    )
    chances = pattern_probabilities(
        pairing, _evidence(spots, three), _evidence(spots, five),
        rule=rules.probe.separation, n_nuclei=len(wanted),
    )  # fmt: skip
    local = np.searchsorted(wanted, nuclei.nucleus_id[rows_n]).astype(np.int32) + 1
    others = spots.signal_id[in_field & ~np.isin(spots.nucleus_id, wanted)]
    ordered = np.concatenate([three, five])
    changed = _with_signals(spots, ordered, pairing, int(others.max(initial=0)))
    rescored = _with_patterns(nuclei, rows_n, local, pairing, chances, rules.config)
    return _with_spots(rescored, rows_n, chances.decisive[local], changed, ordered), changed


def put(table: Table, rows: Rows, **columns: Any) -> Any:
    """Return a copy of a table with some columns changed in some rows."""
    made = {}
    for name, values in columns.items():
        made[name] = getattr(table, name).copy()
        made[name][rows] = values
    return replace(table, **made)


def _placed(
    spots: SpotRecords, rows: Rows, numbers: Numbers, rules: FieldRules,
    shift_um: tuple[float, float, float],
) -> PlacedSpots:  # fmt: skip
    y_um, x_um = (values[rows] * rules.pixel_size_um for values in (spots.y_px, spots.x_px))
    position = np.stack([y_um, x_um, spots.z_um[rows]], axis=1) - np.array(shift_um)
    return PlacedSpots(position, spots.diameter_um[rows], numbers[rows], spots.z_error_um[rows])


def _evidence(spots: SpotRecords, rows: Rows) -> SpotEvidence:
    return SpotEvidence(spots.p_real[rows], spots.snr[rows], np.zeros(len(rows)))


def _with_signals(spots: SpotRecords, rows: Rows, pairing: Pairing, taken: int) -> SpotRecords:
    """Give the signals numbers after those of other nuclei of the field; mark doublets anew."""
    signal = np.concatenate([pairing.signal_3p, pairing.signal_5p])
    doublet = np.concatenate([pairing.doublet_3p, pairing.doublet_5p])
    own = SpotFlag.DOUBLET | SpotFlag.UNASSIGNED
    flags = [parse_flags(str(text), SpotFlag) & ~own for text in spots.flags[rows]]
    texts = [
        join_flags(bits | (SpotFlag.DOUBLET if shared else 0), SpotFlag)
        for bits, shared in zip(flags, doublet, strict=True)
    ]
    changed: SpotRecords = put(
        spots, rows, signal_id=np.where(signal > 0, signal + taken, 0),
        flags=np.array(texts, object),
    )  # fmt: skip
    return changed


def _with_patterns(
    nuclei: NucleusRecords, rows: Rows, local: Numbers, pairing: Pairing,
    chances: PatternProbabilities, config: Config,
) -> NucleusRecords:  # fmt: skip
    counts = SignalCounts(pairing, int(local.max(initial=0)), local)
    p = [getattr(chances, name)[local] for name in ("fused", "split", "isolated_3p", "isolated_5p")]
    best = np.maximum.reduce(p)
    bits = np.array(
        [
            parse_flags(str(text), NucleusFlag) & ~FROM_SIGNALS | flag
            for text, flag in zip(nuclei.flags[rows], _signal_flags(counts, config), strict=True)
        ],
        np.int64,
    )
    scorable = (bits & int(EXCLUDING)) == 0
    bits[scorable & (best < CERTAIN)] |= int(NucleusFlag.DOUBTFUL)
    p_fused, p_split, p_3, p_5 = (np.where(scorable, chance, 0.0) for chance in p)
    changed: NucleusRecords = put(
        nuclei, rows, scorable=scorable, pattern=np.where(scorable, counts.patterns(), ""),
        flags=np.array([join_flags(int(value), NucleusFlag) for value in bits], object),
        n_fused=counts.fused, n_3p=counts.three, n_5p=counts.five,
        max_separation_diam=counts.gap_diam, max_separation_um=counts.centre_um,
        p_positive=p_split + p_3, p_fused=p_fused, p_split=p_split,
        p_isolated_3p=p_3, p_isolated_5p=p_5,
    )  # fmt: skip
    return changed


def _signal_flags(counts: SignalCounts, config: Config) -> list[int]:
    flags = []
    for fused, three, five, doublet in zip(
        counts.fused, counts.three, counts.five, counts.has_doublet, strict=True
    ):
        n_3, n_5 = fused + three, fused + five
        rules = [
            (n_3 == 0 and n_5 == 0, NucleusFlag.NO_SIGNAL),
            (n_3 > 0 and n_5 == 0, NucleusFlag.ONLY_3P),
            (n_5 > 0 and n_3 == 0, NucleusFlag.ONLY_5P),
            (max(n_3, n_5) > config.scorable.max_signals, NucleusFlag.TOO_MANY_SIGNALS),
            (max(n_3, n_5) >= GAIN_COPIES, NucleusFlag.GAIN),
            (doublet, NucleusFlag.DOUBLET_3P),
        ]
        flags.append(sum(int(flag) for applies, flag in rules if applies))
    return flags


def _with_spots(
    nuclei: NucleusRecords, rows: Rows, decisive: npt.NDArray[np.int64], spots: SpotRecords,
    ordered: Rows,
) -> NucleusRecords:  # fmt: skip
    """Fill in which spot decides, and the SNR of the dimmest one."""
    numbers = np.concatenate([spots.spot_id[ordered], [0]])
    owner, snr = spots.nucleus_id[ordered], spots.snr[ordered]
    dimmest = [snr[owner == number].min(initial=np.inf) for number in nuclei.nucleus_id[rows]]
    changed: NucleusRecords = put(
        nuclei, rows,
        decisive_spot=np.where(nuclei.scorable[rows], numbers[decisive], 0),
        min_snr=np.where(np.isfinite(dimmest), dimmest, 0.0),
    )  # fmt: skip
    return changed
