"""What is said to the reader after a step: shown for a while, and no longer than it is true."""

from __future__ import annotations

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel

from alkfish.plugin.dialogs import breakable

SAID_MS = 12_000
"""How long it is shown at most."""

ALARM, CALM = "#ffb454", "#9fd3ff"
"""Colours of a refusal, and of news."""


class Message(QLabel):
    """A line that answers the last step; the next step takes it away."""

    def __init__(self) -> None:
        super().__init__("")
        self.setWordWrap(True)
        self._hush, self._settle = QTimer(self), QTimer(self)
        for timer, wait_ms in ((self._hush, SAID_MS), (self._settle, 0)):
            timer.setSingleShot(True)
            timer.setInterval(wait_ms)
        self._hush.timeout.connect(self.be_quiet)
        self.hide()

    def say(self, text: str, is_refusal: bool) -> None:
        """Show a text."""
        self.setText(breakable(text))
        self.setStyleSheet(f"color: {ALARM if is_refusal else CALM};")
        self.show()
        self._hush.start()
        self._settle.start()

    def outdate(self, *_: object) -> None:
        """Take the text away because something has happened since; what was just said stays."""
        if not self._settle.isActive():
            self.be_quiet()

    def be_quiet(self) -> None:
        """Show nothing."""
        self._hush.stop()
        self.clear()
        self.hide()
