"""The field in which a note on a nucleus is written."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QLineEdit


class NoteField(QLineEdit):
    """Keeps a half-written note with its nucleus: it never lands on the one that is shown next.

    Parameters
    ----------
    leave : callable
        Gives the keyboard away; done by Esc.
    """

    def __init__(self, leave: Callable[[], object]) -> None:
        super().__init__()
        self._leave = leave
        self._subject: Hashable = None
        self._drafts: dict[Hashable, str] = {}

    def show_of(self, subject: Hashable) -> None:
        """Show what was begun on a subject: a nucleus of a case, and who writes."""
        if subject == self._subject:
            return
        if self.text():
            self._drafts[self._subject] = self.text()
        self._subject = subject
        self.setText(self._drafts.pop(subject, ""))

    def take_drafts(self) -> dict[Any, str]:
        """Return what was begun and not yet written, by its subject, and forget it."""
        drafts, self._drafts = self._drafts | {self._subject: self.text()}, {}
        self.clear()
        return {subject: text.strip() for subject, text in drafts.items() if text.strip()}

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave the field with Esc; what was written stays in it."""
        if event.key() == Qt.Key.Key_Escape:
            self._leave()
            return
        super().keyPressEvent(event)
