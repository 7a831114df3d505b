"""The `alkfish` command: subcommands, progress and exit codes; no scoring logic.

Importing this package loads Typer and nothing heavier, so that ``alkfish --help`` is quick: each
command imports what it needs when it runs.
"""

from __future__ import annotations

from alkfish.cli.app import app, main
from alkfish.cli.exit_codes import ExitCode

__all__ = ["ExitCode", "app", "main"]
