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
OverwriteOption = Annotated[
    bool,
    typer.Option("--overwrite", help="Replace existing results.", rich_help_panel=OUTPUT),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON document on standard output and nothing else there.",
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
