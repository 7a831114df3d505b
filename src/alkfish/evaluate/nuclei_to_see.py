"""Which nuclei a person should look at to understand why readers and machine disagree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

import numpy as np
import numpy.typing as npt

from alkfish.evaluate.manual_nuclei import JudgedNucleus
from alkfish.model.result import CaseResult
from alkfish.model.signals import Pattern

MAX_NUCLEI = 8

DOUBT_FROM = 0.05
"""A nucleus is in doubt if the other verdict on it is at least so probable."""

Rows = npt.NDArray[np.intp]
Reasoned = tuple[int, str]
"""Row of a nucleus in its table, and why it should be seen."""


@dataclass(frozen=True)
class NucleusToSee:
    """A nucleus that may explain a disagreement: what both say of it, and where it lies.

    Attributes
    ----------
    machine : str
        Pattern by machine; empty: it is not counted.
    p_positive : float
        Probability that it is positive, as the machine tells it.
    manual, reader : str
        Pattern by a reader who judged it otherwise, and who; empty if nobody judged it.
    why : str
        Why it should be seen, in words; empty where a reader judged it.
    """

    fov: str
    nucleus_id: int
    machine: str
    p_positive: float
    manual: str = ""
    reader: str = ""
    why: str = ""


@dataclass(frozen=True)
class Explanation:
    """The nuclei to see, and what must be said of them."""

    nuclei: tuple[NucleusToSee, ...] = ()
    note: str = ""


def judged_otherwise(result: CaseResult, differing: Iterable[JudgedNucleus]) -> Explanation:
    """Return the nuclei that a reader judged otherwise; none if there are none."""
    table = result.nuclei
    row_of = {
        (str(fov), int(number)): row
        for row, (fov, number) in enumerate(zip(table.fov, table.nucleus_id, strict=True))
    }
    nuclei = []
    for item in islice(differing, MAX_NUCLEI):
        chance = float(table.p_positive[row_of[item.fov, item.nucleus_id]])
        nuclei.append(
            NucleusToSee(
                item.fov, item.nucleus_id, item.machine, chance, item.manual, item.reader
            )
        )  # fmt: skip
    return Explanation(tuple(nuclei))


def nuclei_behind_rate(result: CaseResult, *, machine_higher: bool) -> Explanation:
    """Return the nuclei that may have tipped the machine's rate, none of them judged by a reader.

    If its rate is the higher one: its positive nuclei, the most doubtful first. If it is the lower
    one, in turn: negative nuclei that are most likely positive, looser pairs that count as fused,
    3'-5'-3' doublets, and nuclei left out because they show 3' signals only (clinical-rules 1.5).

    Parameters
    ----------
    result : CaseResult
        The scored case.
    machine_higher : bool
        Whether the machine found more positive nuclei than the readers.
    """
    table = result.nuclei
    positive = np.isin(table.pattern.astype(str), [p.value for p in Pattern if p.is_positive])
    counted = np.flatnonzero(table.scorable & (positive == machine_higher))
    chances = table.p_positive[counted]
    in_doubt = (1 - chances if machine_higher else chances) >= DOUBT_FROM
    chosen = _positive(result, counted) if machine_higher else _overlooked(result, counted)
    kind = "positive" if machine_higher else "negative"
    note = "" if in_doubt.any() else f"The machine takes none of its {kind} nuclei for doubtful."
    return Explanation(tuple(_seen(result, row, why) for row, why in chosen), note)


def _seen(result: CaseResult, row: int, why: str) -> NucleusToSee:
    table = result.nuclei
    return NucleusToSee(
        str(table.fov[row]), int(table.nucleus_id[row]), str(table.pattern[row]),
        float(table.p_positive[row]), why=why,
    )  # fmt: skip


def _positive(result: CaseResult, rows: Rows) -> list[Reasoned]:
    order = np.argsort(result.nuclei.p_positive[rows], kind="stable")
    return [(row, "") for row in rows[order][:MAX_NUCLEI].tolist()]


def _overlooked(result: CaseResult, rows: Rows) -> list[Reasoned]:
    """Return negative and excluded nuclei, one of each kind in turn, each nucleus once."""
    kinds = (_likely(result, rows), _loose(result, rows), _doublets(result, rows), _only_3p(result))
    in_turn = chain.from_iterable(zip_longest(*kinds, fillvalue=(-1, "")))
    first: dict[int, str] = {}
    for row, why in in_turn:
        if row >= 0:
            first.setdefault(row, why)
    return list(islice(first.items(), MAX_NUCLEI))


def _likely(result: CaseResult, rows: Rows) -> list[Reasoned]:
    chances = result.nuclei.p_positive[rows]
    order = np.argsort(-chances, kind="stable")
    return [(int(rows[k]), "may be positive") for k in order if chances[k] >= DOUBT_FROM]


def _loose(result: CaseResult, rows: Rows) -> list[Reasoned]:
    """Return nuclei that count as fused, those with the widest gaps first."""
    in_diameters = result.probe.separation.measure.in_diameters
    table, unit = result.nuclei, "diameters" if in_diameters else "um"
    gaps = table.max_separation_diam if in_diameters else table.max_separation_um
    fused = rows[(table.pattern[rows] == Pattern.FUSED.value) & (gaps[rows] > 0)]
    order = fused[np.argsort(-gaps[fused], kind="stable")]
    return [(row, f"widest gap {gaps[row]:.1f} {unit}") for row in order.tolist()]


def _flagged(result: CaseResult, rows: Sequence[int], flag: str) -> Iterator[int]:
    return (row for row in rows if flag in str(result.nuclei.flags[row]).split(";"))


def _doublets(result: CaseResult, rows: Rows) -> list[Reasoned]:
    return [(row, "3'-5'-3' doublet") for row in _flagged(result, rows.tolist(), "doublet_3p")]


def _only_3p(result: CaseResult) -> list[Reasoned]:
    """Return nuclei that are left out for nothing but their lack of 5' signals."""
    flags = result.nuclei.flags
    left_out = np.flatnonzero(~result.nuclei.scorable).tolist()
    found = list(_flagged(result, left_out, "only_3p"))
    found.sort(key=lambda row: len(str(flags[row]).split(";")))
    return [(row, "left out: 3' signals only") for row in found]
