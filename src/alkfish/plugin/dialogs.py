"""Questions to the reader: a reason, a signature. Each says what will happen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from alkfish.model.result import Call
from alkfish.plugin.case_words import figures_of, rateless
from alkfish.report.wording import CALL_WORDS, call_meaning

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession

_WIDTH, _PIECE = 460, 16
_LONG_WORD = re.compile(r"[^\s<>&]{33,}")


class ReasonDialog(QDialog):
    """Asks why; the button works once there is a reason.

    Parameters
    ----------
    title, text : str
        What is about to happen.
    action : str
        Words of the button.
    """

    def __init__(self, title: str, text: str, action: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setMinimumWidth(_WIDTH)
        self.reason = QPlainTextEdit()
        self.reason.setPlaceholderText("Reason (it is kept in the log)")
        self.reason.setTabChangesFocus(True)
        self.reason.setMaximumHeight(90)
        self.go = QPushButton(action)
        self.go.setEnabled(False)
        self.reason.textChanged.connect(self._check)
        layout = QVBoxLayout(self)
        layout.addWidget(wrapped(text))
        layout.addWidget(self.reason)
        layout.addWidget(_buttons(self, self.go))
        self.reason.setFocus()

    @property
    def text(self) -> str:
        """The reason as typed, without blanks around it."""
        return self.reason.toPlainText().strip()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.text))


class SignDialog(QDialog):
    """Shows what is about to be signed.

    Parameters
    ----------
    session : ReviewSession
        A case that is called.
    """

    def __init__(self, session: ReviewSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sign the case")
        self.setMinimumWidth(_WIDTH)
        self.remark = QLineEdit()
        self.remark.setPlaceholderText("Remark (may be empty)")
        self.go = QPushButton(f"Sign as {session.review.reader}")
        layout = QVBoxLayout(self)
        layout.addWidget(wrapped(what_is_signed(session)))
        layout.addWidget(self.remark)
        layout.addWidget(
            wrapped("Signing freezes the case. A later change is a new version with a reason.")
        )
        layout.addWidget(_buttons(self, self.go))


class SignedDialog(QDialog):
    """Shows the hash of the signature, to be noted outside of the store."""

    def __init__(self, case_id: str, signature: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Signed")
        self.setMinimumWidth(_WIDTH)
        self.hash = wrapped(f"<code>{signature[:32]}<br>{signature[32:]}</code>")
        self.hash.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        copy = QPushButton("Copy")
        copy.clicked.connect(lambda: _copy(signature))
        close = QPushButton("Close")
        layout = QVBoxLayout(self)
        layout.addWidget(wrapped(f"{_escaped(case_id)} is signed. The hash of the signature is"))
        layout.addWidget(self.hash)
        layout.addWidget(
            wrapped(
                "Note it in the report that is filed: with it, <code>alkfish audit --head</code> "
                "shows later that nothing was cut off or replaced."
            )
        )
        buttons = QDialogButtonBox()
        buttons.addButton(copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(close, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        layout.addWidget(buttons)


def what_is_signed(session: ReviewSession) -> str:
    """Return in words what a signature covers: the call, its counts, who read."""
    review = session.review
    call, probe = review.call, review.machine_result.probe
    if call is None:
        return ""
    lines = [
        f"<b>{_escaped(session.case_id)}</b>, version {review.version} of the review",
        f"<b>{CALL_WORDS[call.call]}</b>: {call_meaning(call.call, call.counts, probe)}",
        figures_of(call.counts, probe.case_rule)
        if call.call is not Call.NOT_EVALUABLE
        else rateless(call.counts),
        _escaped(call.reason),
    ]
    for read in review.reads():
        if read.finished and read.version == review.version:
            n, positive = read.counts.n_enumerated, read.counts.n_positive
            blinded = ", blinded" if read.blinded else ""
            lines.append(
                f"{read.role.value} read: {_escaped(read.reader)}, {positive} of {n}{blinded}"
            )
    machine = review.machine_result.call
    if machine.call is not call.call:
        lines.append(f"The machine had proposed {CALL_WORDS[machine.call]}.")
    lines += [f"Caution: {_escaped(caution.text)}" for caution in machine.cautions]
    return "<br>".join(lines)


def breakable(text: str) -> str:
    """Return a text in which words that are wider than a dock, such as checksums, can be broken."""
    cut = "\N{ZERO WIDTH SPACE}"
    return _LONG_WORD.sub(lambda found: cut.join(re.findall(f".{{1,{_PIECE}}}", found[0])), text)


def wrapped(text: str) -> QLabel:
    """Return a label that breaks its lines."""
    label = QLabel(text)
    label.setWordWrap(True)
    return label


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _copy(text: str) -> None:
    board = QApplication.clipboard()
    if board is not None:
        board.setText(text)


def _buttons(dialog: QDialog, go: QPushButton) -> QDialogButtonBox:
    box = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
    box.addButton(go, QDialogButtonBox.ButtonRole.AcceptRole)
    box.accepted.connect(dialog.accept)
    box.rejected.connect(dialog.reject)
    return box
