"""Refuses a Qt binding that would end the window in mid-read."""

from __future__ import annotations

import sys
from collections.abc import Callable

from alkfish.errors import InputError

CALLS = 400
"""Calls that are watched; a sound binding loses nothing however many they are."""


def check_binding(call: Callable[[], object] | None = None) -> None:
    """Refuse a Qt binding whose calls lose references to None.

    PySide6 6.12.0 under Python 3.11 gives back one reference too many with each call that returns
    nothing. After some hundred nuclei none is left and Python ends at once. From Python 3.12 on
    None cannot be lost.

    Parameters
    ----------
    call : callable, optional
        What is called; by default a step of Qt that returns nothing.

    Raises
    ------
    InputError
        If references are lost.
    """
    before = sys.getrefcount(None)
    step = call or _qt_step()
    for _ in range(CALLS):
        step()
    lost = before - sys.getrefcount(None)
    if lost > CALLS // 2:
        raise InputError(
            "this version of Qt for Python is broken and would end the window without warning",
            found=_binding(),
            remedy='install another one: pip install "PySide6-Essentials!=6.12.0"',
        )


def _qt_step() -> Callable[[], object]:
    from qtpy.QtCore import QObject

    thing = QObject()
    return lambda: thing.setObjectName("alkfish")


def _binding() -> str:
    import qtpy

    version = qtpy.PYSIDE_VERSION or qtpy.PYQT_VERSION
    return f"{qtpy.API_NAME} {version} with Python {sys.version.split()[0]}"
