"""The store in SQLite and PostgreSQL: appending, order, versions of the tables, refusals."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

import alkfish
from alkfish.errors import ReviewError, StaleError, StoreError
from alkfish.review import EventKind, open_store, verify
from alkfish.review import schema as schema_module
from alkfish.review.events import Draft, genesis
from alkfish.review.store import FILE_NAME, Head, _url_of

RESULT = "f" * 64
SOURCE = str(Path(alkfish.__file__).parent.parent)


def draft(number=1, kind=EventKind.NOTED):
    return Draft(kind, RESULT, {"read": number}, {"was": "µ"}, {"is": [1, 2.5]}, "because\n'x'")


def write(store, n=3, case_id="case"):
    for number in range(n):
        seq = store.head(case_id).seq
        store.append(case_id, [draft(number)], reader="Ada", expected=seq)


def in_database(store, *statements):
    with store._engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_events_come_back_as_they_were_written(store):
    (event,) = store.append("a b/ü", [draft()], reader=" Ada ", expected=0)
    assert store.events("a b/ü") == (event,)
    assert (event.seq, event.kind, event.reader) == (1, EventKind.NOTED, "Ada")
    assert event.subject == {"read": 1}
    assert event.before == {"was": "µ"}
    assert event.after == {"is": [1, 2.5]}
    assert (event.why, event.result) == ("because\n'x'", RESULT)
    assert event.record.previous == genesis("a b/ü")
    assert store.head("a b/ü") == Head(1, event.hash)


def test_an_empty_store_has_nothing(store):
    assert store.cases() == ()
    assert store.events("case") == ()
    assert store.head("case") == Head(0, genesis("case"))
    assert verify(store, "case").is_intact


def test_events_of_one_call_are_chained_and_cases_are_apart(store):
    first, second = store.append("case", [draft(1), draft(2)], reader="Ada", expected=0)
    assert second.record.previous == first.hash
    write(store, 2, "other")
    assert store.cases() == ("case", "other")
    assert [event.seq for event in store.events("case", after=1)] == [2]


def test_times_are_kept_in_utc(place):
    zone = timezone(timedelta(hours=2))
    with open_store(place, clock=lambda: datetime(2026, 3, 1, 1, 30, tzinfo=zone)) as store:
        (event,) = store.append("case", [draft()], reader="Ada", expected=0)
    assert event.at == "2026-02-28T23:30:00.000000+00:00"
    assert datetime.fromisoformat(event.at).tzinfo == UTC


def test_the_store_opens_again(place):
    with open_store(place) as store:
        write(store)
    with open_store(place, create=False) as store:
        assert len(store.events("case")) == 3
        assert verify(store, "case").is_intact


def test_a_late_writer_is_told_and_writes_nothing(store):
    write(store, 2)
    with pytest.raises(StaleError, match=r"somebody else .*\n.*than number 1, .*\n.*refresh"):
        store.append("case", [draft()], reader="Bo", expected=1)
    with pytest.raises(StaleError, match="than number 9"):
        store.append("case", [draft()], reader="Bo", expected=9)
    assert len(store.events("case")) == 2


def test_nothing_to_write_is_refused(store):
    with pytest.raises(ReviewError, match="nothing to write"):
        store.append("case", [], reader="Ada", expected=0)


@pytest.mark.parametrize("name", ["", "  ", "a\x00b", "tab\t.", "\ud800"])
def test_names_that_cannot_be_kept_are_refused(local, name):
    with pytest.raises(ReviewError, match=r"the name of the reader (cannot be used|is missing)"):
        local.append("case", [draft()], reader=name, expected=0)


@pytest.mark.parametrize("value", [float("nan"), {1}, object()])
def test_payloads_must_be_plain_json(local, value):
    bad = Draft(EventKind.NOTED, RESULT, {"x": value})
    with pytest.raises(ReviewError, match="plain JSON"):
        local.append("case", [bad], reader="Ada", expected=0)
    assert local.events("case") == ()


def test_all_events_of_a_call_or_none(store):
    bad = Draft(EventKind.NOTED, RESULT, {"x": object()})
    with pytest.raises(ReviewError, match="plain JSON"):
        store.append("case", [draft(), bad], reader="Ada", expected=0)
    assert store.events("case") == ()
    assert store.head("case").seq == 0


@pytest.mark.parametrize(
    "statement",
    ["UPDATE alkfish_events SET why = 'x' WHERE seq = 2", "DELETE FROM alkfish_events"],
)
def test_the_database_refuses_to_change_events(store, statement):
    write(store)
    with pytest.raises(DBAPIError, match="events of a review are never changed"):
        in_database(store, statement)
    assert verify(store, "case").is_intact


def test_writers_at_once_never_overwrite_each_other(place):
    """Four processes write until each has 5 events in; all refusals are told as stale."""
    with open_store(place) as store:
        code = (
            "import sys\n"
            "from alkfish.errors import StaleError\n"
            "from alkfish.review import EventKind, open_store\n"
            "from alkfish.review.events import Draft\n"
            "name, place = sys.argv[1:]\n"
            "with open_store(place) as store:\n"
            "    done = 0\n"
            "    while done < 5:\n"
            "        seq = store.head('case').seq\n"
            "        draft = Draft(EventKind.NOTED, 'f' * 64, {'n': done})\n"
            "        try:\n"
            "            store.append('case', [draft], reader=name, expected=seq)\n"
            "        except StaleError:\n"
            "            continue\n"
            "        done += 1\n"
        )
        environment = {**os.environ, "PYTHONPATH": SOURCE}
        runs = [
            subprocess.Popen([sys.executable, "-c", code, name, str(place)], env=environment)
            for name in "ABCD"
        ]
        assert [run.wait(timeout=60) for run in runs] == [0] * 4
        events = store.events("case")
        assert [event.seq for event in events] == list(range(1, 21))
        for name in "ABCD":
            own = [event.subject["n"] for event in events if event.reader == name]
            assert own == list(range(5))
        assert verify(store, "case").is_intact


def test_a_killed_writer_loses_at_most_the_event_being_written(place):
    code = (
        "import sys\n"
        "from alkfish.review import EventKind, open_store\n"
        "from alkfish.review.events import Draft\n"
        "with open_store(sys.argv[1]) as store:\n"
        "    seq = 0\n"
        "    while True:\n"
        "        draft = Draft(EventKind.NOTED, 'f' * 64, {'n': seq})\n"
        "        store.append('case', [draft], reader='Ada', expected=seq)\n"
        "        seq += 1\n"
        "        print(seq, flush=True)\n"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, str(place)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )  # fmt: skip
    with run:
        told = [run.stdout.readline() for _ in range(20)]
        run.kill()  # SIGKILL: nothing is cleaned up
        told += run.stdout.readlines()
    last = int([line for line in told if line.endswith("\n")][-1])
    with open_store(place) as store:
        kept = store.head("case").seq
        assert kept in (last, last + 1)
        report = verify(store, "case")
        assert (report.n_events, report.findings) == (kept, ())
        store.append("case", [draft()], reader="Bo", expected=kept)


def older_store(place, version, monkeypatch):
    """Make a store of an older version with events of two cases in it."""
    with monkeypatch.context() as patched:
        original = schema_module.bring_up_to_date
        patched.setattr(
            "alkfish.review.store.bring_up_to_date",
            lambda connection, where: original(connection, where=where, target=version),
        )
        with open_store(place) as store:
            write(store, 3)
            write(store, 1, "other")
            return store.records("case"), store.records("other")


@pytest.mark.parametrize("version", range(1, schema_module.VERSION))
def test_older_stores_are_brought_up_to_date_with_all_events(place, version, monkeypatch):
    before = older_store(place, version, monkeypatch)
    with open_store(place) as store:
        assert (store.records("case"), store.records("other")) == before
        assert verify(store, "case").is_intact
        write(store, 1)
        with store._reading() as connection:
            assert schema_module.stored_version(connection) == schema_module.VERSION
        with pytest.raises(DBAPIError, match="never changed"):
            in_database(store, "DELETE FROM alkfish_events")


def test_looking_without_writing_leaves_an_older_store_as_it_is(place, monkeypatch):
    older_store(place, 1, monkeypatch)
    with open_store(place, create=False) as store:
        assert verify(store, "case").is_intact
        with store._reading() as connection:
            assert schema_module.stored_version(connection) == 1


def test_a_failing_migration_leaves_the_older_store(place, monkeypatch):
    older_store(place, 1, monkeypatch)

    def fail(connection):
        schema_module._forbid_changes(connection)
        connection.execute(text("SELECT * FROM no_such_table"))

    with monkeypatch.context() as patched:
        patched.setattr(schema_module, "MIGRATIONS", (schema_module.MIGRATIONS[0], fail))
        with pytest.raises(StoreError, match="no_such_table"):
            open_store(place)
    with open_store(place) as store:
        assert len(store.events("case")) == 3


@pytest.mark.parametrize("create", [True, False])
def test_a_store_of_a_newer_version_is_not_touched(place, create):
    with open_store(place) as store:
        in_database(store, "UPDATE alkfish_schema SET version = 99")
    with pytest.raises(StoreError, match=r"newer version .*\n.*version 99"):
        open_store(place, create=create)


def test_sqlite_is_on_disk_when_a_call_returns(local):
    with local._reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


def test_a_missing_store_is_not_made_by_looking(tmp_path):
    with pytest.raises(StoreError, match=r"no review store\n.*folder of results"):
        open_store(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(StoreError, match="no such folder"):
        open_store(tmp_path / "none")


def test_an_empty_database_is_no_store(postgres_url):
    with pytest.raises(StoreError, match="there is no review store"):
        open_store(postgres_url, create=False)


def test_a_file_that_is_no_store_is_told(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"no database, but long enough to be looked at" * 20)
    with pytest.raises(StoreError, match="not a database"):
        open_store(tmp_path)


def test_a_busy_store_is_told_and_not_waited_for_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("alkfish.review.store.WAIT_SECONDS", 0.1)
    with (
        open_store(tmp_path) as store,
        store._writing(),
        pytest.raises(StoreError, match="locked"),
    ):
        store.append("case", [draft()], reader="Ada", expected=0)


def test_a_file_may_be_named(tmp_path):
    with open_store(tmp_path / "lab.sqlite") as store:
        assert Path(store.name) == tmp_path / "lab.sqlite"


def test_an_unreachable_server_is_told_without_the_password():
    with pytest.raises(StoreError, match="cannot be used") as caught:
        open_store("postgresql://lab:secret@127.0.0.1:1/reviews")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://x/y", "postgresql://x", "://", "http://a:b/c"])
def test_other_urls_are_refused(url):
    with pytest.raises(StoreError, match=r"names no review store(.|\n)*postgresql://"):
        open_store(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_postgresql_is_reached_with_the_driver_of_the_extra(scheme):
    assert _url_of(f"{scheme}://lab@server/reviews").drivername == "postgresql+psycopg"


def test_the_embedded_store_is_plain_sqlite(local, tmp_path):
    write(local)
    engine = create_engine(f"sqlite:///{tmp_path / FILE_NAME}")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alkfish_events")).scalar() == 3
    engine.dispose()
