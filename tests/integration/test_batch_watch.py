"""``alkfish watch``: what comes into a folder is scored once it is complete."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alkfish.cli import ExitCode

QUICK = ("--settle", 0.3, "--poll", 0.1, "--no-report", "--json")


@pytest.fixture(scope="module")
def picture(tmp_path_factory, alkfish):
    folder = tmp_path_factory.mktemp("watched")
    size = ("--seed", 1, "--fields", 1, "--size", 384, "--level", "easy")
    alkfish("simulate", folder, *size, "--name", "case")
    return folder / "case" / "field_01.ome.tif"


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def put(picture, place):
    """Copy a picture under a name or into a folder; no two copies are the same picture."""
    copied = Path(shutil.copy(picture, place))
    with copied.open("ab") as stream:
        stream.write(str(copied).encode())


def once(alkfish, inbox, *arguments, code=0):
    out = inbox.parent / "out"
    done = alkfish("watch", inbox, "-o", out, *QUICK, "--once", *arguments, code=code)
    return [json.loads(line) for line in done.stdout.splitlines()]


def names(events, kind):
    return [event["case_id"] for event in events if event["event"] == kind]


def rows(inbox):
    text = (inbox.parent / "out" / "summary.csv").read_text("utf-8-sig")
    return {row["case_id"]: row["status"] for row in csv.DictReader(text.splitlines())}


@pytest.fixture(scope="module")
def positive(tmp_path_factory, alkfish):
    """A picture of which half of the nuclei and more are positive."""
    folder = tmp_path_factory.mktemp("positive")
    size = ("--seed", 3, "--fields", 1, "--size", 512, "--level", "easy")
    alkfish("simulate", folder, *size, "--positive-fraction", 1, "--name", "case")
    return folder / "case" / "field_01.ome.tif"


def note_of(inbox, case_id):
    from alkfish.io.batch_note import read_note

    return read_note(inbox.parent / "out" / case_id)


MARKED = ("--negative-control", "nc*", "--positive-control", "PC*")


def test_the_same_picture_again_has_its_own_exit_code(alkfish, inbox, picture):
    shutil.copy(picture, inbox / "a.ome.tif")
    once(alkfish, inbox)
    shutil.copy(picture, inbox / "b.ome.tif")
    once(alkfish, inbox, code=ExitCode.SAME_PICTURE)
    assert note_of(inbox, "a").twins == ("b",)


def test_control_slides_are_known_by_their_names(alkfish, inbox, picture, positive):
    """A case is told that controls are missing; those that come later are told to it, too."""
    put(picture, inbox / "case.ome.tif")
    once(alkfish, inbox, *MARKED)
    assert "no positive and no negative control" in note_of(inbox, "case").missing_controls
    put(positive, inbox / "NC-1.ome.tif")
    events = once(alkfish, inbox, *MARKED, code=ExitCode.CONTROL_FAILED)
    checked = [event for event in events if event["event"] == "control_checked"]
    assert [(event["case_id"], event["passed"]) for event in checked] == [("NC-1", False)]
    note = note_of(inbox, "case")
    assert note.controls_text == "negative control NC-1 FAILED"
    assert note.missing_controls.startswith("no positive control")
    page = (inbox.parent / "out" / "summary.html").read_text("utf-8")
    assert "Control slides failed" in page
    assert once(alkfish, inbox, *MARKED)[0]["event"] == "notice"  # nothing new, nothing failed now
    put(picture, inbox / "later.ome.tif")
    events = once(alkfish, inbox, *MARKED, code=ExitCode.CONTROL_FAILED)  # it speaks for this one
    assert names(events, "case_scored") == ["later"]
    assert names(events, "control_checked") == ["NC-1"]


def test_a_name_that_is_both_controls_fails_and_one_that_is_none_is_a_case(alkfish, inbox, picture):
    put(picture, inbox / "a.ome.tif")
    both = ("--negative-control", "A", "--positive-control", "a")
    events = once(alkfish, inbox, *both, code=ExitCode.CASE_FAILED)
    failed = next(event for event in events if event["event"] == "case_failed")
    assert "negative and of positive" in failed["error"]["problem"]
    assert names(once(alkfish, inbox, "--negative-control", "b*"), "case_scored") == []


def test_reports_of_earlier_cases_are_renewed_when_a_control_fails(
    alkfish, inbox, picture, positive
):
    pytest.importorskip("jinja2")
    reports = ("--report", *MARKED)
    put(picture, inbox / "case.ome.tif")
    once(alkfish, inbox, *reports)
    report = inbox.parent / "out" / "case" / "report.html"
    assert 'data-code="control_failed"' not in report.read_text("utf-8")
    put(positive, inbox / "nc.ome.tif")
    once(alkfish, inbox, *reports, code=ExitCode.CONTROL_FAILED)
    assert 'data-code="control_failed"' in report.read_text("utf-8")


def test_complete_cases_are_scored_once_and_bad_ones_told_once(alkfish, inbox, picture):
    (inbox / "folder").mkdir()
    put(picture, inbox / "folder")
    put(picture, inbox / "slide.ome.tif")
    (inbox / "bad.tif").write_text("no picture")
    put(picture, inbox / "slide2.ome.tif.part")
    (inbox / "notes.txt").write_text("hello")
    events = once(alkfish, inbox, code=ExitCode.CASE_FAILED)
    assert names(events, "case_scored") == ["folder", "slide"]
    assert names(events, "case_failed") == ["bad"]
    events = once(alkfish, inbox)
    assert [event["event"] for event in events] == ["notice"]
    assert rows(inbox) == {"bad": "failed", "folder": "scored", "slide": "scored"}


def test_a_file_written_again_is_scored_anew_and_one_only_touched_is_kept(alkfish, inbox, picture):
    put(picture, inbox / "a.ome.tif")
    once(alkfish, inbox)
    os.utime(inbox / "a.ome.tif", (1, 1))
    assert names(once(alkfish, inbox), "case_kept") == ["a"]
    with (inbox / "a.ome.tif").open("ab") as stream:
        stream.write(b"\0" * 16)
    assert names(once(alkfish, inbox), "case_scored") == ["a"]


def test_what_was_moved_away_stays_in_the_summary(alkfish, inbox, picture):
    put(picture, inbox / "a.ome.tif")
    once(alkfish, inbox)
    (inbox / "a.ome.tif").unlink()
    put(picture, inbox / "b.ome.tif")
    once(alkfish, inbox)
    assert set(rows(inbox)) == {"a", "b"}


def test_a_marker_says_when_a_case_is_complete(alkfish, inbox, picture):
    (inbox / "a").mkdir()
    put(picture, inbox / "a")
    put(picture, inbox / "b.ome.tif")
    marked = ("--done-marker", ".done")
    assert names(once(alkfish, inbox, *marked), "case_scored") == []
    (inbox / "a" / ".done").touch()
    assert names(once(alkfish, inbox, *marked), "case_scored") == ["a"]
    (inbox / "b.ome.tif.done").touch()
    assert names(once(alkfish, inbox, *marked), "case_scored") == ["b"]


def test_two_entries_of_one_name_do_not_share_a_case(alkfish, inbox, picture):
    put(picture, inbox / "a.ome.tif")
    put(picture, inbox / "a.tif")
    events = once(alkfish, inbox, code=ExitCode.CASE_FAILED)
    assert "same case id" in next(e["text"] for e in events if e["event"] == "case_failed")
    assert sorted(rows(inbox).values()) == ["failed", "scored"]


def test_results_within_the_inbox_are_refused(alkfish, inbox):
    for out in (inbox, inbox / "out", inbox.parent):
        done = alkfish("watch", inbox, "-o", out, "--once", code=ExitCode.USAGE)
        assert "lie within each other" in done.stderr
    assert list(inbox.iterdir()) == []


def test_a_missing_inbox_is_an_input_error(alkfish, tmp_path):
    done = alkfish("watch", tmp_path / "none", "-o", tmp_path / "out", code=ExitCode.USAGE)
    assert "cannot be read" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_waits_and_stops_cleanly(inbox, picture, number):
    out = inbox.parent / "out"
    command = [sys.executable, "-m", "alkfish", "watch", inbox, "-o", out, *map(str, QUICK)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watcher:
        wait_for(watcher, "watching")
        put(picture, inbox / "late.ome.tif")
        assert wait_for(watcher, "case_scored")["case_id"] == "late"
        wait_for(watcher, "watching")
        watcher.send_signal(number)
        told, complaints = watcher.communicate(timeout=60)
    assert watcher.returncode == ExitCode.INTERRUPTED
    assert "batch_stopped" in told
    assert "Traceback" not in complaints
    assert rows(inbox) == {"late": "scored"}


def wait_for(watcher, kind):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        event = json.loads(watcher.stdout.readline())
        if event["event"] == kind:
            return event
    raise AssertionError(kind)
