"""Tables of the review store and the steps that bring an older store up to date.

Each step is written once and never changed: a store says which steps it has had, the missing ones
are run in one transaction. Two stores are supported, SQLite and PostgreSQL, with the same tables.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
    select,
    text,
)

from alkfish.errors import StoreError

METADATA = MetaData()

SCHEMA = Table(
    "alkfish_schema",
    METADATA,
    Column("version", Integer, nullable=False),
)

EVENTS = Table(
    "alkfish_events",
    METADATA,
    Column("case_id", String(150), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("reader", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("result", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
)
"""All events. The primary key lets only one writer take the next number of a case."""

HEADS = Table(
    "alkfish_heads",
    METADATA,
    Column("case_id", String(150), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""The last event of each case, written with it: shows a tail that was cut off."""

_LOCK = 0x616C6B66
"""Number of the lock under which PostgreSQL stores are brought up to date."""


def _make_tables(connection: Connection) -> None:
    EVENTS.create(connection)
    HEADS.create(connection)


def _forbid_changes(connection: Connection) -> None:
    """Make the database itself refuse to change or delete events."""
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER alkfish_events_no_{verb.lower()} BEFORE {verb} "
                    "ON alkfish_events BEGIN "
                    "SELECT RAISE(ABORT, 'events of a review are never changed'); END"
                )
            )
        return
    connection.execute(
        text(
            "CREATE FUNCTION alkfish_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events of a review are never changed'; END $$"
        )
    )
    connection.execute(
        text(
            "CREATE TRIGGER alkfish_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE "
            "ON alkfish_events FOR EACH STATEMENT EXECUTE FUNCTION alkfish_refuse()"
        )
    )


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_make_tables, _forbid_changes)
"""Step number N brings a store from version N to N + 1; a new store begins at 0."""

VERSION = len(MIGRATIONS)
"""Version of the tables that this program writes."""


def stored_version(connection: Connection) -> int:
    """Return the version of a store; 0 for an empty database."""
    if not inspect(connection).has_table(SCHEMA.name):
        return 0
    return int(connection.execute(select(SCHEMA.c.version)).scalar_one())


def bring_up_to_date(connection: Connection, *, where: str, target: int = VERSION) -> None:
    """Run the missing steps, inside the transaction of `connection`.

    Parameters
    ----------
    connection : Connection
        With a transaction begun for writing.
    where : str
        Name of the store for messages.
    target : int
        Version to stop at; tests make older stores with it.

    Raises
    ------
    StoreError
        If the store was written by a newer version.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    found = stored_version(connection)
    check_version(found, where=where)
    if found >= target:
        return
    if found == 0:
        SCHEMA.create(connection)
        connection.execute(SCHEMA.insert().values(version=0))
    for step in MIGRATIONS[found:target]:
        step(connection)
    connection.execute(SCHEMA.update().values(version=target))


def check_version(found: int, *, where: str) -> None:
    """Refuse a store of a newer version.

    Raises
    ------
    StoreError
        If `found` is above `VERSION`.
    """
    if found > VERSION:
        raise StoreError(
            "the review store was written by a newer version of alkfish",
            where=where,
            found=f"version {found} of its tables",
            allowed=f"up to {VERSION}",
            remedy="install the newer alkfish; the store was not touched",
        )
