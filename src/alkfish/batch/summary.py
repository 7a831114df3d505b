"""The summary of a batch: one row per case, as a table and as a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from alkfish.batch.controls import ControlCheck, control_caution
from alkfish.batch.outcomes import Done, Failed, Outcome
from alkfish.batch.reviews import NOT_REVIEWED, ReviewNote
from alkfish.errors import output_errors
from alkfish.model.result import Call
from alkfish.report.summary import SummaryRow, render_summary, reports_are_installed
from alkfish.report.wording import CALL_WORDS, interval_text, percent_of

CSV_NAME, HTML_NAME = "summary.csv", "summary.html"

COLUMNS = (
    "case_id", "status", "call", "rate_percent", "interval_low_percent", "interval_high_percent",
    "n_positive", "n_counted", "n_nuclei", "n_fields", "cautions", "caution_codes", "control",
    "control_passed", "probe", "lot", "block", "notes", "review", "reason", "report", "bundle",
    "version", "config_fingerprint", "result_fingerprint", "scored",
)  # fmt: skip
"""Columns of ``summary.csv``; new ones are added at the end."""

OLDER_RESULT = "The folder of results still holds an older result of this case."


def write_summary(
    out: Path,
    outcomes: Sequence[Outcome],
    checks: Sequence[ControlCheck],
    reviews: Mapping[str, ReviewNote],
    *,
    lab_name: str = "",
) -> None:
    """Write ``summary.csv`` and, if the extra ``report`` is installed, ``summary.html``.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    _write(out / CSV_NAME, summary_csv(out, outcomes, checks, reviews))
    if reports_are_installed():
        rows = [_row(out, outcome, checks, reviews) for outcome in outcomes]
        failures = [f"{item.case.case_id}: {item.text}" for item in checks if not item.passed]
        page = render_summary(
            rows, failed_controls=failures, n_controls=len(checks), lab_name=lab_name
        )
        _write(out / HTML_NAME, page)


def _write(path: Path, text: str) -> None:
    with output_errors("the summary cannot be written", path):
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(path)


def summary_csv(
    out: Path, outcomes: Sequence[Outcome], checks: Sequence[ControlCheck],
    reviews: Mapping[str, ReviewNote],
) -> str:  # fmt: skip
    """Return the table: comma-separated, with a byte order mark so that Excel reads UTF-8."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for outcome in outcomes:
        values = _values(out, outcome, checks, reviews)
        writer.writerow({name: _harmless(value) for name, value in values.items()})
    return "\ufeff" + stream.getvalue()


def _harmless(value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    is_formula = isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r")
    return f"'{value}" if is_formula else value


def _values(
    out: Path, outcome: Outcome, checks: Sequence[ControlCheck], reviews: Mapping[str, ReviewNote]
) -> dict[str, object]:
    case = outcome.case
    values: dict[str, object] = {
        "case_id": case.case_id,
        "status": _status(outcome),
        "control": case.control.value,
        "control_passed": _passed(outcome, checks),
        "probe": case.probe if "/" not in case.probe else Path(case.probe).stem,
        "lot": case.lot,
        "block": case.block,
        "notes": case.notes,
    }
    if isinstance(outcome, Failed):
        return values | {"reason": outcome.reason}
    if not isinstance(outcome, Done):
        return values | {"reason": "not reached: the run was stopped"}
    figures = outcome.figures
    call = figures.call
    if call.call is not Call.NOT_EVALUABLE:
        low, high = call.interval
        values["rate_percent"] = percent_of(
            call.counts, figures.probe.case_rule.positive_percent
        ).removesuffix(" %")
        values["interval_low_percent"] = f"{100 * low:.1f}"
        values["interval_high_percent"] = f"{100 * high:.1f}"
    return values | {
        "call": call.call.value,
        "n_positive": call.counts.n_positive,
        "n_counted": call.counts.n_enumerated,
        "n_nuclei": figures.n_nuclei,
        "n_fields": figures.n_fields,
        "cautions": "; ".join(_cautions(outcome, checks)),
        "caution_codes": " ".join(dict.fromkeys(item.code for item in call.cautions)),
        "probe": figures.probe.name,
        "review": _review_words(outcome, reviews),
        "reason": "; ".join([*outcome.why, *outcome.problems]),
        "report": _link(out, outcome),
        "bundle": outcome.bundle.name,
        "version": figures.version,
        "config_fingerprint": figures.config_fingerprint,
        "result_fingerprint": figures.fingerprint,
        "scored": figures.created,
    }


def _status(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return "scored" if outcome.is_new else "done before"
    return "failed" if isinstance(outcome, Failed) else "not reached"


def _passed(outcome: Outcome, checks: Sequence[ControlCheck]) -> str:
    found = [check for check in checks if check.case.case_id == outcome.case.case_id]
    return "" if not found else "yes" if found[0].passed else "no"


def _cautions(outcome: Done, checks: Sequence[ControlCheck]) -> list[str]:
    """Return the cautions in words: first that of the batch, then those of the result."""
    of_batch = control_caution(outcome.case, checks)
    words = [of_batch] if of_batch else []
    return words + [item.text for item in outcome.figures.call.cautions]


def _review(outcome: Done, reviews: Mapping[str, ReviewNote]) -> ReviewNote:
    return reviews.get(outcome.case.case_id, NOT_REVIEWED)


def _review_words(outcome: Done, reviews: Mapping[str, ReviewNote]) -> str:
    """Return the state of the review, and what people called where they call it otherwise."""
    note = _review(outcome, reviews)
    words = [note.words]
    if note.call:
        words.append(f"called {CALL_WORDS[Call(note.call)]}")
    if note.fingerprint and note.fingerprint != outcome.figures.fingerprint:
        words.append("made on another result than this one")
    return ", ".join(words)


def _link(out: Path, outcome: Done) -> str:
    if outcome.report is None:
        return ""
    return outcome.report.relative_to(out.absolute()).as_posix()


def _row(
    out: Path, outcome: Outcome, checks: Sequence[ControlCheck], reviews: Mapping[str, ReviewNote]
) -> SummaryRow:
    case = outcome.case
    check = next((item for item in checks if item.case.case_id == case.case_id), None)
    values = _values(out, outcome, checks, reviews)
    base = SummaryRow(
        case_id=case.case_id,
        status=_status(outcome),
        probe=str(values["probe"]),
        lot=case.lot,
        block=case.block,
        notes=case.notes,
        control=case.control.value if case.is_control else "",
        control_passed=_passed(outcome, checks),
        control_text="" if check is None else check.text,
        reason=str(values["reason"]),
    )
    if isinstance(outcome, Done):
        return _with_figures(base, out, outcome, checks, reviews)
    older = isinstance(outcome, Failed) and outcome.has_older
    return replace(base, cautions=(OLDER_RESULT,) if older else ())


def _with_figures(
    base: SummaryRow, out: Path, outcome: Done, checks: Sequence[ControlCheck],
    reviews: Mapping[str, ReviewNote],
) -> SummaryRow:  # fmt: skip
    figures = outcome.figures
    call = figures.call
    called = call.call is not Call.NOT_EVALUABLE
    final = reviews.get(outcome.case.case_id, NOT_REVIEWED).call_of(call.call)
    return replace(
        base,
        call=call.call.value,
        overruled=CALL_WORDS[final] if final is not call.call else "",
        rate=percent_of(call.counts, figures.probe.case_rule.positive_percent) if called else "",
        rate_value=call.rate,
        interval=interval_text(call) if called else "",
        n_positive=call.counts.n_positive,
        n_counted=call.counts.n_enumerated,
        cutoff=figures.probe.case_rule.positive_percent,
        low=call.interval[0],
        high=call.interval[1],
        cautions=tuple(_cautions(outcome, checks)),
        review=_review_words(outcome, reviews),
        reason="; ".join(outcome.why),
        problem="; ".join(outcome.problems),
        link=quote(_link(out, outcome)),
    )
