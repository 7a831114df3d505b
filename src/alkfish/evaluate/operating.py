"""The operating curve: sensitivity and specificity against the separation rule.

The rule decides most calls, and its wording can be read in three measures (clinical-rules 9).
Each curve pairs the same spots again under a range of limits and compares the patterns with what
the simulated nuclei and cases are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.evaluate.patterns import Share
from alkfish.model.probe import CaseRule, ProbeEnd, SeparationMeasure, SeparationRule
from alkfish.model.result import Call, PatternCounts
from alkfish.model.signals import NucleusRecords, Pattern, SpotRecords
from alkfish.score.case_rule import call_counts
from alkfish.score.pairing import (
    FUSED,
    UNPAIRED_3P,
    UNPAIRED_5P,
    PlacedSpots,
    pair_signals,
)  # fmt: skip
from alkfish.score.pattern import classify_pattern, has_both_ends

DEFAULT_LIMITS = {
    SeparationMeasure.GAP_DIAMETERS: tuple(0.25 * k for k in range(1, 17)),
    SeparationMeasure.CENTRE_DIAMETERS: tuple(0.25 * k for k in range(4, 21)),
    SeparationMeasure.CENTRE_UM: tuple(round(0.2 * k, 1) for k in range(2, 17)),
}
"""Limits drawn for each measure."""

FIGURES = ("sensitivity", "specificity", "case_sensitivity", "case_specificity")
"""Figures of a point, as named in JSON and CSV."""

_FIELD_APART_UM = 1e6


@dataclass(frozen=True, eq=False)
class OperatingCase:
    """Spots and nuclei of a case, true or found, with what its nuclei are.

    Attributes
    ----------
    nuclei : NucleusRecords
        Only those with ``scorable`` set take part.
    spots : SpotRecords
        Spots of all fields.
    rearranged : ndarray of bool, shape (N,)
        Per row of `nuclei`: carries a rearranged allele.
    is_positive : bool
        What the case is.
    pixel_size_um : float
        Width of a pixel.
    shift_um : tuple of float
        y, x by which the 5' positions are shifted; taken back before pairing.
    separation : SeparationRule
        The rule it was scored with.
    case_rule : CaseRule
        Figures of the call.
    doublet_gap_diam : float
        As in `alkfish.config.ScoreConfig`.
    """

    nuclei: NucleusRecords
    spots: SpotRecords
    rearranged: npt.NDArray[np.bool_]
    is_positive: bool
    pixel_size_um: float
    shift_um: tuple[float, float] = (0.0, 0.0)
    separation: SeparationRule = field(default_factory=SeparationRule)
    case_rule: CaseRule = field(default_factory=CaseRule)
    doublet_gap_diam: float = 1.0

    def __post_init__(self) -> None:
        if len(self.rearranged) != len(self.nuclei):
            raise InputError(
                "one reference value per nucleus is needed",
                found=f"{len(self.rearranged)} for {len(self.nuclei)} nuclei",
            )


@dataclass(frozen=True)
class OperatingPoint:
    """Performance of one limit, per nucleus and per case.

    Case figures count only evaluable cases: a case that is never called is no error of the rule.
    """

    limit: float
    sensitivity: Share
    specificity: Share
    case_sensitivity: Share
    case_specificity: Share


@dataclass(frozen=True)
class OperatingCurve:
    """Points of one measure, in the order of their limits."""

    measure: SeparationMeasure
    points: tuple[OperatingPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the curve as plain values."""
        return {
            "measure": self.measure.value,
            "points": [
                {"limit": point.limit, **{name: getattr(point, name).to_dict() for name in FIGURES}}
                for point in self.points
            ],
        }


def operating_curve(
    cases: Sequence[OperatingCase], *, measure: SeparationMeasure, limits: Sequence[float] = ()
) -> OperatingCurve:
    """Compute sensitivity and specificity for a range of limits.

    Parameters
    ----------
    cases : sequence of OperatingCase
        Positive and negative cases; may be empty.
    measure : SeparationMeasure
        What the limit is compared with.
    limits : sequence of float
        Limits in the unit of the measure; if empty, `DEFAULT_LIMITS` and the limits that cases were
        scored with.

    Returns
    -------
    OperatingCurve
        One point per limit, ascending.
    """
    used = {case.separation.limit for case in cases if case.separation.measure is measure}
    points = []
    for limit in sorted(limits or {*DEFAULT_LIMITS[measure], *used}):
        rule = SeparationRule(measure, limit)
        points.append(_point(limit, cases, [read_patterns(case, rule) for case in cases]))
    return OperatingCurve(measure, tuple(points))


def operating_curves(cases: Sequence[OperatingCase]) -> tuple[OperatingCurve, ...]:
    """Compute the curve of each measure over its `DEFAULT_LIMITS`."""
    return tuple(operating_curve(cases, measure=measure) for measure in SeparationMeasure)


def separation_used(cases: Sequence[OperatingCase]) -> SeparationRule:
    """Return the rule that all cases were scored with; the default without cases.

    Raises
    ------
    InputError
        If it differs between cases: one curve cannot show where they lie.
    """
    rules = {case.separation for case in cases}
    if len(rules) > 1:
        texts = sorted(f"{rule.measure.value} {rule.limit:g}" for rule in rules)
        raise InputError(
            "the cases were scored with different separation rules",
            found=", ".join(texts),
            remedy="evaluate the cases of each probe profile by themselves",
        )
    return rules.pop() if rules else SeparationRule()


def read_patterns(case: OperatingCase, rule: SeparationRule) -> npt.NDArray[np.object_]:
    """Return the pattern of each nucleus under `rule`; empty if it cannot be scored."""
    owner = _owner_rows(case)
    three, five = (_placed(case, owner, end) for end in ProbeEnd)
    gap = case.doublet_gap_diam
    signals = pair_signals(three, five, rule=rule, doublet_gap_diam=gap).signals
    count = np.zeros((len(case.nuclei) + 1, 3), np.int64)
    for column, kind in enumerate((FUSED, UNPAIRED_3P, UNPAIRED_5P)):
        np.add.at(count[:, column], signals.nucleus_id[signals.kind == kind], 1)
    patterns = np.full(len(case.nuclei), "", dtype=object)
    for row in np.flatnonzero(case.nuclei.scorable):
        fused, lone_3p, lone_5p = (int(n) for n in count[row + 1])
        if has_both_ends(n_fused=fused, n_3p=lone_3p, n_5p=lone_5p):
            pattern = classify_pattern(n_fused=fused, n_3p=lone_3p, n_5p=lone_5p)
            patterns[row] = pattern.value
    return patterns


def _owner_rows(case: OperatingCase) -> npt.NDArray[np.int32]:
    """Return for each spot the row of its nucleus plus 1; 0 for none: unique over fields."""
    keys = zip(case.nuclei.fov, case.nuclei.nucleus_id.tolist(), strict=True)
    rows = {key: row + 1 for row, key in enumerate(keys)}
    spots = zip(case.spots.fov, case.spots.nucleus_id.tolist(), strict=True)
    return np.array([rows.get(key, 0) for key in spots], dtype=np.int32)


def _placed(case: OperatingCase, owner: npt.NDArray[np.int32], end: ProbeEnd) -> PlacedSpots:
    chosen = case.spots.end == end.value
    position = np.stack([case.spots.y_px[chosen], case.spots.x_px[chosen]], axis=1)
    position = position * case.pixel_size_um
    # Fields lie over one another in pixels: apart, no spot meets those of other fields.
    position[:, 0] += np.unique(case.spots.fov[chosen], return_inverse=True)[1] * _FIELD_APART_UM
    if end is ProbeEnd.FIVE_PRIME:
        position = position - np.asarray(case.shift_um)
    return PlacedSpots(position, case.spots.diameter_um[chosen], owner[chosen])


def _point(
    limit: float, cases: Sequence[OperatingCase], read: Sequence[npt.NDArray[np.object_]]
) -> OperatingPoint:
    positive = [p.value for p in Pattern if p.is_positive]
    truth = np.concatenate([np.empty(0, np.bool_), *(case.rearranged for case in cases)])
    patterns = np.concatenate([np.empty(0, object), *read])
    scored, found = patterns != "", np.isin(patterns.astype(str), positive)
    calls = [
        call_counts(PatternCounts.from_patterns(texts), case.case_rule)[0]
        for texts, case in zip(read, cases, strict=True)
    ]
    called = {
        side: [
            call for call, case in zip(calls, cases, strict=True)
            if case.is_positive is side and call is not Call.NOT_EVALUABLE
        ]
        for side in (True, False)
    }  # fmt: skip
    return OperatingPoint(
        limit,
        Share(int((found & truth & scored).sum()), int((truth & scored).sum())),
        Share(int((~found & ~truth & scored).sum()), int((~truth & scored).sum())),
        Share(called[True].count(Call.POSITIVE), len(called[True])),
        Share(called[False].count(Call.NEGATIVE), len(called[False])),
    )
