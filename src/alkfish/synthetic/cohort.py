"""A small simulated cohort with known calls: patients' cases, control slides, normal specimens.

It comes with the sheets that a laboratory would write: the cases of a batch, and what two simulated
readers counted. The readers see every pattern rightly but count 50 nuclei each, as people do, so
that their rates differ from the machine's by chance.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.model.probe import CaseRule
from alkfish.model.result import Call, PatternCounts
from alkfish.score.case_rule import call_reads
from alkfish.synthetic.case import describe_case, simulate_case, write_case
from alkfish.synthetic.loci import PatternMix

PIXEL_SIZE_UM = 0.2
SHAPE = (1024, 1024)
_DRAW = 228
"""Seed of what the readers draw; chosen so that chance makes them call one borderline case other
than it is: a disagreement to look at."""

READERS = ("simulated reader 1", "simulated reader 2")

_SPLIT, _ISOLATED = PatternMix(0.95, 0.05, 0.02), PatternMix(0.1, 0.9, 0.02)
_MIXED, _NATIVE = PatternMix(0.5, 0.5, 0.03), PatternMix(0.5, 0.5, 0.01)


@dataclass(frozen=True)
class CohortCase:
    """What is simulated as one case.

    Attributes
    ----------
    positive_fraction : float
        Share of rearranged tumour nuclei.
    control : str
        ``none``, ``negative`` or ``positive``, as in the sheet of a batch.
    is_normal : bool
        Whether it is a normal specimen for the background, and no case of the batch.
    notes : str
        Why it is there.
    """

    case_id: str
    seed: int
    positive_fraction: float
    mix: PatternMix = _SPLIT
    level: str = "typical"
    n_fields: int = 2
    control: str = "none"
    is_normal: bool = False
    notes: str = ""


COHORT: tuple[CohortCase, ...] = (
    CohortCase("control_negative", 901, 0.0, _NATIVE, control="negative", notes="control slide"),
    CohortCase("control_positive", 902, 0.7, control="positive", notes="control slide"),
    CohortCase("lung_01", 911, 0.0, _NATIVE, notes="clearly negative"),
    CohortCase("lung_02", 912, 0.0, _NATIVE, notes="clearly negative"),
    CohortCase("lung_03", 913, 0.02, _NATIVE, notes="negative, some background"),
    CohortCase("lung_04", 914, 0.0, _NATIVE, level="easy", notes="negative, bright signals"),
    CohortCase("lung_05", 915, 0.10, _MIXED, notes="borderline, below the cut-off"),
    CohortCase("lung_06", 916, 0.22, notes="borderline, above the cut-off"),
    CohortCase("lung_07", 917, 0.6, notes="positive, split signals"),
    CohortCase("lung_08", 918, 0.45, notes="positive, split signals"),
    CohortCase("lung_09", 919, 0.5, _ISOLATED, notes="positive, isolated 3' signals"),
    CohortCase("lung_10", 920, 0.75, _MIXED, notes="positive, mixed pattern"),
    CohortCase("lung_11", 921, 0.5, level="hard", n_fields=3, notes="positive, hard to read"),
    CohortCase("lung_12", 922, 0.5, level="failed_five_prime", notes="5' hybridisation failed"),
    *(
        CohortCase(f"normal_{k:02d}", 940 + k, 0.0, _NATIVE, is_normal=True, notes="normal tissue")
        for k in range(1, 9)
    ),
)  # fmt: skip
"""Twelve cases, two control slides, eight normal specimens."""


@dataclass(frozen=True)
class CohortTask:
    """A case to simulate into a folder; it can be sent to a worker."""

    case: CohortCase
    folder: Path


def simulate_cohort_case(task: CohortTask) -> Mapping[str, Any]:
    """Simulate a case of the cohort, write its pictures and truth, and return its known call.

    Returns
    -------
    mapping
        ``case_id``, ``true_call`` and ``true_rate`` by all true patterns, and ``reads``: rows of
        the sheet of manual reads.
    """
    spec = task.case
    case = simulate_case(
        spec.level, seed=spec.seed, n_fields=spec.n_fields, case_id=spec.case_id, mix=spec.mix,
        positive_fraction=spec.positive_fraction, shape=SHAPE, pixel_size_um=PIXEL_SIZE_UM,
    )  # fmt: skip
    write_case(case, task.folder)
    truth = describe_case(case)
    patterns = [str(p) for p in case.nuclei.pattern if p]
    return {
        "case_id": spec.case_id,
        "true_call": truth["true_call"],
        "true_rate": truth["true_rate"],
        "reads": read_by_hand(spec.case_id, patterns),
    }


def read_by_hand(case_id: str, patterns: Sequence[str]) -> list[dict[str, str]]:
    """Return what simulated readers write down: 50 nuclei each by the two-reader rule.

    Both rows carry the call of the rule. A case with too few nuclei gets one row, NOT_EVALUABLE.

    Parameters
    ----------
    case_id : str
        The case; the drawn nuclei depend on it and on the patterns alone.
    patterns : sequence of str
        True pattern of every scorable nucleus.
    """
    rule = CaseRule()
    rng = np.random.default_rng([_DRAW, zlib.crc32(case_id.encode())])
    order = rng.permutation(len(patterns))
    drawn = [patterns[place] for place in order]
    size = rule.read_size
    first, second = (
        PatternCounts.from_patterns(drawn[start : start + size]) for start in (0, size)
    )
    call, _ = call_reads(first, None, rule=rule)
    counts = [first]
    if call is Call.EQUIVOCAL:
        call, _ = call_reads(first, second, rule=rule)
        counts.append(second)
    if call is Call.NOT_EVALUABLE:
        counts = [PatternCounts()]
    return [_row(case_id, call, n, who) for n, who in zip(counts, READERS, strict=False)]


def _row(case_id: str, call: Call, counts: PatternCounts, reader: str) -> dict[str, str]:
    n = counts.n_enumerated
    shown = {"n_positive": str(counts.n_positive), "n_counted": str(n)} if n else {}
    blank = {"n_positive": "", "n_counted": ""}
    return {"case_id": case_id, "call": call.value} | blank | shown | {"reader": reader}


def write_batch_sheet(cases: Iterable[CohortCase], images: Path, path: Path) -> Path:
    """Write the sheet of a batch: case, pictures relative to the sheet, lot, control, notes."""
    rows = [
        {
            "case_id": case.case_id,
            "images": (images / case.case_id).relative_to(path.parent).as_posix(),
            "lot": "simulated-lot",
            "control": case.control,
            "notes": f"simulated: {case.notes}",
        }
        for case in cases
    ]
    return _write(path, rows)


def write_manual_sheet(reads: Iterable[Mapping[str, str]], path: Path) -> Path:
    """Write the sheet of manual reads."""
    return _write(path, list(reads))


def _write(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path
