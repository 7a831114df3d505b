"""The command ``review``: the review window."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from alkfish.cli.options import READING, DebugOption
from alkfish.errors import InputError


def review(
    results: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Folder of results that `alkfish score` wrote, or OUT/<case>.",
            show_default=False,
        ),
    ],
    reader: Annotated[
        str,
        typer.Option(
            "--reader",
            metavar="NAME",
            help="Who reads. Default: the user of this computer; it can be changed in the window.",
        ),
    ] = "",
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="PATH",
            help="The images of the case. Default: where they were scored. They are compared with "
            "the checksums of the result.",
            rich_help_panel=READING,
        ),
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            "--store",
            metavar="FOLDER|URL",
            help="Where the reviews are kept, a folder or postgresql://user@host/database. "
            "Default: the folder of results.",
        ),
    ] = "",
    debug: DebugOption = False,
) -> None:
    """Review cases in a window: see every nucleus, overrule, read, sign.

    Needs the extra napari of alkfish. Every decision is kept at once.

    [bold]Examples[/]

    alkfish review results

    alkfish review results/case_17 --reader "A. Reader"
    """
    if find_spec("napari") is None or find_spec("qtpy") is None:
        raise InputError(
            "the review window is not installed", remedy='pip install "alkfish[napari]"'
        )
    from alkfish.plugin.launch import run_review

    run_review(results, reader=reader, images=images or "", store=store)
