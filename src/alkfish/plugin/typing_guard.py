"""Keeps keys that are typed into a field from deciding a nucleus."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)

_TYPING = (
    QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox, QAbstractItemView,
)  # fmt: skip
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class TypingGuard(QObject):
    """Gives keys to the widget in focus where somebody types or chooses; Ctrl and Alt still act.

    Parameters
    ----------
    gallery : QWidget
        Among its tiles keys decide on what is selected; its fields are guarded.
    """

    def __init__(self, gallery: QWidget) -> None:
        super().__init__(gallery)
        self._gallery = gallery
        app = QApplication.instance()
        assert isinstance(app, QApplication)  # noqa: S101 - a widget is there
        app.focusChanged.connect(self._watch)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Claim a key before the window's shortcuts see it."""
        if event.type() != QEvent.Type.ShortcutOverride or event.modifiers() & _COMMAND:
            return super().eventFilter(watched, event)
        event.accept()
        return True

    def _watch(self, _before: QWidget | None, now: QWidget | None) -> None:
        if not isinstance(now, _TYPING):
            return
        if not (isinstance(now, QAbstractItemView) and self._gallery.isAncestorOf(now)):
            now.installEventFilter(self)
