"""The runner: no case stops the others, not even one that kills its workers."""

import errno
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

from alkfish.batch import runner as module
from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.events import EventKind
from alkfish.batch.outcomes import KEPT, Done, Failed, Waiting
from alkfish.batch.runner import Runner
from alkfish.batch.work import Packed, ReportPlan
from alkfish.errors import ExecutionError, ImageError
from alkfish.io.batch_note import NO_NOTE


class StubExecutor:
    """Runs works that name what happens to them."""

    n_workers = 2

    def __init__(self):
        self.ran = []

    def check_paths(self, paths):
        pass

    def run(self, _task, items):
        for number, work in enumerate(items):
            self.ran.append(work.case_id)
            if work.case_id.startswith("kills"):
                raise ExecutionError("worker processes died 4 times on the same item")
            if work.case_id == "stops":
                raise KeyboardInterrupt
            failed = work.case_id.startswith("bad")
            yield number, ImageError("damaged") if failed else Packed(b"")


class StubPlan(SimpleNamespace):
    is_slide = False
    needed = True
    report_needed = False
    weight = 1
    why = ()
    kept = KEPT


class StubPlanner:
    out = Path("nowhere")

    def plan(self, case, _review, _note):
        if case.case_id.startswith("closed"):
            raise ImageError("cannot be opened")
        if case.case_id == "defect":
            raise ZeroDivisionError("a mistake of ours")
        inner = SimpleNamespace(paths=(), fields=())
        work = SimpleNamespace(
            case_id=case.case_id, case=inner, note=NO_NOTE, report=ReportPlan(wanted=False)
        )
        return StubPlan(case=case, work=work)


@pytest.fixture
def run(monkeypatch, done):
    monkeypatch.setattr(module, "place_packed", lambda _, work, out: out / work.case_id)
    monkeypatch.setattr(module, "open_bundle", lambda path: path.name)
    monkeypatch.setattr(module, "remember_pictures", lambda *_: None)
    monkeypatch.setattr(module.Figures, "of", lambda name: done(name, 50, 100).figures)

    def run_them(*names, controls=()):
        events = []
        made = Runner(StubPlanner(), StubExecutor(), events.append)
        kinds = [Control.NEGATIVE if name in controls else Control.NONE for name in names]
        cases = [BatchCase(*item) for item in zip(names, [()] * len(names), kinds, strict=True)]
        with suppress(KeyboardInterrupt):
            made.run(cases, {})
        return made.outcomes, events, made.executor.ran

    return run_them


def kinds(outcomes):
    return {name: type(outcome) for name, outcome in outcomes.items()}


def test_failures_of_every_kind_stay_with_their_case(run):
    outcomes, events, _ = run("a", "closed", "bad", "defect", "b")
    assert kinds(outcomes) == {"a": Done, "closed": Failed, "bad": Failed, "defect": Failed,
                               "b": Done}  # fmt: skip
    assert outcomes["defect"].error["type"] == "ZeroDivisionError"
    failed = [event.case_id for event in events if event.kind is EventKind.CASE_FAILED]
    assert sorted(failed) == ["bad", "closed", "defect"]


def test_a_case_that_kills_workers_is_found_and_the_rest_is_done(run):
    names = ["a", "kills 1", "b", "c", "d", "e", "kills 2", "f"]
    outcomes, _, _ = run(*names)
    assert {n for n, outcome in outcomes.items() if isinstance(outcome, Failed)} == {
        "kills 1",
        "kills 2",
    }
    assert all(isinstance(outcomes[name], Done) for name in "abcdef")


def test_controls_come_first(run):
    _, _, ran = run("a", "b", "N", "P", controls=("N", "P"))
    assert ran == ["N", "P", "a", "b"]


def test_a_full_disk_says_where_and_what_to_do(run, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "out/a/x")

    monkeypatch.setattr(module, "place_packed", full)
    outcomes, _, _ = run("a", "b")
    error = outcomes["a"].error
    assert (error["type"], error["where"]) == ("OutputError", "out/a/x")
    assert error["found"] == "No space left on device"
    assert "make room" in error["remedy"]


def test_what_was_not_reached_waits(run):
    outcomes, _, _ = run("a", "stops", "b")
    assert kinds(outcomes) == {"a": Done, "stops": Waiting, "b": Waiting}
