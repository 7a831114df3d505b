"""The watcher, with a clock of its own and nothing really scored."""

import shutil
from contextlib import suppress
from types import SimpleNamespace

import pytest

from alkfish.batch.events import EventKind
from alkfish.batch.run import BatchOptions
from alkfish.batch.runner import Runner
from alkfish.batch.watch import Clock, WatchOptions, watch_inbox
from alkfish.batch.work import ReportPlan
from alkfish.errors import InputError

EXECUTOR = SimpleNamespace(n_workers=1, describe=lambda: "nowhere")
STEP_S = 5.0


class Play:
    """Time that passes in steps; each step does something to the folder."""

    def __init__(self, steps):
        self.time, self.steps = 1000.0, iter(steps)

    def now(self):
        return self.time

    def sleep(self, _seconds):
        self.time += STEP_S
        step = next(self.steps, None)
        if step is None:
            raise KeyboardInterrupt
        step()


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def watch(inbox, monkeypatch, done):
    """Return what was scored in which round, and the events."""

    def run(self, cases, _reviews):
        rounds.append([case.case_id for case in cases])
        for case in cases:
            made = done(case.case_id, 0, 100, out=self.planner.out)
            self.outcomes[case.case_id] = made

    rounds, events = [], []
    monkeypatch.setattr(Runner, "run", run)

    def go(*steps, settle=10.0, marker=""):
        play = Play(steps)
        with suppress(KeyboardInterrupt):
            watch_inbox(
                inbox,
                inbox.parent / "out",
                executor=EXECUTOR,
                options=BatchOptions(report=ReportPlan(wanted=False)),
                watch=WatchOptions(settle, STEP_S, marker),
                tell=events.append,
                clock=Clock(play.now, play.sleep),
            )
        return rounds, events

    return go


def nothing():
    pass


def writes(path, text="x"):
    return lambda: path.write_text(path.read_text() + text if path.exists() else text)


def test_a_file_that_grows_is_waited_for(inbox, watch):
    grow = writes(inbox / "a.tif")
    rounds, _ = watch(grow, grow, grow, nothing)
    assert rounds == []
    rounds, _ = watch(nothing, nothing, nothing)
    assert rounds == [["a"]]


def test_what_vanishes_before_it_is_complete_is_forgotten(inbox, watch):
    file = inbox / "a.tif"
    rounds, events = watch(writes(file), file.unlink, nothing, nothing, nothing)
    assert rounds == []
    assert sum(event.kind is EventKind.CASE_SEEN for event in events) == 1


def test_every_case_settles_by_itself_and_changes_are_scored_anew(inbox, watch):
    first, second = inbox / "a.tif", inbox / "b.tif"
    rounds, _ = watch(
        writes(first), nothing, writes(second), nothing, nothing, writes(first), nothing, nothing,
        nothing,
    )  # fmt: skip
    assert rounds == [["a"], ["b"], ["a"]]


def test_a_drive_that_goes_away_is_waited_for_and_told_once(inbox, watch):
    away = inbox.with_name("away")
    rounds, events = watch(
        writes(inbox / "a.tif"),
        lambda: shutil.move(inbox, away),
        nothing,
        lambda: shutil.move(away, inbox),
        nothing,
        nothing,
    )
    assert rounds == [["a"]]
    told = [event.text for event in events if event.kind is EventKind.NOTICE]
    assert len(told) == 1
    assert told[0].endswith("waiting for it")


def test_markers_replace_settling(inbox, watch):
    file = inbox / "a.tif"
    rounds, _ = watch(
        writes(file), nothing, nothing, writes(inbox / "a.tif.done"), nothing, marker=".done"
    )
    assert rounds == [["a"]]


def test_two_names_of_one_case_at_once(inbox, watch):
    for name in ("a.tif", "a.png"):
        (inbox / name).write_text("x")
    rounds, _ = watch(nothing, nothing, nothing)
    assert rounds == [["a"]]
    table = (inbox.parent / "out" / "summary.csv").read_text("utf-8-sig")
    assert "another picture or folder gives the same case id" in table


def test_a_missing_folder_is_refused_at_the_start(inbox, watch):
    inbox.rmdir()
    with pytest.raises(InputError, match="cannot be read"):
        watch()
