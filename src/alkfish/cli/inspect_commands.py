"""Commands that look without scoring: ``info``, ``config`` and ``probe``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import (
    ChannelsOption,
    ConfigOption,
    DebugOption,
    JsonOption,
    PixelSizeOption,
    ProbeOption,
    SceneOption,
    SetOption,
    ZStepOption,
)
from alkfish.errors import InputError

if TYPE_CHECKING:
    from alkfish.config import Config

config_app = typer.Typer(no_args_is_help=True, help="Show or check the settings of the stages.")
probe_app = typer.Typer(no_args_is_help=True, help="List or show probe profiles.")


def info(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Pictures, folders, or URLs of OME-Zarr.", show_default=False
        ),
    ],
    probe: ProbeOption = "vysis-alk",
    channels: ChannelsOption = None,
    pixel_size_um: PixelSizeOption = None,
    z_step_um: ZStepOption = None,
    scene: SceneOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what would be read: axes, levels, scenes, channels, pixel size, and what is missing.

    [bold]Examples[/]

    alkfish info case_17/

    alkfish info picture.tif --channels dapi=2,red=0,green=1 --pixel-size-um 0.1

    Exit codes: 0 everything can be scored, 1 something is missing, 2 usage or input error.
    """
    from alkfish.cli.info_tables import info_as_json, print_info
    from alkfish.cli.output import print_error, print_json, stdout_console
    from alkfish.cli.running import parse_roles
    from alkfish.io.info import describe
    from alkfish.io.probes import load_probe

    kit, roles = load_probe(probe), parse_roles(channels)
    found, errors = [], []
    for path in paths:
        try:
            found.append(
                describe(
                    path, channels=roles, pixel_size_um=pixel_size_um, z_step_um=z_step_um,
                    scene=scene, probe=kit,
                )
            )  # fmt: skip
        except InputError as error:
            print_error(error, debug=debug)
            errors.append(error)
    if as_json:
        print_json({"paths": [info_as_json(item) for item in found]})
    else:
        print_info(stdout_console(), found)
    if errors and not found:
        raise typer.Exit(ExitCode.USAGE)
    if errors or not all(item.ready for item in found):
        raise typer.Exit(ExitCode.CASE_FAILED)


@config_app.command("show")
def config_show(
    config: ConfigOption = None, settings: SetOption = None, debug: DebugOption = False
) -> None:
    """Print every setting as TOML, with its meaning, unit and range.

    [bold]Example[/]

    alkfish config show > settings.toml
    """
    from alkfish.cli.running import load_config

    typer.echo("\n".join(_commented_toml(load_config(config, settings or []))))


@config_app.command("check")
def config_check(
    config: Annotated[
        Path, typer.Argument(metavar="FILE", help="Settings file (TOML).", show_default=False)
    ],
    settings: SetOption = None,
    debug: DebugOption = False,
) -> None:
    """Check a settings file; every problem is listed, exit code 2.

    [bold]Example[/]

    alkfish config check settings.toml
    """
    from alkfish.cli.running import load_config

    checked = load_config(config, settings or [])
    typer.echo(f"{config}: ok, fingerprint {checked.fingerprint()}")


def _commented_toml(config: Config) -> Iterator[str]:
    from alkfish.config import list_settings

    values = config.model_dump(mode="json")
    stage = ""
    for info in list_settings():
        if info.stage != stage:
            yield f"{chr(10) if stage else ''}[{info.stage}]"
            stage = info.stage
        limits = f"{info.low:g} to {info.high:g}" if info.low is not None else ""
        yield f"# {info.help_text}"
        yield f"# {' '.join(part for part in ('allowed:', limits, info.unit) if part)}"
        yield f"{info.name} = {_toml_literal(values[info.stage][info.name])}"


def _toml_literal(value: object) -> str:
    import tomli_w

    return tomli_w.dumps({"x": value}).partition("=")[2].strip()


@probe_app.command("list")
def probe_list() -> None:
    """List the shipped probe profiles."""
    from alkfish.cli.output import make_table, stdout_console
    from alkfish.io.probes import list_probes

    rows = (
        (
            probe.name,
            probe.title,
            probe.gene,
            probe.three_prime_colour.value,
            probe.five_prime_colour.value,
            "yes" if probe.confirmed else "no: fill and confirm a copy",
        )
        for probe in list_probes()
    )
    columns = ("name", "kit", "gene", "3' end", "5' end", "confirmed")
    stdout_console().print(make_table("", columns, rows))


@probe_app.command("show")
def probe_show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE", help="Shipped name, or a TOML file.", show_default=False
        ),
    ],
    debug: DebugOption = False,
) -> None:
    """Print a probe profile as TOML, ready to copy and change.

    [bold]Example[/]

    alkfish probe show generic-break-apart > my-probe.toml
    """
    from alkfish.io.probes import load_probe, probe_to_toml

    typer.echo(probe_to_toml(load_probe(name)))
