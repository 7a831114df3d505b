"""Decisions made in the gallery: for the tile one stands on, or for all that are selected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from alkfish.model.signals import Pattern
from alkfish.plugin.gallery_bar import pattern_icon
from alkfish.plugin.gallery_view import GalleryView
from alkfish.plugin.keys import KEYS, REASONS, Group, KeyAction, key_words
from alkfish.report.wording import words_of
from alkfish.review import NucleusKey

if TYPE_CHECKING:
    from alkfish.plugin.workspace import Workspace

ASK_FROM = 10
"""From so many nuclei on the reader is asked whether all of them are meant."""

NOTHING_CHOSEN = "Nothing was decided: the current nucleus has no tile here. Click a tile first."

_ALSO = ("next", "previous", "next_undecided")

Nuclei = tuple[NucleusKey, ...]


class GallerySteps:
    """What keys and the menu of the gallery do. It is a desk for the keys that decide and go.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    view : GalleryView
        The tiles.

    Attributes
    ----------
    confirm : callable
        Asks a question; returns whether the answer is yes.
    choose_reason : callable
        Asks why nuclei are not scorable; returns the reason, empty for none.
    """

    def __init__(self, workspace: Workspace, view: GalleryView) -> None:
        self.workspace, self._view = workspace, view
        self.confirm: Callable[[str], bool] = self._confirm
        self.choose_reason: Callable[[], str] = self._choose_reason
        view.is_own_key = lambda event: action_of(event) is not None

    def press(self, event: QKeyEvent) -> None:
        """Do what a key stands for; keys that are none of the gallery's are left to the window."""
        action = action_of(event)
        if action is None or self.workspace.session is None:
            return
        event.accept()
        if action.repeats or not event.isAutoRepeat():
            action.do(self)

    def decide(self, pattern: Pattern) -> None:
        """Decide the pattern of all selected nuclei and go on."""
        session = self.workspace.session
        if session is not None:
            self._write(words_of(pattern.value).name, lambda some: session.decide(pattern, some))

    def agree(self) -> None:
        """Decide all selected nuclei as they are shown and go on."""
        session = self.workspace.session
        chosen = self._asked()
        if session is None or not chosen:
            return
        shown = {key: str(session.patterns[session.rows[key]]) for key in chosen}
        if not all(shown.values()):
            session.said.emit("There is nothing to agree with: decide these nuclei.", True)
            return

        def write(nuclei: Nuclei) -> bool:
            parts = {name: tuple(k for k in nuclei if shown[k] == name) for name in shown.values()}
            done = [session.decide(Pattern(name), some) for name, some in parts.items()]
            return all(done)

        self._write("Agree with what is shown", write)

    def ask_reason(self) -> None:
        """Take all selected nuclei out of the count, for a reason that is asked for, and go on."""
        session = self.workspace.session
        if session is None or not self._asked():
            return
        reason = self.choose_reason()
        if reason:
            self._write("Not scorable", lambda some: session.reject(reason, some))

    def menu(self) -> QMenu:
        """Return the menu of a tile: every decision, with its key."""
        menu, n_chosen = QMenu(self._view), len(self._view.chosen())
        if n_chosen > 1:
            menu.addSection(f"{n_chosen:,} nuclei")
        for action in KEYS:
            if action.group is not Group.DECIDE:
                continue
            entry = menu.addAction(f"{action.words}\t{key_words(action.keys[0])}")
            if action.pattern is not None:
                entry.setIcon(pattern_icon(action.pattern.value))
            entry.triggered.connect(lambda _on=False, action=action: action.do(self))
        return menu

    def _chosen(self) -> Nuclei:
        """Return what is selected, else the current nucleus if it has a tile.

        One that a filter leaves out is not meant by a key that is pressed among the tiles: the
        decision that let the last tile go would be overwritten by the next key.
        """
        session = self.workspace.session
        current = session.current if session is not None else None
        has_tile = current is not None and self._view.shows(current)
        return self._view.chosen() or ((current,) if current is not None and has_tile else ())

    def _asked(self) -> Nuclei:
        """Return what a key is about; that there is nothing is said."""
        chosen, session = self._chosen(), self.workspace.session
        if session is not None and not chosen:
            session.said.emit(NOTHING_CHOSEN, True)
        return chosen

    def _write(self, words: str, step: Callable[[Nuclei], bool]) -> None:
        """Write a decision for what is selected, then go on; nothing if the reader says no."""
        session, chosen = self.workspace.session, self._asked()
        if session is None or not chosen:
            return
        if len(chosen) >= ASK_FROM and not self.confirm(
            f"{words}: {len(chosen):,} nuclei?\nEach is a decision of its own in the log."
        ):
            return
        following = self._view.after(chosen)
        if step(chosen) and following is not None:
            session.go(following)

    def _confirm(self, question: str) -> bool:
        answer = QMessageBox.question(self._view, "Several nuclei", question)
        return bool(answer == QMessageBox.StandardButton.Yes)

    def _choose_reason(self) -> str:
        menu = QMenu(self._view)
        for number, reason in enumerate(REASONS, start=1):
            menu.addAction(f"&{number}  {reason}").setData(reason)
        other = menu.addAction("&Another reason...")
        place = self._view.visualRect(self._view.currentIndex()).center()
        chosen = menu.exec(self._view.viewport().mapToGlobal(place))
        if chosen is other:
            return _ask_words(self._view)
        return str(chosen.data()) if chosen is not None else ""


def _ask_words(parent: QWidget) -> str:
    text, said_yes = QInputDialog.getText(parent, "Not scorable", "Reason:")
    return str(text).strip() if said_yes else ""


def action_of(event: QKeyEvent) -> KeyAction | None:
    """Return the action of the gallery that a key stands for; None for other keys."""
    modifiers: Any = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    name = QKeySequence(event.key() | modifiers.value).toString()
    here = (a for a in KEYS if a.group is Group.DECIDE or a.name in _ALSO)
    return next((action for action in here if name in action.keys), None)


def open_menu(steps: GallerySteps, view: GalleryView, place: QPoint) -> None:
    """Show the menu of the tile at a place of the view."""
    if view.indexAt(place).isValid():
        steps.menu().exec(view.viewport().mapToGlobal(place))
