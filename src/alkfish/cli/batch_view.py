"""What a batch shows while it runs: a live view, plain lines, or lines of JSON."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from alkfish.batch.events import Event, EventKind

QUIET_S = 30.0
"""Where there is no terminal, progress within a case is told this often."""

_MAX_NAMES = 4
_STYLES = {
    EventKind.CASE_FAILED: "red",
    EventKind.NOTICE: "yellow",
    EventKind.BATCH_STOPPED: "yellow",
    EventKind.BATCH_FINISHED: "bold",
}
_ENDS = {
    EventKind.CASE_SCORED: "scored",
    EventKind.CASE_KEPT: "done before",
    EventKind.CASE_FAILED: "failed",
}


@dataclass
class _Running:
    """A case that runs: what is told of it, and the shares of it that are done and were at first.

    Shares are from 0 to 1.
    """

    text: str = ""
    done: float = 0.0
    begun_at: float = 0.0

    def go_on(self, event: Event) -> None:
        """Take up how far the case is."""
        n, total = int(event.data.get("done", 0)), int(event.data.get("total", 0))
        share = n / total if total else 0.0
        if not self.text:
            self.begun_at = max(0.0, share - 1 / total) if total else 0.0
        self.text, self.done = event.text, share


class JsonLines:
    """Prints every event as one line of JSON on standard output."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, event: Event) -> None:
        """Print an event."""
        typer.echo(event.as_json())


class BatchView:
    """Shows a batch on standard error: live on a terminal, else one line per event.

    Parameters
    ----------
    console : Console, optional
        Where; standard error if left out.
    debug : bool
        Print the traceback of what failed.
    only_failures : bool
        Show nothing but what failed, and what has to be known.
    """

    def __init__(
        self, console: Console | None = None, *, debug: bool = False, only_failures: bool = False
    ) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._debug, self._only_failures = debug, only_failures
        self._is_live = self._console.is_terminal and not only_failures
        self._counts = dict.fromkeys(_ENDS.values(), 0)
        self._running: dict[str, _Running] = {}
        self._total, self._workers = 0, 1
        self._idle = ""
        self._began = self._quiet_since = time.monotonic()

    def __enter__(self) -> Self:
        if self._is_live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_live:
            self._live.stop()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._count(event)
        if self._is_worth_a_line(event):
            self._print(event)
        if self._is_live:
            self._live.update(self.render())

    def render(self) -> Group:
        """Return the picture of the live view: bar, counts, what runs now."""
        done = sum(self._counts.values())
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=max(1, self._total), completed=done, width=30),
            f"{done} of {self._total} cases",
            ", ".join(f"{n} {words}" for words, n in self._counts.items() if n),
            self._time_left(),
        )
        if self._idle:
            return Group(Text(self._idle, overflow="ellipsis", no_wrap=True))
        names = list(self._running.items())[: max(1, self._workers)]
        shown = ", ".join(
            f"{name} ({state.text})" if state.text else name for name, state in names[:_MAX_NAMES]
        )
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        waiting = "reading the files" if done < self._total else "writing the summary"
        running = f"running: {shown}{more}" if names else waiting
        return Group(bar, Text(running, overflow="ellipsis", no_wrap=True))

    def _count(self, event: Event) -> None:
        self._idle = event.text if event.kind is EventKind.WATCHING else ""
        if event.kind is EventKind.BATCH_STARTED:
            self._total = int(event.data["n_cases"])
            self._workers = int(event.data["n_workers"])
            self._counts = dict.fromkeys(_ENDS.values(), 0)
            self._running.clear()
            self._began = time.monotonic()
        elif event.kind is EventKind.CASE_STARTED:
            self._running[event.case_id] = _Running()
        elif event.kind is EventKind.CASE_PROGRESS:
            self._running.setdefault(event.case_id, _Running()).go_on(event)
        elif event.kind in _ENDS:
            self._running.pop(event.case_id, None)
            self._counts[_ENDS[event.kind]] += 1

    def _is_worth_a_line(self, event: Event) -> bool:
        if self._only_failures:
            return event.kind in (EventKind.CASE_FAILED, EventKind.NOTICE)
        if event.kind is EventKind.CASE_STARTED:
            return not self._is_live or bool(event.data.get("why"))
        if event.kind is not EventKind.CASE_PROGRESS:
            return True
        if self._is_live or time.monotonic() - self._quiet_since < QUIET_S:
            return False
        self._quiet_since = time.monotonic()
        return True

    def _print(self, event: Event) -> None:
        words = escape(f"{event.case_id}: {event.text}" if event.case_id else event.text)
        style = _STYLES.get(event.kind, "")
        if event.kind is EventKind.CASE_FAILED:
            words = f"FAILED {words}"
        elif event.kind is EventKind.CONTROL_CHECKED:
            style = "" if event.data.get("passed") else "bold red"
            words = f"control {words}"
        if self._debug and event.cause is not None:
            trace = "".join(traceback.format_exception(event.cause))
            self._console.print(trace, markup=False, soft_wrap=True)
        self._console.print(f"[{style}]{words}[/]" if style else words, soft_wrap=True)

    def _time_left(self) -> str:
        """Return how long the rest takes if it goes on as it went; empty before there is a pace.

        Of a case that runs counts what was done of it since it began: what an earlier run had
        finished is no pace.
        """
        shares = self._running.values()
        made = self._counts["scored"] + sum(share.done - share.begun_at for share in shares)
        left = self._total - sum(self._counts.values()) - sum(share.done for share in shares)
        if made <= 0 or left <= 0:
            return ""
        seconds = int((time.monotonic() - self._began) / made * left)
        hours, minutes = seconds // 3600, seconds // 60 % 60
        return f"{hours}:{minutes:02}:{seconds % 60:02} left"
