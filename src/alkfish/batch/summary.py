"""The summary of a batch: one row per case, as a table and as a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from alkfish.batch.cases import BatchCase
from alkfish.batch.knowledge import BatchKnowledge
from alkfish.batch.outcomes import Done, Failed, Figures, Outcome
from alkfish.batch.reviews import NOT_REVIEWED, ReviewNote
from alkfish.errors import AlkfishError, output_errors
from alkfish.io.batch_note import CONTROL_FAILED, SAME_PICTURE
from alkfish.io.bundle import RESULT, folder_key, same_name
from alkfish.io.fingerprint import probe_fingerprint
from alkfish.io.provenance import timestamp
from alkfish.model.result import Call
from alkfish.report.summary import SummaryHead, SummaryRow, render_summary, reports_are_installed
from alkfish.report.wording import CALL_WORDS, interval_text, percent_of

CSV_NAME, HTML_NAME = "summary.csv", "summary.html"

COLUMNS = (
    "case_id", "status", "call", "rate_percent", "interval_low_percent", "interval_high_percent",
    "n_positive", "n_counted", "n_nuclei", "n_fields", "cautions", "caution_codes", "control",
    "control_passed", "probe", "lot", "block", "notes", "review", "reason", "report", "bundle",
    "version", "config_fingerprint", "result_fingerprint", "scored", "probe_version",
    "probe_fingerprint",
)  # fmt: skip
"""Columns of ``summary.csv``; new ones are added at the end."""

DOUBTS = {
    SAME_PICTURE: "same picture as another case",
    CONTROL_FAILED: "control slide failed",
    "borderline": "borderline",
}
"""Cautions, by code, that the page also shows in a few words beside the call."""

_PATHS = frozenset({"report", "bundle"})

OLDER_RESULT = "The folder of results still holds an older result of this case."


def write_summary(
    out: Path,
    outcomes: Sequence[Outcome],
    reviews: Mapping[str, ReviewNote],
    *,
    lab_name: str = "",
    source: str = "",
    known: BatchKnowledge | None = None,
) -> None:
    """Write ``summary.csv`` and, if the extra ``report`` is installed, ``summary.html``.

    Parameters
    ----------
    out : Path
        Folder of the results.
    outcomes : sequence of Done, Failed or Waiting
        In the order of the sheet.
    reviews : mapping of str to ReviewNote
        State of the reviews by case id.
    lab_name, source : str
        Laboratory, and name of sheet or folder of the cases; they stand at the head of the page.
    known : BatchKnowledge, optional
        What the batch knows of its cases; that of the outcomes by default.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    known = known or BatchKnowledge.of(outcomes)
    _write(out / CSV_NAME, summary_csv(out, outcomes, reviews, known))
    if reports_are_installed():
        rows = [_row(out, outcome, known, reviews) for outcome in outcomes]
        made = datetime.fromisoformat(timestamp()).strftime("%Y-%m-%d %H:%M UTC")
        head = SummaryHead(
            lab_name=lab_name,
            source=source,
            folder=out.absolute().name,
            made=made,
            failed_controls=tuple(
                f"{item.case.case_id}: {item.text}" for item in known.checks if not item.passed
            ),
            same_pictures=tuple(
                f"{item.case.case_id}: {text}"
                for item in outcomes
                for text in _texts(known, item, SAME_PICTURE)
            ),
            n_uncovered=sum(bool(known.missing_controls(item.case)) for item in outcomes),
            strangers=strangers(out, [item.case for item in outcomes]),
        )
        page = render_summary(rows, head)
        _write(out / HTML_NAME, page)


def _write(path: Path, text: str) -> None:
    with output_errors("the summary cannot be written", path):
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(path)


def summary_csv(
    out: Path, outcomes: Sequence[Outcome], reviews: Mapping[str, ReviewNote],
    known: BatchKnowledge | None = None,
) -> str:  # fmt: skip
    """Return the table: comma-separated, with a byte order mark so that Excel reads UTF-8."""
    known = known or BatchKnowledge.of(outcomes)
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for outcome in outcomes:
        values = _values(out, outcome, known, reviews)
        writer.writerow({name: _harmless(name, value) for name, value in values.items()})
    return "\ufeff" + stream.getvalue()


def _harmless(name: str, value: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers and paths stay what they are.

    A path begins with ``./`` then, a text with an apostrophe.
    """
    if not isinstance(value, str) or value[:1] not in ("=", "+", "-", "@", "\t", "\r"):
        return value
    return f"./{value}" if name in _PATHS else f"'{value}"


def strangers(out: Path, cases: Sequence[BatchCase]) -> tuple[str, ...]:
    """Return the names of results in a folder that belong to no case of the batch."""
    own = {_key(case) for case in cases}
    names = sorted(item.parent.name for item in out.glob(f"*/{RESULT}"))
    return tuple(name for name in names if not name.startswith(".") and same_name(name) not in own)


def _values(
    out: Path, outcome: Outcome, known: BatchKnowledge, reviews: Mapping[str, ReviewNote]
) -> dict[str, object]:
    case = outcome.case
    values: dict[str, object] = {
        "case_id": case.case_id,
        "status": _status(outcome),
        "control": case.control.value,
        "control_passed": _passed(outcome, known),
        "probe": case.probe if "/" not in case.probe else Path(case.probe).stem,
        "lot": case.lot,
        "block": case.block,
        "notes": case.notes,
    }
    if isinstance(outcome, Failed):
        return values | _values_of_failed(outcome, known)
    if not isinstance(outcome, Done):
        return values | {"reason": "not reached: the run was stopped"}
    return values | _values_of_call(outcome, known) | {
        "review": _review_words(outcome, reviews),
        "reason": "; ".join([*outcome.reasons, *outcome.problems]),
        "report": _link(out, outcome),
        "bundle": outcome.bundle.name,
        **_values_of_origin(outcome.figures),
    }  # fmt: skip


def _values_of_failed(outcome: Failed, known: BatchKnowledge) -> dict[str, object]:
    older = [OLDER_RESULT] if outcome.has_older else []
    return {
        "reason": "; ".join([outcome.reason, *older]),
        "cautions": "; ".join(_cautions(outcome, known)),
        "caution_codes": " ".join(item.code for item in known.note(outcome.case).cautions),
    }


def _values_of_call(outcome: Done, known: BatchKnowledge) -> dict[str, object]:
    """Return call and figures; rate and interval only where a call may be made."""
    figures, call = outcome.figures, outcome.figures.call
    rates: dict[str, object] = {}
    if call.call is not Call.NOT_EVALUABLE:
        cutoff = figures.probe.case_rule.positive_percent
        rates["rate_percent"] = percent_of(call.counts, cutoff).removesuffix(" %")
        for name, end in zip(("low", "high"), call.interval, strict=True):
            rates[f"interval_{name}_percent"] = f"{100 * end:.1f}"
    return rates | {
        "call": call.call.value,
        "n_positive": call.counts.n_positive,
        "n_counted": call.counts.n_enumerated,
        "n_nuclei": figures.n_nuclei,
        "n_fields": figures.n_fields,
        "cautions": "; ".join(_cautions(outcome, known)),
        "caution_codes": " ".join(_codes(outcome, known)),
    }


def _values_of_origin(figures: Figures) -> dict[str, object]:
    """Return what the result was made with."""
    return {
        "version": figures.version,
        "config_fingerprint": figures.config_fingerprint,
        "result_fingerprint": figures.fingerprint,
        "scored": figures.created,
        "probe": figures.probe.name,
        "probe_version": figures.probe.version,
        "probe_fingerprint": probe_fingerprint(figures.probe),
    }


def _key(case: BatchCase) -> str:
    try:
        return folder_key(case.case_id)
    except AlkfishError:  # its id names no folder
        return ""


def _status(outcome: Outcome) -> str:
    if isinstance(outcome, Done):
        return "scored" if outcome.is_new else "done before"
    return "failed" if isinstance(outcome, Failed) else "not reached"


def _passed(outcome: Outcome, known: BatchKnowledge) -> str:
    found = [check for check in known.checks if check.case.case_id == outcome.case.case_id]
    return "" if not found else "yes" if found[0].passed else "no"


def _cautions(outcome: Outcome, known: BatchKnowledge) -> list[str]:
    """Return the cautions in words: first those of the batch, then those of the result."""
    of_result = outcome.figures.call.cautions if isinstance(outcome, Done) else ()
    return [item.text for item in (*known.note(outcome.case).cautions, *of_result)]


def _codes(outcome: Done, known: BatchKnowledge) -> list[str]:
    """Return the codes of all cautions, each once, those of the batch first."""
    cautions = (*known.note(outcome.case).cautions, *outcome.figures.call.cautions)
    return list(dict.fromkeys(item.code for item in cautions))


def _texts(known: BatchKnowledge, outcome: Outcome, code: str) -> list[str]:
    return [item.text for item in known.note(outcome.case).cautions if item.code == code]


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
    out: Path, outcome: Outcome, known: BatchKnowledge, reviews: Mapping[str, ReviewNote]
) -> SummaryRow:
    case = outcome.case
    check = next((item for item in known.checks if item.case.case_id == case.case_id), None)
    values = _values(out, outcome, known, reviews)
    base = SummaryRow(
        case_id=case.case_id,
        status=_status(outcome),
        probe=str(values["probe"]),
        lot=case.lot,
        block=case.block,
        notes=case.notes,
        control=case.control.value if case.is_control else "",
        control_passed=_passed(outcome, known),
        control_text="" if check is None else check.text,
        reason=outcome.reason if isinstance(outcome, Failed) else str(values["reason"]),
    )
    if isinstance(outcome, Done):
        return _with_figures(base, out, outcome, known, reviews)
    older = isinstance(outcome, Failed) and outcome.has_older
    return replace(base, cautions=(OLDER_RESULT,) if older else ())


def _with_figures(
    base: SummaryRow, out: Path, outcome: Done, known: BatchKnowledge,
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
        doubts=tuple(DOUBTS[code] for code in _codes(outcome, known) if code in DOUBTS),
        rate=percent_of(call.counts, figures.probe.case_rule.positive_percent) if called else "",
        rate_value=call.rate,
        interval=interval_text(call) if called else "",
        n_positive=call.counts.n_positive,
        n_counted=call.counts.n_enumerated,
        cutoff=figures.probe.case_rule.positive_percent,
        profile=f"version {figures.probe.version}, {probe_fingerprint(figures.probe)[:12]}",
        low=call.interval[0],
        high=call.interval[1],
        cautions=tuple(_cautions(outcome, known)),
        review=_review_words(outcome, reviews),
        reason="; ".join(outcome.reasons),
        problem="; ".join(outcome.problems),
        link=quote(_link(out, outcome)),
    )
