"""The command tree and the one place where errors become messages and exit codes."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from alkfish._version import __version__
from alkfish.cli import (
    audit_command,
    cutoff_command,
    inspect_commands,
    report_command,
    result_commands,
    review_command,
    score_command,
    truth_commands,
    validate_command,
    watch_command,
)
from alkfish.cli.exit_codes import ExitCode
from alkfish.cli.options import DEBUG_KEY, JSON_KEY, NOTICE
from alkfish.errors import AlkfishError


class GuardedGroup(TyperGroup):
    """Command group that turns expected errors into one message and an exit code."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override, unused-ignore]
        """Run the command; errors a user can mend end with `ExitCode.USAGE`."""
        from alkfish.cli.output import print_error, print_json_error, say

        try:
            return super().invoke(ctx)
        except AlkfishError as error:
            print_error(error, debug=ctx.meta.get(DEBUG_KEY, False))
            if ctx.meta.get(JSON_KEY, False):
                print_json_error(error)
            raise typer.Exit(ExitCode.USAGE) from error
        except KeyboardInterrupt as error:
            say(
                "stopped: finished cases are kept, the unfinished one was not written; the same "
                "command goes on with a slide where it was"
            )
            raise typer.Exit(ExitCode.INTERRUPTED) from error


app = typer.Typer(
    name="alkfish",
    cls=GuardedGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Score ALK break-apart FISH: images in, nuclei, signals, patterns and a case call out.\n\n"
        "Start with [bold]alkfish demo[/bold]; then [bold]alkfish info[/bold] and "
        "[bold]alkfish score[/bold] on your own images.\n\n"
        "Exit codes: 0 all done, 1 some case failed, 2 usage or input error, 3 a control slide "
        "failed, 4 two cases have the same picture, 130 stopped."
    ),
    epilog=NOTICE,
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"alkfish {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Hold the options that belong to no single command."""


app.command(rich_help_panel="Score")(score_command.score)
app.command(rich_help_panel="Score")(watch_command.watch)
app.command(rich_help_panel="Score")(inspect_commands.info)
app.command(rich_help_panel="Score")(truth_commands.demo)
app.command(rich_help_panel="Score")(report_command.report)
app.command(rich_help_panel="Score")(result_commands.export)
app.command(rich_help_panel="Review")(review_command.review)
app.command(rich_help_panel="Review")(audit_command.audit)
app.command(rich_help_panel="Validate and calibrate")(validate_command.validate)
app.command(rich_help_panel="Validate and calibrate")(cutoff_command.cutoff)
app.add_typer(inspect_commands.config_app, name="config", rich_help_panel="Settings and probes")
app.add_typer(inspect_commands.probe_app, name="probe", rich_help_panel="Settings and probes")
app.command(rich_help_panel="Simulated truth")(truth_commands.simulate)
app.command(rich_help_panel="Simulated truth")(truth_commands.evaluate)


def main() -> None:
    """Run the command line (entry point of the installed script).

    What escapes the handling of `GuardedGroup` is a defect: it is named as one, without a
    traceback unless ``--debug`` was given, and ends with exit code 1.
    """
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort; the error is printed
        from alkfish.cli.output import print_error

        print_error(error, debug="--debug" in sys.argv)
        sys.exit(ExitCode.CASE_FAILED)
