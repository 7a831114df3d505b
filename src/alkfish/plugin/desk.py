"""The review window: layers, docks and keys of one viewer, put together."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from psygnal import EmitLoopError
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QApplication, QDockWidget, QWidget

from alkfish.errors import AlkfishError
from alkfish.model.signals import Pattern
from alkfish.plugin.binding import check_binding
from alkfish.plugin.case_dock import CaseDock
from alkfish.plugin.editing import Editor
from alkfish.plugin.gallery_dock import GalleryDock
from alkfish.plugin.keys import KEYS, KeyAction
from alkfish.plugin.layers import CaseLayers
from alkfish.plugin.review_dock import ReviewDock
from alkfish.plugin.scoring import ScoringDock
from alkfish.plugin.session import Order
from alkfish.plugin.settings_dock import SettingsDock
from alkfish.plugin.timers import once_after
from alkfish.plugin.typing_guard import TypingGuard
from alkfish.plugin.view_guard import ViewGuard
from alkfish.plugin.worklist import Worklist
from alkfish.plugin.workspace import workspace_of

TICK_MS = 5_000
"""How often the window looks for what others have written."""

TRIAL = (
    "Nothing was done: the picture shows a trial of other settings, not the case. "
    "Press Back to the case in the settings first."
)
"""Said where the marks in the picture are not those that a step would be about."""

NOTHING_LOST = "What was decided is kept: go to another nucleus, or open the case again."

SIDE_PX, GALLERY_PX = 350, 236
"""Width of the docks beside the picture, height of the gallery, at 1280 x 800."""

LAYOUT_LEVELS = 6
"""Widgets around each other from a text of the review dock to the window."""


class ReviewDesk:
    """Everything that a reader sees and presses. One per viewer: `desk_of`.

    Parameters
    ----------
    viewer : napari.Viewer
        With a window.
    with_review : bool
        Whether the review dock is docked here; napari docks a widget that it asked for itself.
    """

    def __init__(self, viewer: Any, *, with_review: bool = True) -> None:
        self.viewer = viewer
        self.workspace = workspace_of(viewer)
        self.layers = CaseLayers(self.workspace)
        self.editor = Editor(self.layers)
        self._add_docks(with_review=with_review)
        self.editor.is_trying = self.is_trying
        self._bind_keys()
        self._typing = TypingGuard(self.gallery)
        self._guard = ViewGuard(self.layers, self.docks["Case"].window(), _canvas(viewer))
        self._guard.before_close = self.review.keep_notes
        self._tick = QTimer(self.review)
        self._tick.setInterval(TICK_MS)
        self._tick.timeout.connect(self.tick)
        self._tick.start()
        self._ahead = once_after(self.review, 0, self.layers.read_ahead)  # after the paint
        self.review.destroyed.connect(self._leave)
        _prepare(viewer)

    def decide(self, pattern: Pattern) -> None:
        """Decide the current nucleus and go on."""
        session = self.workspace.session
        if session is not None and not self.is_trying() and session.decide(pattern):
            self._go_on()

    def reject(self, why: str) -> None:
        """Take the current nucleus out of the count for a reason, and go on."""
        session = self.workspace.session
        if session is not None and session.reject(why):
            self._go_on()

    def agree(self) -> None:
        """Decide the current nucleus as it is shown, and go on."""
        session = self.workspace.session
        if session is None or session.current is None or self.is_trying():
            return
        row = session.rows[session.current]
        if session.decided[row]:
            self._go_on()
            return
        shown = str(session.patterns[row])
        if shown:
            self.decide(Pattern(shown))
        elif session.may_see_machine:
            self.ask_reason()
        else:
            session.said.emit("Blinded read: decide the pattern yourself.", True)

    def start_read(self) -> None:
        """Begin the read that is due; other kinds of reads are offered in the case dock."""
        session = self.workspace.session
        if session is not None and session.start_read():
            self.focus_picture()  # the button hides, and Qt would give the keys to the note

    def continue_read(self) -> None:
        """Begin a read that takes over the decisions of the own earlier one."""
        session = self.workspace.session
        if session is not None and session.continue_read():
            self.focus_picture()

    def ask_reason(self) -> None:
        """Ask why the current nucleus is not scorable."""
        session = self.workspace.session
        if session is not None and not session.is_reading:
            text = "Start a read first: decisions belong to a read."
            session.said.emit(session.look() or text, True)
            return
        if not self.is_trying():
            self.review.ask_reason()

    def turn_marks(self) -> None:
        """Show or hide the marks of the case; those of a trial are what it is about."""
        if not self.is_trying():
            self.layers.turn_marks()

    def is_trying(self) -> bool:
        """Whether the picture shows a trial of other settings; then nothing is decided by it."""
        shown = self.settings.preview_layers.is_shown
        if shown:
            self.workspace.said.emit(TRIAL, True)
        return shown

    def write_note(self) -> None:
        """Put the cursor into the note."""
        self.review.write_note()

    def show_keys(self) -> None:
        """Show or hide the table of keys."""
        self.review.keys.setVisible(not self.review.keys.isVisible())

    def focus_picture(self) -> None:
        """Give the keyboard back to the picture."""
        _canvas(self.viewer).setFocus()

    def tick(self) -> None:
        """Take up what others have written, and keep the view."""
        self.workspace.tick()
        self.layers.save_view()

    def _go_on(self) -> None:
        session = self.workspace.session
        if session is None:
            return
        if session.order is not Order.READ:
            session.step(1)
        elif not session.go_to_undecided():
            session.said.emit("Every nucleus is decided. Finish the read in the case panel.", False)

    def _add_docks(self, *, with_review: bool) -> None:
        window = self.viewer.window
        self.review = ReviewDock(self)
        self.case = CaseDock(self.workspace)
        self.worklist = Worklist(self.workspace)
        self.settings = SettingsDock(self.workspace)
        self.scoring = ScoringDock(self.workspace)
        self.gallery = GalleryDock(self.workspace)
        self._size = window._qt_window.size()
        if with_review:
            self._dock(self.review, "Review", "right")
        self.docks = {
            name: self._dock(widget, name, area, tabify=tabify)
            for name, widget, area, tabify in (
                ("Case", self.case, "right", with_review),
                ("Cases", self.worklist, "right", True),
                ("Settings", self.settings, "right", True),
                ("Score", self.scoring, "right", True),
                ("Gallery", self.gallery, "bottom", False),
            )
        }
        self.docks["Score"].hide()
        self.docks["Cases"].visibilityChanged.connect(self._show_cases)
        QTimer.singleShot(0, self.arrange)

    def _show_cases(self, shown: bool) -> None:
        """Renew the worklist when its tab comes to the front: Qt calls covered tabs visible."""
        if shown:
            self.worklist.refresh()

    def _dock(self, widget: QWidget, name: str, area: str, *, tabify: bool = False) -> Any:
        """Dock a panel that can be put away and called back by the menu *Window*."""
        window = self.viewer.window
        dock = window.add_dock_widget(
            widget, name=name, area=area, tabify=tabify, menu=window.window_menu
        )
        dock.destroyOnClose = dock.hide  # the cross of napari would throw it away for good
        dock.toggleViewAction().triggered.connect(lambda shown: _come_forward(dock, shown))
        return dock

    @property
    def has_review(self) -> bool:
        """Whether the review is docked: of a dock of its own napari keeps nothing when closed."""
        return _dock_of(self.review) is not None

    def show_docks(self) -> None:
        """Bring back the panels that were closed."""
        first = _dock_of(self.review)
        for dock in (first, *(d for name, d in self.docks.items() if name != "Score")):
            if dock is not None:
                dock.show()
        QTimer.singleShot(0, self.arrange)

    def show_scoring(self) -> None:
        """Show the dock that scores a picture; most days nobody needs it."""
        self.docks["Score"].show()
        self.docks["Score"].raise_()

    def arrange(self) -> None:
        """Lay the docks over each other as tabs, the review dock on top, sized for 1280 x 800."""
        main, first = self.docks["Case"].window(), _dock_of(self.review)
        if first is None:
            return
        main.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        for name in ("Case", "Cases", "Settings", "Score"):
            main.tabifyDockWidget(first, self.docks[name])
        first.raise_()
        main.resize(self._size)  # docks that stood below each other for a moment have stretched it
        main.resizeDocks([first], [SIDE_PX], Qt.Orientation.Horizontal)
        main.resizeDocks([self.docks["Gallery"]], [GALLERY_PX], Qt.Orientation.Vertical)

    def _bind_keys(self) -> None:
        """Bind keys to the whole window, so that they act wherever the focus is."""
        window = self.docks["Case"].window()
        for action in KEYS:
            for key in action.keys:
                shortcut = QShortcut(QKeySequence(key), window)
                shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
                shortcut.setAutoRepeat(action.repeats)
                shortcut.activated.connect(partial(self.press, action))

    def press(self, action: KeyAction) -> None:
        """Do what a key does; what cannot be done is said.

        What it changes is painted at once: painting the window twice takes twice as long.
        """
        try:
            action.do(self)
        except AlkfishError as error:
            self.workspace.said.emit(str(error), True)
        except EmitLoopError as error:  # a layer or dock could not follow
            text = f"The picture cannot follow: {error.__cause__}. {NOTHING_LOST}"
            self.workspace.said.emit(text, True)
        for part in (self.layers, self.review, self.case, self.gallery):
            part.catch_up()
        _settle()
        self._ahead.start()

    def _leave(self) -> None:
        self.layers.stop()
        self.workspace.close()


_DESKS: WeakKeyDictionary[Any, ReviewDesk] = WeakKeyDictionary()


def desk_of(viewer: Any, *, with_review: bool = True) -> ReviewDesk:
    """Return the review window of a viewer, made when first asked for.

    Raises
    ------
    InputError
        If the installed version of Qt for Python cannot be trusted.
    """
    found = _DESKS.get(viewer)
    if found is None:
        check_binding()
        found = _DESKS[viewer] = ReviewDesk(viewer, with_review=with_review)
    return found


def has_desk(viewer: Any) -> bool:
    """Whether the review window of a viewer was made."""
    return viewer in _DESKS


def _dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock that holds a widget; None before it is docked."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent


def _come_forward(dock: QDockWidget, shown: object) -> None:
    """Bring a panel that was called back in front of the tabs it comes back to."""
    if shown:
        QTimer.singleShot(0, dock.raise_)


def _canvas(viewer: Any) -> Any:
    return viewer.window._qt_viewer.canvas.native


def _settle() -> None:
    """Let what was written find its place now; after the paint, it would be painted again."""
    for _ in range(LAYOUT_LEVELS):  # each level of widgets asks the one around it
        QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)


def _prepare(viewer: Any) -> None:
    """Make room: the lists of layers are a menu away, the picture and the docks are not."""
    qt_viewer = getattr(viewer.window, "_qt_viewer", None)
    for name in ("dockLayerControls", "dockLayerList"):
        dock = getattr(qt_viewer, name, None)
        if dock is not None:
            dock.setVisible(False)
    bar = viewer.canvas.overlays.scale_bar if hasattr(viewer, "canvas") else viewer.scale_bar
    bar.visible = True
