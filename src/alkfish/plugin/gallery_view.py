"""The grid of tiles: thousands of equal tiles are laid out, those in sight are painted."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    QRect,
    Qt,
    Signal,
)
from qtpy.QtGui import QKeyEvent, QKeySequence, QResizeEvent
from qtpy.QtWidgets import QAbstractItemView, QListView, QWidget

from alkfish.plugin.gallery_model import GalleryModel, Index
from alkfish.plugin.gallery_tile import TileDelegate
from alkfish.review import NucleusKey

MOVING_KEYS = frozenset(
    {
        Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home,
        Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown,
    }
)  # fmt: skip
"""Keys that move from tile to tile, as in every list."""


class GalleryView(QListView):
    """Tiles in rows; several can be selected.

    Attributes
    ----------
    is_own_key : callable
        Tells whether a key is handled here, not by a shortcut of the window.
    went : Signal
        Emits the nucleus (NucleusKey) that the reader moved to.
    selected_changed : Signal
        Other tiles are selected.
    key_pressed : Signal
        Emits a QKeyEvent that is none of the view's own; who handles it accepts it.
    """

    went = Signal(object)
    selected_changed = Signal()
    key_pressed = Signal(object)

    def __init__(self, model: GalleryModel, side_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = model
        self._quiet = False
        self.is_own_key: Callable[[QKeyEvent], bool] = lambda _event: False
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setStyleSheet("GalleryView { background: #22252b; border: none; }")
        self.setModel(model)
        self.set_side(side_px)

    def set_side(self, side_px: int) -> None:
        """Give the tiles another size; the current one stays in sight."""
        delegate = TileDelegate(side_px, self)
        self.setItemDelegate(delegate)
        self.setGridSize(delegate.cell())
        self.verticalScrollBar().setSingleStep(delegate.cell().height() // 3)
        self.scrollTo(self.currentIndex())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the current tile in sight if it was, and as many finished ones as are in sight."""
        current = self.currentIndex()
        was_seen = QRect(QPoint(0, 0), event.oldSize()).intersects(self.visualRect(current))
        super().resizeEvent(event)
        if was_seen:
            self.executeDelayedItemsLayout()
            self.scrollTo(current)
        seen, ratio = self.viewport().size(), self.devicePixelRatioF()
        self._tiles.keep_for(int(seen.width() * seen.height() * ratio**2))

    def chosen(self) -> tuple[NucleusKey, ...]:
        """Return the selected nuclei, in the order in which they are shown."""
        indexes = sorted(self.selectionModel().selectedIndexes(), key=QModelIndex.row)
        found = (self._tiles.key_at(index) for index in indexes)
        return tuple(key for key in found if key is not None)

    def shows(self, nucleus: NucleusKey) -> bool:
        """Whether a nucleus has a tile, in sight or not."""
        return self._tiles.index_of(nucleus).isValid()

    def after(self, nuclei: tuple[NucleusKey, ...]) -> NucleusKey | None:
        """Return the nucleus shown after the last of some; None at the end of the list."""
        places = [index.row() for key in nuclei if (index := self._tiles.index_of(key)).isValid()]
        return self._tiles.key_at(self._tiles.index(max(places) + 1)) if places else None

    def show_current(self, nucleus: NucleusKey | None) -> None:
        """Mark a nucleus as the current one, select it alone, and bring it into sight."""
        self._tiles.set_current(nucleus)
        index = self._tiles.index_of(nucleus)
        if index.isValid() and index == self.currentIndex():
            self.scrollTo(index)
            return
        self._quietly_select(index, ())

    def restore(
        self, nucleus: NucleusKey | None, chosen: tuple[NucleusKey, ...], scroll: int
    ) -> None:
        """Take up selection and place after the list has changed."""
        self._tiles.set_current(nucleus)
        self._quietly_select(self._tiles.index_of(nucleus), chosen)
        self.executeDelayedItemsLayout()
        self.verticalScrollBar().setValue(scroll)
        self.scrollTo(self.currentIndex())

    def event(self, event: QEvent) -> bool:
        """Take keys before shortcuts of the window do: here they concern all selected tiles."""
        if event.type() == QEvent.Type.ShortcutOverride and self._takes(event):
            event.accept()
            return True
        return bool(super().event(event))

    def _takes(self, event: QEvent) -> bool:
        key = event if isinstance(event, QKeyEvent) else None
        return key is not None and (key.key() in MOVING_KEYS or self.is_own_key(key))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Move with the keys of a list; the others are offered to the dock, then the window."""
        if event.key() in MOVING_KEYS or event.matches(QKeySequence.StandardKey.SelectAll):
            super().keyPressEvent(event)
            return
        event.ignore()
        self.key_pressed.emit(event)

    def keyboardSearch(self, search: str) -> None:  # noqa: N802
        """Do nothing: letters are keys here."""

    def currentChanged(self, current: Index, previous: Index) -> None:  # noqa: N802
        """Say where the reader went."""
        super().currentChanged(current, previous)
        nucleus = self._tiles.key_at(current)
        if not self._quiet and nucleus is not None:
            self.went.emit(nucleus)

    def selectionChanged(  # noqa: N802
        self, selected: QItemSelection, deselected: QItemSelection
    ) -> None:
        """Say that other tiles are selected."""
        super().selectionChanged(selected, deselected)
        if not self._quiet:
            self.selected_changed.emit()

    def _quietly_select(self, index: QModelIndex, chosen: tuple[NucleusKey, ...]) -> None:
        """Move without telling that the reader did."""
        flags = QItemSelectionModel.SelectionFlag
        self._quiet = True
        self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect)
        for nucleus in chosen:
            self.selectionModel().select(self._tiles.index_of(nucleus), flags.Select)
        self._quiet = False
        self.selected_changed.emit()
