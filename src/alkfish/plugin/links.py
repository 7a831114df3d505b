"""Connections of a dock to the signals of a session, which are cut together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psygnal import SignalInstance


class Links:
    """What a dock listens to. A dock that is gone, or has another case, must hear nothing more."""

    def __init__(self) -> None:
        self._joined: list[tuple[SignalInstance, Callable[..., Any]]] = []

    def join(self, signal: SignalInstance, slot: Callable[..., Any]) -> None:
        """Call `slot` whenever the signal is emitted."""
        signal.connect(slot)
        self._joined.append((signal, slot))

    def cut(self, *_: object) -> None:
        """Listen to nothing any more."""
        for signal, slot in self._joined:
            signal.disconnect(slot, missing_ok=True)
        self._joined.clear()
