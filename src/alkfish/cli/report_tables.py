"""What a scoring run shows: tables for people, one JSON document for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from alkfish.cli.batch import Failed, Outcome
from alkfish.cli.options import NOTICE
from alkfish.cli.output import error_as_json, make_table, percent
from alkfish.model.result import Call, CaseCall

_COLUMNS = ("case", "call", "rate", "positive / counted", "95 % interval", "excluded", "cautions")


def print_outcomes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """Print one row per case, then the details of each, then the notice."""
    console.print(make_table("", _COLUMNS, (_row(outcome) for outcome in outcomes)))
    for outcome in outcomes:
        for line in _details(outcome):
            console.print(line, soft_wrap=True)
    console.print(f"\n[italic]{NOTICE}[/]", soft_wrap=True)


def _row(outcome: Outcome) -> tuple[str, ...]:
    if isinstance(outcome, Failed):
        return (outcome.case_id, "FAILED", "", "", "", "", "")
    result = outcome.result
    call = result.call
    low, high = call.interval
    counts = call.counts
    called = call.call is not Call.NOT_EVALUABLE
    return (
        outcome.case_id,
        call.call.value,
        percent(call.rate) if called else "-",
        f"{counts.n_positive} / {counts.n_enumerated}",
        f"{100 * low:.1f} to {100 * high:.1f} %" if called else "-",
        str(len(result.nuclei) - counts.n_enumerated),
        ", ".join(caution.code for caution in call.cautions) or "none",
    )


def _details(outcome: Outcome) -> Iterator[str]:
    yield f"\n[bold]{escape(outcome.case_id)}[/]"
    if isinstance(outcome, Failed):
        yield "  [red]not scored[/]: see the error above"
        return
    call = outcome.result.call
    yield from (f"  {escape(reason)}" for reason in call.reasons)
    yield f"  patterns: {_listing(call.counts.by_pattern())}"
    yield f"  excluded: {_listing(outcome.result.excluded)}"
    for caution in call.cautions:
        yield f"  [yellow]caution[/] {escape(caution.code)}: {escape(caution.text)}"
    yield f"  result: {escape(str(outcome.bundle))}"


def _listing(counts: Mapping[str, int]) -> str:
    most_first = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{n} {name}" for name, n in most_first if n) or "none"


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    """Return one case of the JSON document of ``alkfish score``; its shape is in the CLI docs."""
    head = {"case_id": outcome.case_id, "path": str(outcome.path)}
    if isinstance(outcome, Failed):
        return {**head, "status": "failed", "error": error_as_json(outcome.error)}
    result = outcome.result
    return {
        **head,
        "status": "scored",
        "bundle": str(outcome.bundle),
        **call_as_json(result.call),
        "n_nuclei": len(result.nuclei),
        "n_fields": len(result.fields),
        "excluded": dict(result.excluded),
        "config_fingerprint": result.provenance.config_fingerprint,
    }


def call_as_json(call: CaseCall) -> dict[str, Any]:
    """Return a call as JSON values."""
    return {
        "call": call.call.value,
        "rate": call.rate,
        "n_positive": call.counts.n_positive,
        "n_enumerated": call.counts.n_enumerated,
        "counts": call.counts.by_pattern(),
        "interval": list(call.interval),
        "p_positive": call.p_positive,
        "reasons": list(call.reasons),
        "cautions": [{"code": item.code, "text": item.text} for item in call.cautions],
    }
