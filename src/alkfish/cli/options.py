"""Options and texts that several commands share, written once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

NOTICE = (
    "Research use only. alkfish proposes a call; a qualified person must review the nuclei and "
    "sign."
)

DEBUG_KEY = "alkfish.debug"
JSON_KEY = "alkfish.json"

READING = "Reading the images"
SETTINGS = "Settings"
OUTPUT = "Output"
SLIDE = "Whole slides"
WORK = "Spreading the work"
BATCH = "Batches and reports"


def _remember(key: str) -> Callable[[typer.Context, bool], bool]:
    """Return a callback that keeps a switch where the error handler of the group finds it."""

    def store(ctx: typer.Context, value: bool) -> bool:
        ctx.meta[key] = value
        return value

    return store


ProbeOption = Annotated[
    str,
    typer.Option(
        "--probe",
        metavar="NAME|FILE",
        help="Probe profile: a shipped name (see 'alkfish probe list') or a TOML file.",
        rich_help_panel=SETTINGS,
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings file (TOML); settings not named keep their defaults.",
        rich_help_panel=SETTINGS,
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="STAGE.KEY=VALUE",
        help="Change one setting, for example detect.min_snr=7. May be repeated.",
        rich_help_panel=SETTINGS,
    ),
]
ChannelsOption = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="ROLE=INDEX,...",
        help="Roles of the channels, counted from 0: dapi=0,red=1,green=2. "
        "Default: from the channel names of the file; never guessed.",
        rich_help_panel=READING,
    ),
]
PixelSizeOption = Annotated[
    float | None,
    typer.Option(
        "--pixel-size-um",
        metavar="UM",
        help="Width of a pixel in micrometres. Default: from the file; never guessed.",
        rich_help_panel=READING,
    ),
]
ZStepOption = Annotated[
    float | None,
    typer.Option(
        "--z-step-um",
        metavar="UM",
        help="Distance of the planes of a focus stack in micrometres. Default: from the file; a "
        "stack without it is projected.",
        rich_help_panel=READING,
    ),
]
SceneOption = Annotated[
    str | None,
    typer.Option(
        "--scene",
        metavar="NAME|NUMBER",
        help="Scene (series) of a file with several, by name or counted from 0.",
        rich_help_panel=READING,
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        metavar="N",
        min=1,
        help="Processes on this computer that share the work; changes no result.",
        rich_help_panel=WORK,
    ),
]
SchedulerOption = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Work on the Dask cluster of this scheduler, for example tcp://10.0.0.5:8786; not "
        "together with --workers.",
        rich_help_panel=WORK,
    ),
]
RoiOption = Annotated[
    Path | None,
    typer.Option(
        "--roi",
        metavar="FILE|FOLDER",
        help="Count only nuclei within the outlined areas (GeoJSON, QuPath's export); the others "
        "are kept and flagged. For several cases a folder with one <case>.geojson each.",
        rich_help_panel=SLIDE,
    ),
]
RoiIncludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--roi-include",
        metavar="CLASS",
        help="Use only areas of this class. May be repeated. Default: all that are not excluded.",
        rich_help_panel=SLIDE,
    ),
]
RoiExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--roi-exclude",
        metavar="CLASS",
        help="Leave out areas of this class, too. May be repeated. Always left out: Ignore*, "
        "Exclude, Necrosis, Artefact.",
        rich_help_panel=SLIDE,
    ),
]
TileFieldsOption = Annotated[
    int,
    typer.Option(
        "--tile-fields",
        metavar="N",
        min=1,
        help="Fields per side of the tiles that are handed to the workers; changes no result.",
        rich_help_panel=WORK,
    ),
]
ManifestOption = Annotated[
    Path | None,
    typer.Option(
        "--manifest",
        metavar="FILE|FOLDER",
        help="Score a batch: a sheet of cases (CSV or Excel; columns in the documentation), or a "
        "folder with one folder or picture per case. What is done and intact is kept.",
        rich_help_panel=BATCH,
    ),
]
ReportOption = Annotated[
    bool | None,
    typer.Option(
        "--report/--no-report",
        help="Write the report of each case into its folder. Default: yes with --manifest and "
        "watch; for paths if --pdf or --lab-name is given.",
        rich_help_panel=BATCH,
    ),
]
PdfOption = Annotated[
    bool,
    typer.Option("--pdf", help="Reports as PDF, too.", rich_help_panel=BATCH),
]
LabNameOption = Annotated[
    str,
    typer.Option(
        "--lab-name",
        metavar="TEXT",
        help="Name of the laboratory on reports and summary.",
        rich_help_panel=BATCH,
    ),
]
OverwriteOption = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace existing results.", rich_help_panel=OUTPUT),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document on standard output and nothing else there; a batch prints "
        "one event per line.",
        callback=_remember(JSON_KEY),
        rich_help_panel=OUTPUT,
    ),
]
DebugOption = Annotated[
    bool,
    typer.Option(
        "--debug",
        help="Print the full traceback of every error.",
        callback=_remember(DEBUG_KEY),
        rich_help_panel=OUTPUT,
    ),
]
