"""What the chain of hashes shows, and what it cannot."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.review import EventKind, verify
from alkfish.review.audit import check_chain
from alkfish.review.events import Draft, Record, genesis, seal
from alkfish.review.store import Head

TEXTS = [item.name for item in fields(Record) if item.name != "seq"]


def chain(n, case_id="case", start="first"):
    records = []
    for seq in range(1, n + 1):
        draft = Draft(EventKind.NOTED, "f" * 64, {"n": seq, "start": start})
        previous = records[-1].hash if records else genesis(case_id)
        records.append(
            seal(draft, case_id=case_id, seq=seq, at="2026", reader="Ada", previous=previous)
        )
    return records


def head_of(records):
    return Head(records[-1].seq, records[-1].hash) if records else Head(0, genesis("case"))


def problems(records, head):
    return [(finding.seq, finding.problem) for finding in check_chain("case", records, head)]


@pytest.mark.parametrize("n", [0, 1, 5])
def test_an_untouched_log_holds_together(n):
    records = chain(n)
    assert problems(records, head_of(records)) == []


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("row", [0, 2, 4])
def test_every_edited_field_shows(name, row):
    records = chain(5)
    head = head_of(records)
    records[row] = replace(records[row], **{name: getattr(records[row], name) + "x"})
    assert problems(records, head)[0][0] == row + 1


@pytest.mark.parametrize("row", [0, 2, 3])
def test_a_forged_event_shows_until_all_later_hashes_are_forged(row):
    """The forger hashes the event anew and ties the next one to it: its own hash gives it away."""
    records = chain(5)
    forged = replace(records[row], reader="Bo")
    records[row] = replace(forged, hash=forged.computed_hash())
    records[row + 1] = replace(records[row + 1], previous=records[row].hash)
    found = problems(records, head_of(records))
    assert found == [(row + 2, "its content was changed after it was written")]


def test_the_way_of_hashing_is_frozen():
    """Logs of today must hold together for every later version."""
    assert [record.hash[:16] for record in chain(2)] == ["7a97128f6f65102c", "5a29e0cc3dd8a76a"]


@given(n=st.integers(2, 8), data=st.data())
def test_every_removed_run_of_events_shows(n, data):
    records = chain(n)
    first = data.draw(st.integers(0, n - 1))
    last = data.draw(st.integers(first + 1, n))
    assert problems(records[:first] + records[last:], head_of(records))


@given(order=st.permutations(range(5)))
def test_every_other_order_shows(order):
    records = chain(5)
    moved = [replace(records[old], seq=new) for new, old in enumerate(order, 1)]
    assert bool(problems(moved, head_of(records))) == (list(order) != sorted(order))


def test_a_removed_event_is_placed():
    records = chain(5)
    found = problems(records[:2] + records[3:], head_of(records))
    assert found == [
        (4, "events are missing after number 2"),
        (4, "it does not follow from the event before it"),
    ]


def test_a_cut_off_tail_shows_by_the_noted_end():
    records = chain(5)
    cut = problems(records[:3], head_of(records))
    assert cut == [(5, "the end was cut off: 2 events are missing")]
    assert problems([], head_of(records)) == [(5, "the end was cut off: 5 events are missing")]


def test_a_removed_note_of_the_end_shows():
    records = chain(3)
    assert problems(records, Head(0, genesis("case")))


def test_events_of_another_case_do_not_pass():
    assert problems(chain(3, "other"), head_of(chain(3, "other")))


def append(store, n):
    for seq in range(n):
        draft = Draft(EventKind.NOTED, "f" * 64, {"n": seq})
        store.append("case", [draft], reader="Ada", expected=seq)


def without_guard(store, *statements):
    """Do what somebody with all rights to the database can do."""
    guards = ["alkfish_events_no_update", "alkfish_events_no_delete"]
    with store._engine.begin() as connection:
        for guard in guards:
            connection.exec_driver_sql(f"DROP TRIGGER {guard}")
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_tampering_in_the_database_shows(local):
    append(local, 4)
    without_guard(local, "UPDATE alkfish_events SET reader = 'Bo' WHERE seq = 2")
    report = verify(local, "case")
    assert not report.is_intact
    assert [finding.seq for finding in report.findings] == [2]


def test_what_only_a_hash_kept_elsewhere_shows(local):
    """Cutting off the tail and its note is a shorter, valid log: the limit of any hash chain."""
    append(local, 4)
    noted = verify(local, "case").head
    third = local.records("case")[2].hash
    without_guard(
        local, "DELETE FROM alkfish_events WHERE seq = 4",
        f"UPDATE alkfish_heads SET seq = 3, hash = '{third}'",  # noqa: S608
    )  # fmt: skip
    assert verify(local, "case").is_intact
    report = verify(local, "case", expected_head=noted)
    assert [finding.problem for finding in report.findings] == [
        f"the event with hash {noted} is no longer in the log"
    ]


def test_a_hash_noted_earlier_stays_valid_when_events_follow(local):
    append(local, 3)
    first = local.records("case")[0].hash
    assert verify(local, "case", expected_head=first[:8].upper()).is_intact
    assert not verify(local, "case", expected_head=first[:7]).is_intact
