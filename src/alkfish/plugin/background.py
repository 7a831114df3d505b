"""Long work beside the window: told how far it is, stopped for real."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Qt, Signal

from alkfish.errors import AlkfishError


class JobStoppedError(Exception):
    """Raised inside the work at the next step after it was stopped."""


class JobControl:
    """What the work is given: tells how far it is, and ends when it was stopped."""

    def __init__(self, job: Job, stopped: threading.Event) -> None:
        self._job, self._stopped = job, stopped

    def check(self) -> None:
        """End the work if it was stopped.

        Raises
        ------
        JobStoppedError
            If so.
        """
        if self._stopped.is_set():
            raise JobStoppedError

    def tell(self, done: int, total: int, words: str) -> None:
        """Say how far the work is; also ends it if it was stopped."""
        self.check()
        self._job.progressed.emit(self._stopped, done, total, words)

    def give(self, part: object) -> None:
        """Hand over a finished part; also ends the work if it was stopped."""
        self.check()
        self._job.part_came.emit(self._stopped, part)


class Job(QObject):
    """Does one piece of work at a time in a thread of its own; a newer one stops the older.

    Attributes
    ----------
    on_progress, on_part, on_done, on_failed, on_stopped : callable
        Called in the thread of the window: with done, total and words; with a part; with what the
        work returned; with the words of an error; with nothing.
    """

    progressed = Signal(object, int, int, str)
    part_came = Signal(object, object)
    ended = Signal(object, str, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on_progress: Callable[[int, int, str], None] = _nothing
        self.on_part: Callable[[Any], None] = _nothing
        self.on_done: Callable[[Any], None] = _nothing
        self.on_failed: Callable[[str], None] = _nothing
        self.on_stopped: Callable[[], None] = _nothing
        self._current: threading.Event | None = None
        self._threads: set[threading.Thread] = set()
        queued = Qt.ConnectionType.QueuedConnection
        self.progressed.connect(self._progress, queued)
        self.part_came.connect(self._part, queued)
        self.ended.connect(self._end, queued)

    @property
    def is_running(self) -> bool:
        """Whether work goes on that was not stopped."""
        return self._current is not None

    def start(self, work: Callable[[JobControl], object]) -> None:
        """Begin; work that goes on is stopped and heard of no more."""
        self.forget()
        stopped = threading.Event()
        self._current = stopped
        thread = threading.Thread(target=self._run, args=(work, stopped), daemon=True)
        self._threads = {each for each in self._threads if each.is_alive()} | {thread}
        thread.start()

    def stop(self) -> None:
        """Stop the work at its next step; `on_stopped` tells when that was."""
        if self._current is not None:
            self._current.set()

    def forget(self) -> None:
        """Stop the work and hear no more of it."""
        self.stop()
        self._current = None

    def wait(self, seconds: float = 10.0) -> None:
        """Wait until no thread works any more; for the end of the window."""
        for thread in self._threads:
            thread.join(seconds)

    def _run(self, work: Callable[[JobControl], object], stopped: threading.Event) -> None:
        try:
            result = work(JobControl(self, stopped))
        except JobStoppedError:
            self._say_end(stopped, "stopped", None)
        except AlkfishError as error:
            self._say_end(stopped, "failed", str(error))
        except Exception as error:  # noqa: BLE001 - a thread has no caller; the window shows it
            self._say_end(stopped, "failed", f"unexpected {type(error).__name__}: {error}")
        else:
            self._say_end(stopped, "done", result)

    def _say_end(self, stopped: threading.Event, how: str, value: object) -> None:
        try:
            self.ended.emit(stopped, how, value)
        except RuntimeError:  # the window is gone
            return

    def _progress(self, stopped: object, done: int, total: int, words: str) -> None:
        if stopped is self._current:
            self.on_progress(done, total, words)

    def _part(self, stopped: object, part: object) -> None:
        if stopped is self._current:
            self.on_part(part)

    def _end(self, stopped: object, how: str, value: object) -> None:
        if stopped is not self._current:
            return
        self._current = None
        if how == "done":
            self.on_done(value)
        elif how == "failed":
            self.on_failed(str(value))
        else:
            self.on_stopped()


def _nothing(*_: object) -> None:
    """Do nothing."""
