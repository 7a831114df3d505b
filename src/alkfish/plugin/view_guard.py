"""Keeps napari's own keys and buttons from changing the layers and the view of a review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt

from alkfish.plugin.layers import CaseLayers
from alkfish.plugin.timers import once_after

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_HARMLESS = {
    (Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier),  # held: moves the picture
    (Qt.Key.Key_R, _CTRL),  # the whole field
    (Qt.Key.Key_T, _CTRL | _SHIFT),  # light and dark
    (Qt.Key.Key_C, _CTRL | _SHIFT),  # the console
}
_FOR_VIEW = {
    (Qt.Key.Key_Y, _CTRL),
    (Qt.Key.Key_E, _CTRL),
    (Qt.Key.Key_T, _CTRL),
    (Qt.Key.Key_G, _CTRL),
    (Qt.Key.Key_Delete, _CTRL),
    (Qt.Key.Key_Backspace, _CTRL),
    (Qt.Key.Key_T, _CTRL | Qt.KeyboardModifier.AltModifier),
}
"""Keys of napari that turn, lay out or delete whole layers: never while a case is open."""

_DELETING = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
_OFF = "That key of napari is off while a case is open: it would change the layers of the read."
_DELETE = "Nothing was deleted. To delete a signal press D and click it."
_BACK = "The layers of the review were put back: they belong to the case."
_FLAT = "The view was put back: a review is read in two dimensions, all layers together."
_THIRD_LAST, FOCUS = "-3", "focus"
"""Name of the axis of planes: napari's, and what it is."""


class ViewGuard(QObject):
    """Swallows keys of napari that would change the read's layers, and puts back what is changed.

    Keys of the review are shortcuts of the window and act before this; layers of one's own, and
    areas that are drawn, keep their keys.

    Parameters
    ----------
    layers : CaseLayers
        Layers of the review.
    window : QWidget
        The window, with the canvas in it.
    canvas : QWidget
        Where keys arrive.

    Attributes
    ----------
    before_close : callable
        Called when the window is about to be closed.
    """

    def __init__(self, layers: CaseLayers, window: Any, canvas: Any) -> None:
        super().__init__(window)
        self._window = window
        self.before_close: Callable[[], object] = lambda: None
        self._layers, self._viewer = layers, layers.viewer
        self._workspace = layers.workspace
        self._later = once_after(self, 0, self.put_back)
        for widget in (window, canvas, canvas.parentWidget()):
            if widget is not None:
                widget.installEventFilter(self)
        dims, viewer = self._viewer.dims, self._viewer
        viewer.layers.events.removed.connect(self._look_later)
        for event in (dims.events.ndisplay, dims.events.order, _grid_of(viewer).events.enabled):
            event.connect(self._flatten)
        dims.events.ndim.connect(self._name_planes)
        viewer.events.help.connect(self._hush, position="last")  # after the window has shown it
        for word in (self._name_planes, self._hush):
            self._workspace.session_changed.connect(word)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802
        """Swallow what would do harm, and say so where somebody may have wanted it."""
        if event.type() == QEvent.Type.Close and watched is self._window:
            self.before_close()
        if event.type() != QEvent.Type.KeyPress or self._workspace.session is None:
            return super().eventFilter(watched, event)
        pressed = (Qt.Key(event.key()), event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier)
        own = self._viewer.layers.selection.active in self._layers.layers.values()
        if pressed in _HARMLESS or not (pressed in _FOR_VIEW or own):
            return super().eventFilter(watched, event)
        if pressed in _FOR_VIEW:
            self._workspace.said.emit(_OFF, True)
        elif pressed[0] in _DELETING:
            self._workspace.said.emit(_DELETE, True)
        return True

    def _look_later(self, _: Any = None) -> None:
        if self._workspace.session is not None:
            self._later.start()

    def put_back(self) -> None:
        """Put back layers that were removed."""
        if self._workspace.session is not None and self._layers.repair():
            self._workspace.said.emit(_BACK, True)

    def _hush(self, _: Any = None) -> None:
        """Take away napari's hints ("use <2> for add points"): here the keys decide a nucleus."""
        if self._workspace.session is not None and self._viewer.help:
            self._viewer.help = ""

    def _name_planes(self, _: Any = None) -> None:
        """Name the slider of a focus stack; napari counts axes from the end: "-3"."""
        dims = self._viewer.dims
        if self._workspace.session is not None and dims.axis_labels[0] == _THIRD_LAST:
            dims.set_axis_label(0, FOCUS)

    def _flatten(self, _: Any = None) -> None:
        """Turn the view back before it is painted: some layers cannot be drawn otherwise."""
        if self._workspace.session is None:
            return
        dims, viewer = self._viewer.dims, self._viewer
        flat = dims.ndisplay == 2 and list(dims.order) == sorted(dims.order)
        if not flat or _grid_of(viewer).enabled:
            dims.ndisplay, dims.order = 2, tuple(range(dims.ndim))
            _grid_of(viewer).enabled = False
            self._workspace.said.emit(_FLAT, True)


def _grid_of(viewer: Any) -> Any:
    """Return the grid of layers; napari moved it in 0.9."""
    canvas = getattr(viewer, "canvas", None)
    return viewer.grid if canvas is None else canvas.grid
