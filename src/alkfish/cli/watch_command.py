"""``alkfish watch``: score what a microscope drops into a folder."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from alkfish.cli.batch_command import errors_as_lines, open_view
from alkfish.cli.options import OUTPUT
from alkfish.cli.running import ScoringOptions, end_with_code, takes_scoring_options

WATCHING = "Watching"


@takes_scoring_options
def watch(
    inbox: Annotated[
        Path,
        typer.Argument(
            metavar="INBOX",
            help="The watched folder; every picture and every folder directly in it is a case.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "-o",
            "--out",
            metavar="OUT",
            help="Folder for the results, outside of INBOX.",
            rich_help_panel=OUTPUT,
        ),
    ],
    settle: Annotated[
        float,
        typer.Option(
            "--settle",
            metavar="SECONDS",
            min=0.0,
            help="A case is complete when names, sizes and times of its files did not change for "
            "this long.",
            rich_help_panel=WATCHING,
        ),
    ] = 30.0,
    poll: Annotated[
        float,
        typer.Option(
            "--poll",
            metavar="SECONDS",
            min=0.1,
            help="Time between two looks into the folder.",
            rich_help_panel=WATCHING,
        ),
    ] = 5.0,
    done_marker: Annotated[
        str,
        typer.Option(
            "--done-marker",
            metavar="ENDING",
            help="A case is complete when a file says so: CASE/.done, or CASE.done beside it, for "
            "the ending .done. Replaces --settle.",
            rich_help_panel=WATCHING,
        ),
    ] = "",
    once: Annotated[
        bool,
        typer.Option(
            "--once",
            help="Score what is complete within the settle time, and end; for cron.",
            rich_help_panel=WATCHING,
        ),
    ] = False,
    negative_control: Annotated[
        list[str] | None,
        typer.Option(
            "--negative-control",
            metavar="PATTERN",
            help="Cases with such names are negative control slides, for example 'NC*'. May be "
            "repeated; capitals do not matter.",
            rich_help_panel=WATCHING,
        ),
    ] = None,
    positive_control: Annotated[
        list[str] | None,
        typer.Option(
            "--positive-control",
            metavar="PATTERN",
            help="Cases with such names are positive control slides, for example 'PC*'.",
            rich_help_panel=WATCHING,
        ),
    ] = None,
    *,
    given: ScoringOptions,
) -> None:
    """Watch a folder and score every case in it once its files are complete.

    [bold]Examples[/]

    alkfish watch inbox -o results

    alkfish watch inbox -o results --done-marker .done --workers 4

    alkfish watch inbox -o results --once --settle 60

    alkfish watch inbox -o results --negative-control 'NC*' --positive-control 'PC*'

    Stop it with Ctrl-C; started again it goes on where it was. Exit codes: 130 stopped; with --once
    0 all scored, 1 some case failed, 3 a control slide failed, 4 two cases have the same picture;
    2 usage or input error.
    """
    from alkfish.batch import WatchOptions, watch_inbox

    controls = tuple(negative_control or ()), tuple(positive_control or ())
    with errors_as_lines(as_json=given.as_json):
        options = given.batch_options(report=True)
        opening = given.executor()
        defaults = given.defaults()
        signal.signal(signal.SIGTERM, _stop)
        with opening as executor, open_view(given) as view:
            result = watch_inbox(
                inbox,
                out,
                executor=executor,
                options=options,
                defaults=defaults,
                watch=WatchOptions(settle, poll, done_marker, once, *controls),
                tell=view,
            )
    end_with_code(result)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does when a service manager asks for it."""
    raise KeyboardInterrupt
