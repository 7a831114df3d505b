"""Progress of a scoring run: fields done, rate, and time left."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Fields per second, or per minute when slow."""

    def render(self, task: Task) -> Text:
        """Return the rate of `task`; empty before the first field."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        return Text(f"{speed:.1f} fields/s" if speed >= 1 else f"{60 * speed:.1f} fields/min")


class FieldProgress:
    """Progress bar over fields on standard error; silent when it is no terminal.

    Parameters
    ----------
    total : int
        Number of fields of all cases.
    enabled : bool
        False switches the bar off, as ``--json`` does.
    """

    def __init__(self, total: int, *, enabled: bool) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("fields"),
            _RateColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def begin(self, case_id: str) -> None:
        """Name the case that is being scored."""
        self._bar.update(self._task, description=case_id)

    def advance(self, fields: int = 1) -> None:
        """Count `fields` as done."""
        self._bar.advance(self._task, fields)
