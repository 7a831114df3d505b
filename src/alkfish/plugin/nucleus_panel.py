"""The words on the current nucleus, in a place of constant size: no button moves at a step.

Qt lays out every widget around a label anew when its text changes, which takes longer than
drawing the picture; text in a panel of its own asks nothing of its surroundings.
"""

from __future__ import annotations

import html

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QTextBrowser

from alkfish.plugin.colours import look_of
from alkfish.plugin.nucleus_words import NucleusWords

N_LINES = 15
"""Lines that are seen at once; longer texts are scrolled."""

_LABEL, _SEPARATE = "color:#9aa4b2;", "margin-top:4px; margin-bottom:0px;"


class NucleusPanel(QTextBrowser):
    """Shows what there is to say of a nucleus; keys pass through to the window."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setOpenLinks(False)
        self.setStyleSheet("QTextBrowser { background: transparent; border: none; }")
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self.setFixedHeight(N_LINES * self.fontMetrics().lineSpacing() + 12)
        self._shown = ""

    def show_words(self, words: NucleusWords) -> None:
        """Show a nucleus."""
        self._show(words_html(words))

    def show_text(self, text: str) -> None:
        """Show a plain sentence instead of a nucleus."""
        self._show(_escaped(text))

    def _show(self, text: str) -> None:
        if text != self._shown:
            self._shown = text
            self.setHtml(text)


def words_html(words: NucleusWords) -> str:
    """Return the words on a nucleus as rich text: pattern first, then why, flags and notes."""
    look = look_of(words.pattern)
    is_open = words.name == "Not decided"
    letter, colour = ("·", "#d8d8d8") if is_open else (look.letter, look.colour)
    parts = [
        f"<p style='margin:0px;'><span style='background:{colour}; color:#101418; font-size:18px;'>"
        f"<b>&nbsp;{letter}&nbsp;</b></span>"
        f"<span style='font-size:18px;'>&nbsp;&nbsp;<b>{_escaped(words.name)}</b></span>"
        f"<br>{_escaped(words.title)}<br><i>{_escaped(words.by)}</i></p>"
    ]
    if words.lines:
        rows = "".join(
            f"<tr><td style='{_LABEL} padding-right:8px;'>{_escaped(heading)}</td>"
            f"<td>{_escaped(text)}</td></tr>"
            for heading, text in words.lines
        )
        parts.append(f"<table style='margin-top:3px;'>{rows}</table>")
    for sign, texts in (("⚑", words.flags), ("✎", words.notes)):
        if texts:
            lines = "<br>".join(f"{sign} {_escaped(text)}" for text in texts)
            parts.append(f"<p style='{_SEPARATE}'>{lines}</p>")
    return "".join(parts)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False).replace("\n", "<br>")
