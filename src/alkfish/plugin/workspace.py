"""What is open in a viewer: a folder of results, the reader, and the review of one case. No Qt."""

from __future__ import annotations

import getpass
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from psygnal import Signal

from alkfish.errors import AlkfishError, BundleError
from alkfish.io.bundle import RESULT, open_bundle
from alkfish.io.locations import PicturePlace, recall_pictures, remember_pictures
from alkfish.model.result import CaseResult
from alkfish.plugin.bundle_watch import BundleWatch, Found
from alkfish.plugin.case_list import CaseEntry, CaseList
from alkfish.plugin.pictures import CasePictures, differing, find_pictures
from alkfish.plugin.session import ReviewSession
from alkfish.review import CaseReview, NucleusKey, Store, open_store
from alkfish.review.elsewhere import note_elsewhere
from alkfish.review.view_store import VIEW_ONLY, can_be_written, open_view

AWAY = "The folder of results cannot be reached:"
AWAY_HELP = (
    "It was moved, renamed or is not connected. What was decided is in it; nothing is lost. Put it "
    "back and the review goes on by itself, or open it where it is now."
)
MOST_PASSED = 3
"""So many damaged cases are told when a folder is opened; the worklist names all."""

REPLACED = (
    "Nothing was written: another program has scored this case again and replaced the result "
    "that is shown here."
)


class Workspace:
    """One per viewer; docks and layers get it and listen.

    Parameters
    ----------
    viewer : napari.Viewer
        The window.

    Attributes
    ----------
    results : Path or None
        Folder of the bundles, with the store.
    reader : str
        Who sits here.
    session : ReviewSession or None
        The case that is open.
    pictures : CasePictures
        Pixels of the open case.
    folder : Path or None
        Bundle of the open case.
    session_changed : Signal
        Another case was opened, the reader is another one, or pictures were found.
    said : Signal
        Emits a text for the reader, and whether it is a refusal, as `ReviewSession.said`.
    """

    session_changed = Signal()
    said = Signal(str, bool)

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.results: Path | None = None
        self.folder: Path | None = None
        self.reader = ""
        self.session: ReviewSession | None = None
        self.pictures = CasePictures.none()
        self._store: Store | None = None
        self._list: CaseList | None = None
        self._images: str | Path = ""
        self._check: Future[str] | None = None
        self._is_unchecked = False
        self._watch: BundleWatch | None = None
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="alkfish-check")

    def open(
        self, path: str | Path, *, reader: str = "", images: str | Path = "", store: str = ""
    ) -> None:
        """Open a folder of results with its first case that waits for a reader, or one bundle.

        Parameters
        ----------
        path : path-like
            Folder of results, or the bundle of a case.
        reader : str
            Who reads; by default who read here last, else the user of the computer.
        images : path-like
            Where the pictures of the case lie; empty: where they were scored.
        store : str
            Another review store, such as the URL of a PostgreSQL database.

        Raises
        ------
        BundleError
            If there is no result.
        StoreError
            If the review store cannot be opened.
        """
        given = Path(path).absolute()
        is_bundle = (given / RESULT).is_file()
        results = given.parent if is_bundle else given
        if not is_bundle and not _bundles(results):
            raise BundleError(
                "the folder holds no results",
                where=given,
                remedy="give the folder OUT that `alkfish score` wrote, or OUT/<case>",
            )
        opened = _open_store(results, store)
        if store and Path(opened.name).parent != results.absolute():
            note_elsewhere(results, opened.name)
        self._let_go()
        self.results, self._store = results, opened
        self._list = CaseList(results)
        self.reader = reader or self.reader or _user()
        if is_bundle:
            self._open_bundle(given, images)
        else:
            self._open_first(images)

    def open_case(self, case_id: str) -> None:
        """Open another case of the folder.

        Raises
        ------
        BundleError
            If there is no such case.
        """
        for entry in self.cases():
            if entry.case_id == case_id:
                self._open_bundle(entry.folder, "")
                return
        raise BundleError(
            "the folder holds no such case",
            where=self.results,
            found=case_id,
            remedy="choose a case of the list: the folder has changed since it was shown",
        )

    def set_reader(self, name: str) -> None:
        """Let another person sit down; the case is shown as that person may see it.

        Raises
        ------
        ReviewError
            If the name is empty.
        """
        if self.session is not None and self._store is not None:
            session = self._session_of(self.session.review.machine_result, name)
            self.reader, self.session = session.review.reader, session
            self.session_changed.emit()
        else:
            self.reader = name

    def keep_note(
        self, folder: Path, reader: str, nucleus: NucleusKey | None, text: str
    ) -> None:  # fmt: skip
        """Write a note on a nucleus of a case of the folder, be it another than the open one.

        Raises
        ------
        AlkfishError
            If it cannot be written, for one because the reader has no read of the case open.
        """
        session = self.session
        if session is not None and (folder, reader) == (self.folder, session.review.reader):
            session.review.note(text, nucleus)
        elif self._store is not None and folder.parent == self.results:
            CaseReview(self._store, open_bundle(folder), reader).note(text, nucleus)

    def cases(self) -> tuple[CaseEntry, ...]:
        """Return the cases of the folder by name, as this reader may see them."""
        if self.results is None or self._store is None:
            return ()
        if self._list is None:
            self._list = CaseList(self.results)
        return self._list.entries(self._store, self.reader)

    def unreadable(self) -> tuple[str, ...]:
        """Return the names of the cases of the folder whose result cannot be read."""
        return () if self._list is None else self._list.unreadable()

    def locate_pictures(self, path: str | Path) -> bool:
        """Look for the pictures of the case elsewhere, and remember the place if they are there."""
        if self.session is None or self.results is None:
            return False
        found = find_pictures(self.results, self.session.review.machine_result, images=path)
        if not found.available:
            self.said.emit(found.why_not, True)
            return False
        self._remember(Path(path))
        self._take_pictures(found)
        self.session_changed.emit()
        if found.why_not:
            self.said.emit(f"{found.why_not} The others are shown.", True)
        return True

    def tick(self) -> None:
        """Take up what others have written and threads have found; call it every few seconds."""
        if self.session is not None:
            try:
                self._take_news(self.session)
            except AlkfishError as error:
                self.said.emit(str(error), True)
        self._take_check()

    def _take_check(self) -> None:
        """Have large pictures compared once the case is shown, and say what came of it."""
        if self._is_unchecked and self.session is not None:
            self._is_unchecked = False
            result = self.session.review.machine_result
            self._check = self._threads.submit(_differing, result, self.pictures)
        elif self._check is not None and self._check.done():
            check, self._check = self._check, None
            problem = check.result()
            if problem:
                self.pictures = CasePictures.none(problem)
                self.said.emit(problem, True)
                self.session_changed.emit()

    def _take_news(self, session: ReviewSession) -> None:
        """Follow what happens to the folder, then to the log."""
        was_away = session.blocked.startswith(AWAY)
        if self._found(session) is Found.REPLACED:
            self.reload()
            self.said.emit(_replaced_words(session), True)
        elif session.look() and self._is_away():
            return
        elif was_away:
            self.session_changed.emit()  # drawn anew: some of it could not be read
            self.said.emit("The folder of results is there again: go on. Nothing was lost.", False)
        if self.session is not None:
            self.session.refresh()

    def _found(self, session: ReviewSession) -> Found:
        if self._watch is None:
            return Found.SAME
        return self._watch.look(lambda: session.review.fingerprint)

    def _is_away(self) -> bool:
        return self.session is not None and self.session.blocked.startswith(AWAY)

    def _hindrance(self) -> str:
        """Return why the session can write nothing now; empty if it can."""
        if self._store is not None and self._store.is_view:
            return VIEW_ONLY
        session = self.session
        found = Found.SAME if session is None else self._found(session)
        if found is Found.GONE:
            return f"{AWAY} {self.results}\n{AWAY_HELP}"
        return REPLACED if found is Found.REPLACED else ""

    def _session_of(self, result: CaseResult, reader: str) -> ReviewSession:
        assert self._store is not None  # noqa: S101 - `open` has set it
        return ReviewSession(self._store, result, reader, self._hindrance)

    def close(self) -> None:
        """Let go of everything; what was decided is on disk already."""
        was_open = self.session is not None
        self._let_go()
        if was_open:
            self.session_changed.emit()

    def _let_go(self) -> None:
        if self._store is not None:
            self._store.close()
        self.results = self.folder = self.session = None
        self._store = self._list = self._check = self._watch = None
        self.pictures = CasePictures.none()

    def reload(self) -> None:
        """Open the bundle of the open case again: it was scored anew."""
        if self.folder is not None:
            self._open_bundle(self.folder, self._images)

    def _open_bundle(self, folder: Path, images: str | Path) -> None:
        assert self.results is not None  # noqa: S101 - `open` has set it
        watch = BundleWatch(folder)
        result = open_bundle(folder)
        self._watch, before = watch, self._watch
        try:
            session = self._session_of(result, self.reader)
        except BaseException:
            self._watch = before
            raise
        found = find_pictures(self.results, result, images=images)
        self.session, self.folder, self._images = session, folder, images
        if images and found.available:
            self._remember(Path(images))
        self._take_pictures(found)
        self.session_changed.emit()

    def _take_pictures(self, found: CasePictures) -> None:
        self.pictures = found
        self._check, self._is_unchecked = None, found.unchecked

    def _remember(self, images: Path) -> None:
        assert self.session is not None  # noqa: S101
        assert self.results is not None  # noqa: S101
        case_id = self.session.case_id
        place = recall_pictures(self.results, case_id)
        place = PicturePlace(
            (images,), place.channels, place.pixel_size_um, place.z_step_um, place.scene
        )
        try:
            remember_pictures(self.results, case_id, place)
        except AlkfishError as error:
            self.said.emit(str(error), True)

    def _open_first(self, images: str | Path) -> None:
        """Open the first case that waits for the reader; damaged ones are passed over and told."""
        cases = sorted(self.cases(), key=lambda case: not case.waits_for_reader)
        passed: list[str] = []
        for case in cases:
            try:
                self._open_bundle(case.folder, images)
            except BundleError as error:
                passed.append(str(error))
            else:
                break
        else:
            raise BundleError(
                "no result in the folder can be read",
                where=self.results,
                found=passed[0] if passed else None,
                remedy="score again",
            )
        if passed:
            self.said.emit("\n".join(passed[:MOST_PASSED]), True)


_WORKSPACES: WeakKeyDictionary[Any, Workspace] = WeakKeyDictionary()


def workspace_of(viewer: Any) -> Workspace:
    """Return the workspace of a viewer, made when first asked for."""
    found = _WORKSPACES.get(viewer)
    if found is None:
        found = _WORKSPACES[viewer] = Workspace(viewer)
    return found


def _bundles(results: Path) -> list[Path]:
    if not results.is_dir():
        return []
    found: Iterable[Path] = (p.parent for p in results.glob(f"*/{RESULT}"))
    return sorted(folder for folder in found if not folder.name.startswith("."))


def _open_store(results: Path, store: str) -> Store:
    """Open the store; of a folder that cannot be written a view of it.

    SQLite itself does not always tell: files left beside the store let it be opened all the same.
    """
    if not store and not can_be_written(results):
        return open_view(results)
    return open_store(store or results)


def _replaced_words(older: ReviewSession) -> str:
    """Return what has become of a session whose result was replaced by another program."""
    read = older.review.read
    kept = "What was read of the older one stays in the log, tied to it."
    if read is not None:
        kept = f"Your read ({len(read.decisions)} decided) stays in the log, tied to the older one."
    if not older.review.history():
        kept = "Nobody had read the older one."
    return f"Another program has scored this case again: the new result is shown. {kept}"


def _differing(result: Any, pictures: CasePictures) -> str:
    try:
        return differing(result, pictures)
    except AlkfishError as error:
        return str(error)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "reader"
