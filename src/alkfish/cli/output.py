"""What the commands print: messages on standard error, results on standard output.

Only ASCII is written by alkfish itself and Rich falls back to ASCII frames by itself, so that the
output survives any console encoding.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from alkfish._version import __version__
from alkfish.errors import AlkfishError, error_parts


def say(text: str) -> None:
    """Print one line for people on standard error."""
    typer.echo(text, err=True)


def print_error(error: BaseException, *, debug: bool = False) -> None:
    """Print what is wrong, where, and what to do; with `debug` the traceback before it."""
    if debug:
        say("".join(traceback.format_exception(error)))
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    text = str(error) if isinstance(error, AlkfishError) else _defect(error)
    console.print(f"[bold red]error:[/] {escape(text)}")


def _defect(error: BaseException) -> str:
    return (
        f"unexpected {type(error).__name__}: {error}\n"
        "  what to do: run again with --debug and report the traceback"
    )


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document on standard output."""
    typer.echo(json.dumps({"alkfish": __version__, **document}, indent=2))


def print_json_error(error: AlkfishError) -> None:
    """Print the JSON document of a run that could not start."""
    print_json({"error": error_as_json(error)})


def error_as_json(error: BaseException) -> dict[str, Any]:
    """Return an error as JSON values: type, problem, where, found, allowed and remedy."""
    return dict(error_parts(error))


def stdout_console() -> Console:
    """Return a console for results; when standard output is no terminal, lines are 100 wide."""
    return Console(width=None if sys.stdout.isatty() else 100, highlight=False)


def make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Return a Rich table of plain texts whose longer cells fold instead of being cut."""
    table = Table(title=title or None, title_justify="left", title_style="bold")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def percent(share: float) -> str:
    """Return a share of 0-1 as a percentage with one decimal."""
    return f"{100 * share:.1f} %"
