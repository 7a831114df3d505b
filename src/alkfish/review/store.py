"""The review store: append-only events in SQLite or PostgreSQL.

Every call of `Store.append` is one transaction that is on disk when it returns: a program killed at
any moment loses at most the event being written. Writers say which event they saw last; if there is
a newer one, nothing is written and they are told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from alkfish.errors import ReviewError, StaleError, StoreError
from alkfish.review.events import Draft, Event, EventKind, Record, genesis, seal
from alkfish.review.schema import EVENTS, HEADS, bring_up_to_date, check_version, stored_version

FILE_NAME = "review.sqlite"
"""Name of the embedded store in a folder of results."""

WAIT_SECONDS = 10
"""How long a writer waits for another one before it gives up."""

_COLUMNS = [EVENTS.c[item.name] for item in fields(Record)]
_WRITING = {"alkfish_writing": True}


@dataclass(frozen=True)
class Head:
    """The last event of a case: its number, 0 before the first, and its hash."""

    seq: int
    hash: str


def open_store(
    where: str | Path, *, create: bool = True, clock: Callable[[], datetime] | None = None
) -> Store:
    """Open a review store, made or brought up to date where needed.

    Parameters
    ----------
    where : path-like or str
        Folder of results (the store is its ``review.sqlite``), a ``.sqlite`` file, or the URL of a
        PostgreSQL database, ``postgresql://user@host/name``.
    create : bool
        Whether a missing store may be made. Without, an older store is left as it is too.
    clock : callable, optional
        Returns the present time; that of the computer if left out.

    Raises
    ------
    StoreError
        If it is missing, cannot be opened or was written by a newer version.
    """
    url = _url_of(where)
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        name = str(url.database)
        _check_file(Path(name), create=create)
    with _as_store_error(name):
        engine = _engine(url)
    store = Store(engine, name, clock or _now)
    try:
        store._prepare(create=create)
        if url.get_backend_name() == "sqlite":
            store._watch()
    except BaseException:
        store.close()
        raise
    return store


class Store:
    """Events of many cases. Made by `open_store`; use it in a ``with`` block or close it.

    Attributes
    ----------
    name : str
        File or URL without password, for messages.
    is_view : bool
        Whether it can only be read; see `alkfish.review.view_store`.
    """

    is_view = False

    def __init__(self, engine: Engine, name: str, clock: Callable[[], datetime]) -> None:
        self._engine, self.name, self._clock = engine, name, clock
        self._place: tuple[int, int] = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def cases(self) -> tuple[str, ...]:
        """Return the ids of all cases with events, sorted."""
        with self._reading() as connection:
            named = set(connection.execute(select(EVENTS.c.case_id).distinct()).scalars())
            named |= set(connection.execute(select(HEADS.c.case_id)).scalars())
        return tuple(sorted(named))

    def events(self, case_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """Return the events of a case with numbers above `after`, in order; empty for none."""
        return tuple(Event(record) for record in self.records(case_id, after=after))

    def records(self, case_id: str, *, after: int = 0) -> tuple[Record, ...]:
        """Return the events of a case as they are stored, not decoded, in order."""
        query = select(*_COLUMNS).where(EVENTS.c.case_id == case_id, EVENTS.c.seq > after)
        with self._reading() as connection:
            rows = connection.execute(query.order_by(EVENTS.c.seq)).all()
        return tuple(Record(*row) for row in rows)

    def events_of_kinds(self, kinds: Iterable[EventKind]) -> dict[str, tuple[Event, ...]]:
        """Return the events of some kinds of all cases, in order: one query, however many cases."""
        named = EVENTS.c.kind.in_([kind.value for kind in kinds])
        query = select(*_COLUMNS).where(named).order_by(EVENTS.c.case_id, EVENTS.c.seq)
        with self._reading() as connection:
            rows = connection.execute(query).all()
        found: defaultdict[str, list[Event]] = defaultdict(list)
        for row in rows:
            found[row.case_id].append(Event(Record(*row)))
        return {case_id: tuple(events) for case_id, events in found.items()}

    def head(self, case_id: str) -> Head:
        """Return the last event of a case as the store noted it; number 0 before the first."""
        with self._reading() as connection:
            return _head(connection, case_id)

    def append(
        self, case_id: str, drafts: Sequence[Draft], *, reader: str, expected: int
    ) -> tuple[Event, ...]:
        """Append events in one transaction: all of them or none.

        Parameters
        ----------
        case_id : str
            Case they belong to.
        drafts : sequence of Draft
            What happened, in order.
        reader : str
            Who.
        expected : int
            Number of the last event of the case that the writer has seen; 0 before the first.

        Returns
        -------
        tuple of Event
            The events as stored.

        Raises
        ------
        StaleError
            If the case has a newer event; nothing was written.
        ReviewError
            If a text cannot be kept.
        StoreError
            If the database refuses: no space, no permission, no connection.
        """
        try:
            with self._writing() as connection:
                head = _head(connection, case_id)
                if head.seq != expected:
                    raise _stale(case_id, expected)
                records = self._sealed(case_id, drafts, reader, head)
                connection.execute(EVENTS.insert(), [asdict(record) for record in records])
                _set_head(connection, case_id, records[-1], is_first=head.seq == 0)
        except IntegrityError as error:
            raise _stale(case_id, expected) from error
        return tuple(Event(record) for record in records)

    def _sealed(
        self, case_id: str, drafts: Sequence[Draft], reader: str, head: Head
    ) -> list[Record]:
        if not drafts:
            raise ReviewError("there is nothing to write", where=case_id)
        at = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        records: list[Record] = []
        for number, draft in enumerate(drafts, head.seq + 1):
            previous = records[-1].hash if records else head.hash
            records.append(
                seal(draft, case_id=case_id, seq=number, at=at, reader=reader, previous=previous)
            )
        return records

    def _prepare(self, *, create: bool) -> None:
        if create:
            with self._writing() as connection:
                bring_up_to_date(connection, where=self.name)
            return
        with self._reading() as connection:
            version = stored_version(connection)
        check_version(version, where=self.name)
        if version == 0:
            raise StoreError("there is no review store", where=self.name, remedy=_NO_STORE)

    def _watch(self) -> None:
        """Note which file this is: SQLite would make an empty one where it has gone."""
        self._place = _file_place(Path(self.name))

    def _check_there(self) -> None:
        """Refuse to go on where the file has gone; take it up anew if it has come back."""
        if self._place == (0, 0):
            return
        try:
            place = _file_place(Path(self.name))
        except OSError as error:
            self._engine.dispose()
            raise StoreError(
                "the review store cannot be reached",
                where=self.name,
                found="no such file: the folder was moved, renamed or is not connected",
                remedy="put it back or open the folder where it is now; nothing that was decided "
                "is lost",
            ) from error
        if place != self._place:
            self._engine.dispose()
            self._place = place

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        self._check_there()
        with _as_store_error(self.name), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        self._check_there()
        writer = self._engine.execution_options(**_WRITING)
        with _as_store_error(self.name), writer.begin() as connection:
            yield connection


_NO_STORE = "give the folder of results in which the case was reviewed, or the URL of the database"


def _file_place(file: Path) -> tuple[int, int]:
    """Return device and number of a file; OSError if it is not there."""
    found = file.stat()
    return found.st_dev, found.st_ino


def _now() -> datetime:
    return datetime.now(UTC)


def _url_of(where: str | Path) -> URL:
    text = str(where)
    if "://" not in text:
        path = Path(where)
        file = path if path.suffix in (".sqlite", ".db") else path / FILE_NAME
        return URL.create("sqlite", database=str(file.absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise _unknown_url("URL") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in ("postgresql", "sqlite") or not url.database:
        raise _unknown_url(url.render_as_string(hide_password=True))
    return url


def _unknown_url(found: str) -> StoreError:
    return StoreError(
        "this names no review store",
        found=found,
        allowed="a folder, a .sqlite file, or postgresql://user@host/database",
        remedy="correct the name of the store",
    )


def _check_file(file: Path, *, create: bool) -> None:
    if create and not file.parent.is_dir():
        raise StoreError(
            "there is no such folder for the review store",
            where=file.parent,
            remedy="give the folder of results that `alkfish score` wrote",
        )
    if not create and not file.is_file():
        raise StoreError("there is no review store", where=file, remedy=_NO_STORE)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, connect_args={"connect_timeout": WAIT_SECONDS}, pool_pre_ping=True
        )
    engine = create_engine(url, connect_args={"timeout": WAIT_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _: object) -> None:
    """Let transactions be begun by `_begin_sqlite` alone, and be on disk when they end."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get("alkfish_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _head(connection: Connection, case_id: str) -> Head:
    query = select(HEADS.c.seq, HEADS.c.hash).where(HEADS.c.case_id == case_id)
    row = connection.execute(query).one_or_none()
    return Head(0, genesis(case_id)) if row is None else Head(row.seq, row.hash)


def _set_head(connection: Connection, case_id: str, last: Record, *, is_first: bool) -> None:
    values = {"seq": last.seq, "hash": last.hash}
    if is_first:
        connection.execute(HEADS.insert().values(case_id=case_id, **values))
    else:
        connection.execute(HEADS.update().where(HEADS.c.case_id == case_id).values(**values))


def _stale(case_id: str, expected: int) -> StaleError:
    return StaleError(
        "somebody else has written to this case since it was shown",
        where=case_id,
        found=f"newer steps than number {expected}, which this window showed last",
        remedy="refresh the case, look at it again, and repeat the step; nothing was written",
    )


@contextmanager
def _as_store_error(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, NoSuchModuleError, ModuleNotFoundError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        missing = isinstance(error, ModuleNotFoundError | NoSuchModuleError)
        raise StoreError(
            "the review store cannot be used",
            where=name,
            found=(str(cause) or type(cause).__name__).splitlines()[0],
            remedy='install the driver: pip install "alkfish[review-postgres]"'
            if missing
            else "check the path or URL, the permissions and the space left; then refresh the "
            "case, which shows what was written",
        ) from error
