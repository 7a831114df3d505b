"""What a scoring run shows: tables for people, one JSON document for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from alkfish.batch.outcomes import Done, Failed, Outcome
from alkfish.cli.options import NOTICE
from alkfish.cli.output import make_table, percent
from alkfish.io.batch_note import read_note
from alkfish.model.result import Call, CaseCall, Caution

RATE_IS_NO_RESULT = (
    "the case is not evaluable: rate, interval and probability describe the nuclei that were "
    "counted and are no result"
)
"""Said wherever figures stand beside a call that could not be made."""

_COLUMNS = ("case", "call", "rate", "positive / counted", "95 % interval", "excluded", "cautions")


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print one row per case, then the details of each, then the notice."""
    console.print(make_table("", _COLUMNS, (_row(outcome) for outcome in outcomes)))
    for outcome in outcomes:
        for line in _details(outcome):
            console.print(line, soft_wrap=True)
    console.print(f"\n[italic]{NOTICE}[/]", soft_wrap=True)


def _row(outcome: Outcome) -> tuple[str, ...]:
    name = outcome.case.case_id
    if not isinstance(outcome, Done):
        return (name, "FAILED", "", "", "", "", "")
    figures, call = outcome.figures, outcome.figures.call
    low, high = call.interval
    counts = call.counts
    called = call.call is not Call.NOT_EVALUABLE
    return (
        name,
        call.call.value,
        percent(call.rate) if called else "-",
        f"{counts.n_positive} / {counts.n_enumerated}",
        f"{100 * low:.1f} to {100 * high:.1f} %" if called else "-",
        str(figures.n_nuclei - counts.n_enumerated),
        ", ".join(caution.code for caution in cautions_of(outcome)) or "none",
    )


def cautions_of(outcome: Done) -> tuple[Caution, ...]:
    """Return the cautions of a case: first what a batch noted, then those of the result."""
    return (*read_note(outcome.bundle).cautions, *outcome.figures.call.cautions)


def _details(outcome: Outcome) -> Iterator[str]:
    yield f"\n[bold]{escape(outcome.case.case_id)}[/]"
    if not isinstance(outcome, Done):
        yield "  [red]not scored[/]: see the error above"
        if isinstance(outcome, Failed) and outcome.has_older:
            yield "  [yellow]an older result of the case[/] still lies in the folder of results"
        return
    call = outcome.figures.call
    yield from (f"  {escape(reason)}" for reason in call.reasons)
    yield f"  patterns: {_listing(call.counts.by_pattern())}"
    yield f"  excluded: {_listing(outcome.figures.excluded)}"
    for caution in cautions_of(outcome):
        yield f"  [yellow]caution[/] {escape(caution.code)}: {escape(caution.text)}"
    yield from (f"  [red]{escape(problem)}[/]" for problem in outcome.problems)
    kept = "" if outcome.is_new else f" ({outcome.kept})"
    yield f"  result: {escape(str(outcome.bundle))}{kept}"
    if outcome.report is not None:
        yield f"  report: {escape(str(outcome.report))}"


def _listing(counts: Mapping[str, int]) -> str:
    most_first = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{n} {name}" for name, n in most_first if n) or "none"


def outcome_as_json(outcome: Outcome, path: Path) -> dict[str, Any]:
    """Return one case of the JSON document of ``alkfish score``; its shape is in the CLI docs."""
    head = {"case_id": outcome.case.case_id, "path": str(path)}
    if isinstance(outcome, Failed):
        older = {"has_older_result": outcome.has_older}
        return {**head, "status": "failed", "error": dict(outcome.error), **older}
    if not isinstance(outcome, Done):
        return {**head, "status": "not reached"}
    figures = outcome.figures
    call = replace(figures.call, cautions=cautions_of(outcome))
    return {
        **head,
        "status": "scored" if outcome.is_new else "kept",
        "why": list(outcome.reasons),
        "bundle": str(outcome.bundle),
        "report": "" if outcome.report is None else str(outcome.report),
        "problems": list(outcome.problems),
        **call_as_json(call),
        "n_nuclei": figures.n_nuclei,
        "n_fields": figures.n_fields,
        "excluded": dict(figures.excluded),
        "config_fingerprint": figures.config_fingerprint,
    }


def call_as_json(call: CaseCall) -> dict[str, Any]:
    """Return a call as JSON values; without one, the reasons say that the rate is no result."""
    evaluable = call.call is not Call.NOT_EVALUABLE
    return {
        "call": call.call.value,
        "rate": call.rate,
        "n_positive": call.counts.n_positive,
        "n_enumerated": call.counts.n_enumerated,
        "counts": call.counts.by_pattern(),
        "interval": list(call.interval),
        "p_positive": call.p_positive,
        "reasons": [*call.reasons, *(() if evaluable else (RATE_IS_NO_RESULT,))],
        "cautions": [{"code": item.code, "text": item.text} for item in call.cautions],
    }
