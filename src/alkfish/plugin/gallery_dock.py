"""The gallery: the nuclei of the open case as tiles, to see them side by side and overrule them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from alkfish.plugin.gallery_bar import GalleryBar
from alkfish.plugin.gallery_choice import GalleryTable, Standing
from alkfish.plugin.gallery_model import GalleryModel
from alkfish.plugin.gallery_steps import GallerySteps, open_menu
from alkfish.plugin.gallery_view import GalleryView
from alkfish.plugin.links import Links
from alkfish.plugin.thumbnail_worker import ThumbnailWorker
from alkfish.plugin.thumbnails import Look, TileMaker
from alkfish.plugin.timers import once_after
from alkfish.review import NucleusKey, ReadMode

if TYPE_CHECKING:
    from alkfish.plugin.session import ReviewSession
    from alkfish.plugin.workspace import Workspace

NO_CASE = "No case is open. Open one from the worklist: its nuclei are shown here."
NOTHING_FOUND = "No nucleus matches these filters."

STEP_S = 0.25
"""After a step, tiles wait so long: the picture comes first, and the next step if a key is held."""


class GalleryDock(QWidget):
    """Tiles of nuclei; a click goes to the nucleus, keys decide all that are selected.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self._session: ReviewSession | None = None
        self._table: GalleryTable | None = None
        self._maker: TileMaker | None = None
        self._pictures = workspace.pictures
        self._links = Links()
        self._was_reading = self._stale = self._is_new = False
        self.worker = ThumbnailWorker()
        self.model = GalleryModel(self.worker, self)
        self.bar = GalleryBar(self)
        self.view = GalleryView(self.model, self.bar.side_px, self)
        self.steps = GallerySteps(workspace, self.view)
        self._message, self._footer = QLabel(NO_CASE), QLabel()
        self._all = QPushButton("Show all nuclei")
        self._pages = QStackedWidget()
        self._later = once_after(self, 0, self._arrange)
        self._lay_out()
        self._connect()
        self._take_session()

    def _lay_out(self) -> None:
        self._message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._message.setWordWrap(True)
        empty = QWidget()
        inner = QVBoxLayout(empty)
        inner.addStretch()
        inner.addWidget(self._message)
        inner.addWidget(self._all, alignment=Qt.AlignmentFlag.AlignHCenter)
        inner.addStretch()
        self._pages.addWidget(empty)
        self._pages.addWidget(self.view)
        bottom = QHBoxLayout()
        bottom.addWidget(self._footer, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 4)
        layout.setSpacing(4)
        layout.addWidget(self.bar)
        layout.addWidget(self._pages, 1)
        layout.addLayout(bottom)

    def _connect(self) -> None:
        self.bar.choice_changed.connect(self._arrange_soon)
        self.bar.look_changed.connect(self._take_look)
        self.view.went.connect(self._go)
        self.view.selected_changed.connect(self._tell)
        self.view.key_pressed.connect(self.steps.press)
        self.view.customContextMenuRequested.connect(
            lambda place: open_menu(self.steps, self.view, place)
        )
        self._all.clicked.connect(self.bar.reset)
        own, links, worker = Links(), self._links, self.worker
        own.join(self.workspace.session_changed, self._take_session)

        def leave() -> None:  # a closure: Qt holds methods of plain objects weakly
            own.cut()
            links.cut()
            worker.stop()

        self.destroyed.connect(leave)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Catch up with what happened while the gallery was not in sight."""
        super().showEvent(event)
        self._arrange()

    def _take_session(self) -> None:
        """Show another case, or none; pictures of the last one must never be seen again."""
        self._links.cut()
        before, self._session = self._session, self.workspace.session
        self._is_new = self._session is not before
        self._table, self._maker, self._was_reading = None, None, False
        self.worker.set_maker(None)
        self.model.set_table(None, ())
        self.model.forget_pictures()
        if self._session is not None:
            self._links.join(self._session.values_changed, self._take_values)
            self._links.join(self._session.state_changed, self._take_state)
            self._links.join(self._session.current_changed, self._take_current)
            self._take_state()
        self._arrange()

    def _take_values(self, nuclei: tuple[NucleusKey, ...]) -> None:
        """Frame anew what was decided; nothing else is painted."""
        if not self.isVisible() or self._table is None or not self._fits():
            self._stale = True
        else:
            self.model.show_changes(self._table.update(nuclei))
        self._arrange_soon()

    def _take_state(self) -> None:
        """Show the nuclei of a read that has begun; when it ends, all again."""
        session = self._session
        reading = session is not None and session.is_reading
        if session is not None and (reading != self._was_reading or self._is_new):
            read = session.review.read
            fifty = read is not None and read.mode is ReadMode.FIFTY and bool(session.draw)
            self.bar.set_standing(Standing.READ if fifty else Standing.ALL)
        self._was_reading = reading
        self._arrange_soon()

    def _take_current(self, nucleus: NucleusKey | None) -> None:
        self.worker.pause(STEP_S)
        if self.isVisible():
            self.view.show_current(nucleus)

    def _take_look(self) -> None:
        session = self._session
        blinded = session is not None and not session.may_see_machine
        self.view.set_side(self.bar.side_px)
        ratio = max(self.devicePixelRatioF(), 1.0)
        side = round(self.bar.side_px * ratio)
        self.model.set_look(Look(self.bar.view, self.bar.marks.isChecked(), side, blinded))

    def _arrange_soon(self) -> None:
        """Filter and sort once, after everything that happens now."""
        if self.isVisible():
            self._later.start()

    def catch_up(self) -> None:
        """Filter and sort now what was to be soon; after the paint, it would be painted again."""
        if self._later.isActive():
            self._later.stop()
            self._arrange()

    def _arrange(self) -> None:
        """Filter, sort, and show; nothing is done while the gallery is out of sight."""
        session = self._session
        if session is None or not self.isVisible():
            self._show_page(NO_CASE)
            return
        if self._table is None or not self._fits():
            self._rebuild(session)
        elif self._stale:
            self.model.show_changes(self._table.update(()))
        self._stale = False
        table, chosen = self._table, self.view.chosen()
        assert table is not None  # noqa: S101 - just made
        scroll = self.view.verticalScrollBar().value()
        choice = self.bar.choice()
        rows = table.rows(choice)
        if self._is_new and not len(rows) and len(table):  # filters of the case before hide all
            self._is_new = False
            self.bar.reset()
            return
        self._is_new = False
        if self.model.set_rows(rows):
            self.view.restore(session.current, chosen, scroll)
        else:
            self.view.show_current(session.current)
        self.bar.show_counts(table.counts(choice), blinded=table.blinded)
        self._show_page("" if len(self.model.rows) else NOTHING_FOUND)
        self._tell()

    def _fits(self) -> bool:
        """Whether what is shown is still of the open result and its pictures."""
        table, session = self._table, self._session
        if table is None or session is None or self._pictures is not self.workspace.pictures:
            return False
        return table.is_of(session)

    def _rebuild(self, session: ReviewSession) -> None:
        """Take up another result: of another case, of an edit, or of a read that is blinded."""
        same = self._maker is not None and self._pictures is self.workspace.pictures
        if not same:
            self.model.forget_pictures()
        planes = self._maker.planes if same and self._maker is not None else None
        self._pictures = self.workspace.pictures
        self._table = GalleryTable(session)
        self._maker = TileMaker(session.result, self._pictures, planes)
        self.worker.set_maker(self._maker)
        self.model.set_table(self._table, session.keys)
        self.bar.offer(fovs=self._table.fovs, flags=self._table.flags, blinded=self._table.blinded)
        self._take_look()

    def _show_page(self, message: str) -> None:
        self._message.setText(message)
        self._all.setVisible(message == NOTHING_FOUND)
        self._pages.setCurrentIndex(0 if message else 1)
        self.bar.setEnabled(self._session is not None)

    def _tell(self) -> None:
        """Say below how many there are, and what keys would decide."""
        table, session = self._table, self._session
        if table is None or session is None:
            self._footer.setText("")
            return
        shown, n_chosen = len(self.model.rows), len(self.view.chosen())
        parts = [f"{shown:,} of {table.n_allowed:,} nuclei"]
        if n_chosen > 1:
            parts.append(f"<b>{n_chosen:,} selected: keys pressed here decide all of them</b>")
        elif session.current and not self.model.index_of(session.current).isValid():
            parts.append("the current nucleus is not among them")
        if not self._pictures.available:
            parts.append("no pictures: drawn from the outlines")
        self._footer.setText(" · ".join(parts))

    def _go(self, nucleus: NucleusKey) -> None:
        if self._session is not None:
            self._session.go(nucleus)
            self.model.set_current(self._session.current)
