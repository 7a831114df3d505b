"""Which nuclei a report shows: of each pattern the most convincing and the most doubtful."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.result import CaseResult
from alkfish.model.signals import NucleusRecords
from alkfish.report.wording import PATTERN_WORDS, chance_text, flag_meaning, words_of

TELLING_FLAGS = (
    "only_3p", "too_many_signals", "only_5p", "dim_5p", "dim_3p", "clump", "out_of_focus",
    "saturated", "too_large",
)  # fmt: skip
"""Reasons of exclusion that a reader should see examples of, the most telling first."""

INFORMING = {
    "doubtful": "doubtful",
    "doublet_3p": "3'-5'-3' doublet",
    "gain": "copy-number gain",
}

SURE, LEAST, DOUBTFUL = "convincing", "least certain", "doubtful"

SURE_FROM = 0.9
"""Certainty from which a pattern is not called doubtful."""


@dataclass(frozen=True)
class ShownNucleus:
    """One nucleus of the gallery.

    Attributes
    ----------
    row : int
        Row of the nucleus in the table of the case.
    pattern : str
        Its pattern; empty if it is not counted.
    certainty : float
        Estimated probability of its pattern; 0 if it is not counted.
    why : str
        ``convincing``, ``least certain``, ``doubtful``, or the reason of exclusion.
    rank : int
        Place among the shown nuclei of its group, from 0.
    """

    row: int
    pattern: str
    certainty: float
    why: str
    rank: int


def pattern_certainty(nuclei: NucleusRecords) -> npt.NDArray[np.float64]:
    """Return the estimated probability of the pattern that each nucleus was given; 0 without."""
    certainty = np.zeros(len(nuclei))
    for pattern in PATTERN_WORDS:
        rows = nuclei.pattern == pattern
        certainty[rows] = getattr(nuclei, f"p_{pattern.lower()}")[rows]
    return certainty


def choose_nuclei(result: CaseResult, per_pattern: int) -> list[ShownNucleus]:
    """Return the nuclei to show, at most `per_pattern` of each pattern and of those not counted.

    Convincing and doubtful nuclei take turns, so that the first of a group show both ends. Ties
    are broken by SNR, then by the order of the table: the same result shows the same nuclei.

    Parameters
    ----------
    result : CaseResult
        The scored case.
    per_pattern : int
        Most nuclei of each pattern; half as many of those not counted.
    """
    certainty = pattern_certainty(result.nuclei)
    shown = []
    for pattern in PATTERN_WORDS:
        rows = np.flatnonzero(result.nuclei.pattern == pattern)
        order = rows[np.lexsort((-result.nuclei.min_snr[rows], -certainty[rows]))].tolist()
        for rank, (row, end) in enumerate(_both_ends(order, per_pattern)):
            flagged = "doubtful" in str(result.nuclei.flags[row]).split(";")
            why = DOUBTFUL if flagged or certainty[row] < SURE_FROM else end
            shown.append(ShownNucleus(row, pattern, float(certainty[row]), why, rank))
    return shown + _excluded(result.nuclei, per_pattern // 2)


def _both_ends(order: list[int], limit: int) -> list[tuple[int, str]]:
    """Return up to `limit` items of an ordered list, from its head and its tail in turn."""
    n = min(limit, len(order))
    picked: list[tuple[int, str]] = []
    for k in range(n):
        place = k // 2
        picked.append((order[-1 - place], LEAST) if k % 2 else (order[place], SURE))
    return picked


def _excluded(nuclei: NucleusRecords, limit: int) -> list[ShownNucleus]:
    """Return nuclei that are not counted, one per reason in turn, the most telling first."""
    by_reason: dict[str, list[int]] = {name: [] for name in TELLING_FLAGS}
    for row in np.flatnonzero(~nuclei.scorable).tolist():
        reasons = [name for name in TELLING_FLAGS if name in str(nuclei.flags[row]).split(";")]
        if reasons and "border" not in str(nuclei.flags[row]):
            by_reason[reasons[0]].append(row)
    for rows in by_reason.values():
        rows.sort(key=lambda row: (-float(nuclei.dapi_mean[row]), row))
    turns = max((len(rows) for rows in by_reason.values()), default=0)
    picked = [
        (rows[turn], reason)
        for turn in range(turns)
        for reason, rows in by_reason.items()
        if turn < len(rows)
    ]
    return [
        ShownNucleus(row, "", 0.0, flag_meaning(reason), rank)
        for rank, (row, reason) in enumerate(picked[:limit])
    ]


def signals_text(nuclei: NucleusRecords, row: int) -> str:
    """Return the signals of a nucleus in words: ``1 fused, 1 3', 1 5'``."""
    parts = (
        (int(nuclei.n_fused[row]), "fused"),
        (int(nuclei.n_3p[row]), "single 3'"),
        (int(nuclei.n_5p[row]), "single 5'"),
    )
    return ", ".join(f"{n} {name}" for n, name in parts if n) or "no signals"


def describe(result: CaseResult, shown: ShownNucleus) -> str:
    """Return a sentence on a nucleus, for those who cannot see its picture."""
    nuclei, row = result.nuclei, shown.row
    words = words_of(shown.pattern)
    flags = [text for name, text in INFORMING.items() if name in str(nuclei.flags[row]).split(";")]
    parts = [
        f"Nucleus {nuclei.nucleus_id[row]} of {nuclei.fov[row]}: {words.name}",
        signals_text(nuclei, row),
        f"certainty {chance_text(shown.certainty)}" if shown.pattern else shown.why,
        *flags,
    ]
    return "; ".join(parts)
