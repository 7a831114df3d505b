"""The command ``audit``: the log of a case's review, listed and checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import OUTPUT, DebugOption, JsonOption

if TYPE_CHECKING:
    from alkfish.review import AuditReport, Event


def audit(
    case: Annotated[
        Path,
        typer.Argument(
            metavar="CASE", help="Bundle of the case, OUT/<case>; or its id with --store.",
            show_default=False,
        ),
    ],
    store: Annotated[
        str | None,
        typer.Option(
            "--store", metavar="FOLDER|URL",
            help="Where the log is kept, a folder or postgresql://user@host/database. Default: the "
            "folder that holds the bundle.",
        ),
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            "--head", metavar="HASH",
            help="Hash noted earlier, from a signed report for example: it must still be there.",
        ),
    ] = "",
    quiet: Annotated[
        bool,
        typer.Option("--quiet", help="Do not list the events.", rich_help_panel=OUTPUT),
    ] = False,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:  # fmt: skip
    """List who decided what, when and why, and check that nothing was changed since.

    [bold]Examples[/]

    alkfish audit results/case_17

    alkfish audit case_17 --store postgresql://lab@server/reviews --head 3f9a2c41

    Exit codes: 0 the log holds together, 1 it does not, 2 usage or input error.
    """
    from alkfish.cli.output import print_json, say
    from alkfish.review import open_store, verify

    case_id, folder = _case_id(case), case.absolute().parent
    place = store or str(folder)
    if not store and (other := _elsewhere(folder, case_id)):
        say(f"This is not the whole log: reads are kept in {other}; add --store to see them")
    with open_store(place, create=False) as log:
        report = verify(log, case_id, expected_head=head)
        events = log.events(case_id)
    if as_json:
        print_json(_as_json(report, events))
    else:
        _print(report, () if quiet else events)
    if not report.is_intact:
        raise typer.Exit(ExitCode.CASE_FAILED)


def _elsewhere(folder: Path, case_id: str) -> str:
    """Return the other store that a folder names; an error where it holds no log of its own."""
    from alkfish.errors import StoreError
    from alkfish.review.elsewhere import NOTE, store_elsewhere
    from alkfish.review.store import FILE_NAME

    other = store_elsewhere(folder)
    if other and not (folder / FILE_NAME).exists():
        raise StoreError(
            "the log is not in this folder",
            where=folder,
            found=f"{NOTE}, which names {other}",
            remedy=f"alkfish audit {case_id} --store {other}",
        )
    return other


def _case_id(case: Path) -> str:
    """Return the id that the bundle names; the name as given if there is no bundle."""
    try:
        return str(json.loads((case / "result.json").read_text("utf-8"))["case"])
    except (OSError, ValueError, KeyError, TypeError):
        return case.name


def _print(report: AuditReport, events: tuple[Event, ...]) -> None:
    from alkfish.cli.output import make_table, stdout_console

    console = stdout_console()
    if events:
        columns = ("no.", "when (UTC)", "who", "what", "before", "after", "why", "result")
        console.print(make_table("", columns, (_row(event) for event in events)))
    count = f"{report.case_id}: {report.n_events} event{'' if report.n_events == 1 else 's'}"
    for finding in report.findings:
        place = f"event {finding.seq}" if finding.seq else "the log"
        typer.echo(f"{report.case_id}, {place}: {finding.problem}")
    if not report.n_events:
        typer.echo(f"{count}: nothing was reviewed in this store")
    elif report.is_intact:
        typer.echo(f"{count}: the log holds together; last hash {report.head}")
    else:
        typer.echo(f"{count}: the log does NOT hold together")


def _row(event: Event) -> tuple[str, ...]:
    record = event.record
    what = f"{record.kind} {_short(record.subject)}".strip()
    return (
        str(record.seq), record.at.partition(".")[0], record.reader, what,
        _short(record.before), _short(record.after), record.why, record.result[:8],
    )  # fmt: skip


def _short(payload: str) -> str:
    """Return a payload for people, also one that somebody has damaged."""
    try:
        found = json.loads(payload)
    except ValueError:
        return payload
    if not isinstance(found, dict):
        return payload
    return ", ".join(_part(name, value) for name, value in found.items())


def _part(name: str, value: Any) -> str:
    """Return one value of a payload; of a case scored again what was changed, in words."""
    from alkfish.review import changes_in_words

    if name != "rescored" or not isinstance(value, dict):
        return f"{name} {_plain(value)}"
    try:
        calls = " -> ".join(dict.fromkeys(value["call"]))
        return "; ".join(["scored again", *changes_in_words(value), f"machine's call {calls}"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return f"{name} {_plain(value)}"  # somebody has damaged it


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _as_json(report: AuditReport, events: tuple[Event, ...]) -> dict[str, Any]:
    return {
        "case_id": report.case_id,
        "intact": report.is_intact,
        "n_events": report.n_events,
        "head": report.head,
        "findings": [vars(finding) for finding in report.findings],
        "events": [vars(event.record) for event in events],
    }
