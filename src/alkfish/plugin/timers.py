"""Steps that are taken once, a little later, however often they are asked for meanwhile."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer


def once_after(parent: QObject, wait_ms: int, step: Callable[[], object]) -> QTimer:
    """Return a timer that takes a step `wait_ms` after its last start; 0: once events are done.

    Parameters
    ----------
    parent : QObject
        Ends the timer with itself.
    wait_ms : int
        In milliseconds.
    step : callable
        What is done.
    """
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(wait_ms)
    timer.timeout.connect(step)
    return timer
