"""Events: names are part of a format; the log is for people and holds no progress."""

import json
import os
import time

import pytest

from alkfish.batch.events import Event, EventKind, LogFile
from alkfish.batch.lock import locked
from alkfish.batch.run import LEFT_OVER_S, opened_out


def test_names_of_events_are_frozen():
    assert [kind.value for kind in EventKind] == [
        "batch_started", "watching", "case_seen", "case_started", "case_progress", "case_scored",
        "case_kept", "case_failed", "control_checked", "notice", "batch_stopped", "batch_finished",
    ]  # fmt: skip


def test_an_event_is_one_line_of_json():
    line = Event(EventKind.CASE_FAILED, "two\nlines", "a", {"n": 1}).as_json()
    assert "\n" not in line
    assert json.loads(line) == {
        "event": "case_failed",
        "case_id": "a",
        "n": 1,
        "text": "two\nlines",
    }


def test_the_log_appends_one_line_per_event(tmp_path):
    for _ in range(2):
        log = LogFile(tmp_path / "out")
        log(Event(EventKind.CASE_PROGRESS, "1 of 3 fields", "a"))
        log(Event(EventKind.CASE_FAILED, "bad\n  picture", "a"))
        log.close()
    lines = (tmp_path / "out" / "batch.log").read_text("utf-8").splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("case_failed     a: bad picture")


def test_a_lock_is_free_again_after_use(tmp_path):
    for _ in range(2):
        with locked(tmp_path / "new"):
            assert (tmp_path / "new").is_dir()


@pytest.mark.parametrize("shared", [True, False])
def test_what_a_killed_run_left_goes_after_a_week_and_not_before(tmp_path, shared):
    """A run that shares the folder may still be working in its own."""
    for name, age in ((".batch-work-old", LEFT_OVER_S + 60), (".batch-work-new", 60)):
        (tmp_path / name).mkdir()
        at = time.time() - age
        os.utime(tmp_path / name, (at, at))
    with opened_out(tmp_path, lambda _: None, shared=shared) as opened:
        names = {item.name for item in tmp_path.glob(".batch-work*")}
        assert names == {opened.scratch.name, ".batch-work-new"}
    assert [item.name for item in tmp_path.glob(".batch-work*")] == [".batch-work-new"]
