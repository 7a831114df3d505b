"""Progress of a scoring run: fields and slides done, rate, and time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

if TYPE_CHECKING:
    from alkfish.pipeline.slide import SlideProgress

LOG_EVERY_S = 30.0
"""Where there is no terminal, a line is logged this often."""


class _RateColumn(ProgressColumn):
    """Fields per second, or per minute when slow; of slides megapixels of a plane per second."""

    def render(self, task: Task) -> Text:
        """Return the rate of `task`; empty before the first step."""
        speed = task.finished_speed or task.speed
        if not speed:
            return Text("")
        if task.fields["unit"] == "px":
            return Text(f"{speed / 1e6:.1f} MPix/s")
        return Text(f"{speed:.1f} fields/s" if speed >= 1 else f"{60 * speed:.1f} fields/min")


class FieldProgress:
    """Progress bars on standard error: one over the fields of all cases, one for a slide.

    Where standard error is no terminal, slides log a line now and then.

    Parameters
    ----------
    total : int
        Number of fields of all cases.
    enabled : bool
        False switches everything off, as ``--json`` does.
    """

    def __init__(self, total: int, *, enabled: bool) -> None:
        self._console = Console(stderr=True)
        self._logs = enabled and not self._console.is_terminal
        self._logged = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[done]}", markup=False),
            _RateColumn(),
            TimeRemainingColumn(),
            console=self._console,
            disable=not (enabled and self._console.is_terminal),
            transient=True,
        )
        self._total, self._done = total, 0
        self._task = self._bar.add_task("", total=total, done=f"0/{total} fields", unit="field")
        self._slide: TaskID | None = None
        self._resumed_px = 0

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
        self._done += fields
        done = f"{self._done}/{self._total} fields"
        self._bar.update(self._task, advance=fields, done=done)

    def show_slide(self, name: str, state: SlideProgress) -> None:
        """Show how far a slide is; one that is done counts as a field."""
        done = f"{state.fields_done}/{state.fields_total} tiles, {state.n_nuclei:,} nuclei"
        if self._slide is None:
            # What an earlier run finished must not count as speed.
            self._resumed_px = state.pixels_done
            left = state.pixels_total - state.pixels_done
            self._slide = self._bar.add_task(name, total=left, done=done, unit="px")
        pixels = state.pixels_done - self._resumed_px
        self._bar.update(self._slide, completed=pixels, done=done, description=name)
        finished = state.fields_done == state.fields_total
        if self._logs and (finished or time.monotonic() - self._logged > LOG_EVERY_S):
            self._logged = time.monotonic()
            self._console.print(f"{name}: {done}", markup=False, highlight=False)
        if finished:
            self._bar.remove_task(self._slide)
            self._slide = None
            self.advance()
