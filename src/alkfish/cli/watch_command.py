"""``alkfish watch``: score what a microscope drops into a folder."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from alkfish.cli.batch_command import (
    BatchArguments,
    end_with_code,
    errors_as_lines,
    open_view,
)
from alkfish.cli.options import (
    OUTPUT,
    ChannelsOption,
    ConfigOption,
    DebugOption,
    JsonOption,
    LabNameOption,
    OverwriteOption,
    PdfOption,
    PixelSizeOption,
    ProbeOption,
    ReportOption,
    SceneOption,
    SchedulerOption,
    SetOption,
    TileFieldsOption,
    WorkersOption,
    ZStepOption,
)

WATCHING = "Watching"


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
    probe: ProbeOption = "vysis-alk",
    config: ConfigOption = None,
    settings: SetOption = None,
    channels: ChannelsOption = None,
    pixel_size_um: PixelSizeOption = None,
    z_step_um: ZStepOption = None,
    scene: SceneOption = None,
    workers: WorkersOption = 1,
    scheduler: SchedulerOption = None,
    tile_fields: TileFieldsOption = 1,
    overwrite: OverwriteOption = False,
    report: ReportOption = None,
    pdf: PdfOption = False,
    lab_name: LabNameOption = "",
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Watch a folder and score every case in it once its files are complete.

    [bold]Examples[/]

    alkfish watch inbox -o results

    alkfish watch inbox -o results --done-marker .done --workers 4

    alkfish watch inbox -o results --once --settle 60

    Stop it with Ctrl-C; started again it goes on where it was. Exit codes: 130 stopped; with --once
    0 all scored, 1 some case failed; 2 usage or input error.
    """
    from alkfish.batch import WatchOptions, watch_inbox
    from alkfish.cli.output import say
    from alkfish.cli.score_command import load_config
    from alkfish.execute import keep_freed_memory, open_executor
    from alkfish.preparation import prepare_kernels

    arguments = BatchArguments(
        probe, channels, pixel_size_um, z_step_um, scene, (), (), tile_fields, overwrite,
        report is not False, pdf, lab_name,
    )  # fmt: skip
    with errors_as_lines(as_json=as_json):
        options = arguments.options(load_config(config, settings or []))
        defaults = arguments.defaults()
        prepare_kernels(say)
        keep_freed_memory()
        signal.signal(signal.SIGTERM, _stop)
        with open_executor(workers, scheduler) as executor, open_view(as_json=as_json) as view:
            result = watch_inbox(
                inbox,
                out,
                executor=executor,
                options=options,
                defaults=defaults,
                watch=WatchOptions(settle, poll, done_marker, once),
                tell=view,
            )
    end_with_code(result)


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End as Ctrl-C does when a service manager asks for it."""
    raise KeyboardInterrupt
