"""The gallery's list: which nuclei stand where, and their pictures as they are wanted and made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from qtpy.QtGui import QImage

from alkfish.plugin.gallery_choice import GalleryTable, Rows
from alkfish.plugin.thumbnail_worker import ThumbnailWorker, Wish
from alkfish.plugin.thumbnails import ByteLru, Look
from alkfish.plugin.timers import once_after
from alkfish.report.gallery import signals_text
from alkfish.report.wording import words_of
from alkfish.review import NucleusKey

Index = QModelIndex | QPersistentModelIndex

PICTURES_BYTES = 12 << 20
"""Memory for finished tiles, about 200 of medium size; more where more are in sight at once."""

SCREENS = 2
"""So many times what is in sight is kept at least: tiles in sight must not push each other out."""

_BYTES_PER_PX = 4

TOGETHER_MS = 40
"""Tiles that arrive within such a time are painted at once."""

STATE = int(Qt.ItemDataRole.UserRole) + 1
PICTURE = STATE + 1


@dataclass(frozen=True)
class TileState:
    """What the frame of a tile tells.

    Attributes
    ----------
    nucleus : NucleusKey
        Which.
    pattern : str
        As it may be shown; empty: not counted, rejected, or hidden.
    decided : bool
        Whether a reader has decided.
    current : bool
        Whether it is the current nucleus.
    blinded : bool
        Whether the machine's proposal is hidden.
    """

    nucleus: NucleusKey
    pattern: str
    decided: bool
    current: bool
    blinded: bool

    @property
    def is_open(self) -> bool:
        """Whether nothing may be said yet: undecided in a blinded read."""
        return self.blinded and not self.decided

    @property
    def name(self) -> str:
        """The pattern in words."""
        if self.pattern:
            return words_of(self.pattern).name
        if self.decided:
            return "Rejected"
        return "Undecided" if self.is_open else words_of("").name


class GalleryModel(QAbstractListModel):
    """Nuclei in the order in which they are shown. Pictures are made only for what is painted.

    Parameters
    ----------
    worker : ThumbnailWorker
        Makes the pictures.
    """

    def __init__(self, worker: ThumbnailWorker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._table: GalleryTable | None = None
        self._keys: tuple[NucleusKey, ...] = ()
        self._rows: Rows = np.empty(0, np.intp)
        self._places: dict[int, int] = {}
        self._current: NucleusKey | None = None
        self._edition = 0
        self.look = Look()
        self.pictures: ByteLru[tuple[NucleusKey, Look], tuple[int, QImage]] = ByteLru(
            PICTURES_BYTES, lambda item: int(item[1].sizeInBytes()) + 256
        )
        self._arrived: set[NucleusKey] = set()
        self._together = once_after(self, TOGETHER_MS, self._show_arrived)
        worker.made.connect(self._take)

    @property
    def rows(self) -> Rows:
        """Rows of the table of the nuclei, in the order in which they are shown."""
        return self._rows

    def set_table(self, table: GalleryTable | None, keys: tuple[NucleusKey, ...]) -> None:
        """Show nuclei of another case, or of the same after an edit; pictures are made anew."""
        self.beginResetModel()
        self._table, self._keys = table, keys
        self._rows, self._places = np.empty(0, np.intp), {}
        self._edition += 1
        self.endResetModel()

    def keep_for(self, area_px: int) -> None:
        """Keep enough finished tiles for a view of so many pixels of the screen."""
        self.pictures.hold(max(PICTURES_BYTES, SCREENS * area_px * _BYTES_PER_PX))

    def forget_pictures(self) -> None:
        """Forget all pictures: those of another case must never be seen."""
        self.pictures.clear()

    def set_rows(self, rows: Rows) -> bool:
        """Show other nuclei or another order; return whether there was anything to change."""
        if np.array_equal(rows, self._rows):
            return False
        self.beginResetModel()
        self._rows = rows
        self._places = {row: place for place, row in enumerate(rows.tolist())}
        self.endResetModel()
        return True

    def set_look(self, look: Look) -> None:
        """Draw tiles otherwise."""
        if look != self.look:
            self.look = look
            self._worker.drop_wishes()
            self._repaint_all()

    def set_current(self, nucleus: NucleusKey | None) -> None:
        """Mark another nucleus as the current one."""
        before, self._current = self._current, nucleus
        for key in (before, nucleus):
            index = self.index_of(key)
            if index.isValid():
                self.dataChanged.emit(index, index, [STATE])

    def show_changes(self, rows: Rows) -> None:
        """Paint the frames of some rows of the table anew, where they are shown."""
        places = [self._places[row] for row in rows.tolist() if row in self._places]
        if len(places) > 200:
            self._repaint_all()
            return
        for place in places:
            self.dataChanged.emit(self.index(place), self.index(place), [STATE])

    def index_of(self, nucleus: NucleusKey | None) -> QModelIndex:
        """Return where a nucleus stands; an invalid index if it is not shown."""
        if nucleus is None or self._table is None:
            return QModelIndex()
        row = self._table.row_of(nucleus)
        place = self._places.get(row)
        return self.index(place) if place is not None else QModelIndex()

    def key_at(self, index: Index) -> NucleusKey | None:
        """Return the nucleus at an index; None outside of the list."""
        inside = index.isValid() and index.row() < len(self._rows)
        return self._keys[self._rows[index.row()]] if inside else None

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many nuclei are shown."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        """Return what the tile shows; asking for the picture has it made."""
        if not index.isValid() or self._table is None or index.row() >= len(self._rows):
            return None
        row = int(self._rows[index.row()])
        if role == PICTURE:
            return self._picture(row)
        if role == STATE:
            return self.state(row)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._describe(row)
        return None

    def state(self, row: int) -> TileState:
        """Return what the frame of a nucleus tells, by its row in the table."""
        assert self._table is not None  # noqa: S101 - rows come from a table
        key = self._keys[row]
        return TileState(
            key, str(self._table.patterns[row]), bool(self._table.decided[row]),
            key == self._current, self._table.blinded,
        )  # fmt: skip

    def _describe(self, row: int) -> str:
        assert self._table is not None  # noqa: S101 - rows come from a table
        state, nuclei = self.state(row), self._table.result.nuclei
        lines = [f"Nucleus {state.nucleus.nucleus_id} of {state.nucleus.fov}", state.name]
        if not state.blinded:
            proposed = str(nuclei.pattern[row])
            lines += [signals_text(nuclei, row)]
            if state.decided and proposed != state.pattern:
                lines.append(f"proposed: {words_of(proposed).name}")
            if proposed:
                lines.append(f"certainty of the proposal {self._table.certainty[row]:.0%}")
            lines += self._table.reasons(row)
        lines.append("decided" if state.decided else "not decided")
        return "\n".join(lines)

    def _picture(self, row: int) -> QImage | None:
        """Return the picture of a nucleus, asking for it; an older one while it is made anew."""
        key, look = self._keys[row], self.look
        kept = self.pictures.get((key, look))
        if kept is None or kept[0] != self._edition:
            self._worker.ask(Wish(key, row, look))
        return kept[1] if kept is not None else None

    def _take(self, wish: Wish, picture: QImage, case: int) -> None:
        if case != self._worker.case:
            return
        self.pictures.put((wish.nucleus, wish.look), (self._edition, picture))
        if wish.look == self.look:
            self._arrived.add(wish.nucleus)
            if not self._together.isActive():
                self._together.start()

    def _show_arrived(self) -> None:
        """Paint the tiles that have arrived, together: the window is put together each time."""
        arrived, self._arrived = self._arrived, set()
        for nucleus in arrived:
            index = self.index_of(nucleus)
            if index.isValid():
                self.dataChanged.emit(index, index, [PICTURE])

    def _repaint_all(self) -> None:
        if len(self._rows):
            self.dataChanged.emit(self.index(0), self.index(len(self._rows) - 1), [STATE])
