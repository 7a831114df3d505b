"""The page of a batch: one row per case, self-contained, sortable, in the look of the reports."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alkfish._version import __version__
from alkfish.model.result import Call
from alkfish.report.page import render_template
from alkfish.report.wording import CALL_WORDS, NOTICE

GLYPHS = {
    Call.POSITIVE.value: "+",
    Call.NEGATIVE.value: "−",
    Call.EQUIVOCAL.value: "?",
    Call.NOT_EVALUABLE.value: "∅",
    "": "×",
}
"""Marks of the calls beside their words and colours; of a failed case the last."""

_ORDER = (Call.POSITIVE.value, Call.EQUIVOCAL.value, Call.NOT_EVALUABLE.value, "",
          Call.NEGATIVE.value)  # fmt: skip
_SCALE = 100
_CLOSED = 2


@dataclass(frozen=True)
class SummaryRow:
    """One case as the page shows it; texts are escaped by the template.

    Attributes
    ----------
    status : str
        scored, done before, failed or not reached.
    call : str
        A value of `Call`; empty without a result.
    overruled : str
        The call of the people in words where it differs; empty where it does not.
    doubts : tuple of str
        In a few words what a reader must see beside the call, not only among the cautions.
    rate_value, low, high : float
        Rate and interval, 0-1.
    cutoff : int
        Per cent.
    profile : str
        Version and beginning of the fingerprint of the probe profile.
    control, control_passed, control_text : str
        Kind of control slide (empty for a patient), ``yes`` or ``no``, and in words.
    reason : str
        Why it failed, or was scored again.
    problem : str
        What else went wrong, as a report that could not be written.
    link : str
        Relative address of the report; empty without one.
    """

    case_id: str
    status: str
    call: str = ""
    overruled: str = ""
    doubts: tuple[str, ...] = ()
    rate: str = ""
    rate_value: float = 0.0
    low: float = 0.0
    high: float = 0.0
    interval: str = ""
    cutoff: int = 0
    n_positive: int = 0
    n_counted: int = 0
    cautions: tuple[str, ...] = ()
    probe: str = ""
    profile: str = ""
    lot: str = ""
    block: str = ""
    notes: str = ""
    control: str = ""
    control_passed: str = ""
    control_text: str = ""
    review: str = ""
    reason: str = ""
    problem: str = ""
    link: str = ""

    @property
    def key(self) -> str:
        """Short name for style sheet and filters."""
        return self.call.lower() or ("waiting" if self.status == "not reached" else "failed")

    @property
    def words(self) -> str:
        """The call in words, or that there is none."""
        return CALL_WORDS[Call(self.call)] if self.call else self.status.upper()

    @property
    def glyph(self) -> str:
        """Mark of the call."""
        return GLYPHS[self.call] if self.key != "waiting" else "…"

    @property
    def rank(self) -> int:
        """Position when sorted by call: what needs a look first."""
        return _ORDER.index(self.call)

    @property
    def bar(self) -> dict[str, str]:
        """Where rate, interval and cut-off lie on a scale from 0 to 100."""
        places = {"low": self.low, "high": self.high, "rate": self.rate_value}
        drawn = {name: f"{_SCALE * value:.1f}" for name, value in places.items()}
        return drawn | {"width": f"{_SCALE * (self.high - self.low):.1f}", "cut": f"{self.cutoff}"}


def reports_are_installed() -> bool:
    """Whether the extra ``report`` is there."""
    return importlib.util.find_spec("jinja2") is not None


@dataclass(frozen=True)
class SummaryHead:
    """What the page says of the batch as a whole.

    Attributes
    ----------
    lab_name : str
        Stands at the head.
    source, folder : str
        Names of the sheet or folder of the cases, and of the folder of results.
    made : str
        When the page was made.
    failed_controls : tuple of str
        Control slides that do not show what they must, in words.
    same_pictures : tuple of str
        Cases that have a picture of another one, in words.
    n_uncovered : int
        Patients' cases without a control slide of each kind, of their probe and lot.
    strangers : tuple of str
        Results in the folder that belong to no case of the batch.
    """

    lab_name: str = ""
    source: str = ""
    folder: str = ""
    made: str = ""
    failed_controls: tuple[str, ...] = ()
    same_pictures: tuple[str, ...] = ()
    n_uncovered: int = 0
    strangers: tuple[str, ...] = ()


def render_summary(rows: Sequence[SummaryRow], head: SummaryHead) -> str:
    """Return the page of a batch.

    Parameters
    ----------
    rows : sequence of SummaryRow
        In the order of the sheet.
    head : SummaryHead
        What is said of the batch as a whole.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    values: dict[str, Any] = {
        "rows": rows,
        "tallies": _tallies(rows),
        "head": head,
        "n_controls": sum(bool(row.control) for row in rows),
        "n_passed": sum(row.control_passed == "yes" for row in rows),
        "n_patients": sum(not row.control for row in rows),
        "n_called": sum(bool(row.call) for row in rows),
        "n_unread": sum(bool(row.call) and row.review == "not reviewed" for row in rows),
        "version": __version__,
        "notice": NOTICE,
        "shown": _CLOSED,
    }
    return render_template(
        "summary.html", values, styles=("report.css", "summary.css"), script="summary.js"
    )


def _tallies(rows: Sequence[SummaryRow]) -> list[tuple[str, str, str, int]]:
    """Return key, mark, words and number of the patients' cases by call, those that occur."""
    patients = [row for row in rows if not row.control]
    counts = Counter((row.key, row.glyph, row.words) for row in patients)
    order = {row.key: row.rank for row in patients}
    return [(*item, n) for item, n in sorted(counts.items(), key=lambda i: order[i[0][0]])]
