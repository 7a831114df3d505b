"""The exit codes of the command line, frozen: scripts rely on them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the exit code of a command says."""

    OK = 0
    """Everything was done; every case was scored."""
    CASE_FAILED = 1
    """At least one case could not be scored, the others were; or an unexpected error."""
    USAGE = 2
    """A usage or input error; nothing was scored."""
    CONTROL_FAILED = 3
    """A control slide of the batch does not show what it must; cases were scored."""
    SAME_PICTURE = 4
    """Two cases have the same picture, perhaps a sample mix-up; cases were scored."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C; finished cases are kept, nothing is half-written."""
