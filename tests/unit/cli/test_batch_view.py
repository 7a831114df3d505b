"""The live view of a batch, and the plain lines in its place."""

import io

import pytest
from rich.console import Console

from alkfish.batch.events import Event, EventKind
from alkfish.cli.batch_view import BatchView


def started(n=3):
    return Event(EventKind.BATCH_STARTED, "begins", data={"n_cases": n, "n_workers": 2})


EVENTS = [
    started(),
    Event(EventKind.CASE_STARTED, "scoring", "a"),
    Event(EventKind.CASE_PROGRESS, "3 of 9 tiles", "a"),
    Event(EventKind.CASE_SCORED, "NEGATIVE [bold]x[/]", "a"),
    Event(EventKind.CASE_FAILED, "damaged", "b"),
    Event(EventKind.CASE_STARTED, "scoring again: the settings changed", "c", {"why": ["x"]}),
    Event(EventKind.CONTROL_CHECKED, "FAILED: too many", "a", {"passed": False}),
]


def show(events, *, terminal):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=120, _environ={})
    with BatchView(console) as view:
        for event in events:
            view(event)
        picture = Console(width=120, file=io.StringIO(), _environ={})
        picture.print(view.render())
    return stream.getvalue(), picture.file.getvalue()


def test_plain_lines_without_a_terminal():
    text, _ = show(EVENTS, terminal=False)
    assert "\x1b" not in text
    assert text.splitlines() == [
        "begins",
        "a: scoring",
        "a: NEGATIVE [bold]x[/]",
        "FAILED b: damaged",
        "c: scoring again: the settings changed",
        "control a: FAILED: too many",
    ]


def test_the_live_view_counts_and_names_what_runs():
    text, picture = show(EVENTS, terminal=True)
    assert "FAILED" in text
    assert "2 of 3 cases" in picture
    assert "1 scored, 1 failed" in picture
    assert "running: c" in picture
    assert "0:00:00 left" in picture


def test_progress_and_many_running_cases():
    _, picture = show(EVENTS[:3], terminal=True)
    assert "running: a (3 of 9 tiles)" in picture


@pytest.mark.parametrize("n", [0, 1])
def test_a_batch_of_none_can_be_drawn(n):
    _, picture = show([started(n)], terminal=True)
    assert f"0 of {n} cases" in picture


def test_waiting_for_cases_is_shown():
    _, picture = show([started(), Event(EventKind.WATCHING, "watching inbox")], terminal=True)
    assert picture.strip() == "watching inbox"


def progress(done, total=10):
    data = {"done": done, "total": total}
    return Event(EventKind.CASE_PROGRESS, f"{done} of {total} fields", "a", data)


@pytest.mark.parametrize(
    ("steps", "left"), [((1, 5), "0:01:40"), ((5, 5), "0:08:20"), ((), ""), ((1, 10), "")]
)
def test_time_left_of_a_single_case_counts_what_was_done_now(monkeypatch, steps, left):
    """100 s of which the first share stands for its last part: 4 more of 5 take as long."""
    view = BatchView(Console(file=io.StringIO(), width=120, _environ={}))
    clock = iter([0.0])
    monkeypatch.setattr("alkfish.cli.batch_view.time.monotonic", lambda: next(clock, 100.0))
    for event in (started(1), Event(EventKind.CASE_STARTED, "scoring", "a"), *map(progress, steps)):
        view(event)
    picture = Console(width=120, file=io.StringIO(), _environ={})
    picture.print(view.render())
    text = picture.file.getvalue()
    assert (f"{left} left" in text) if left else ("left" not in text)


def test_only_failures_and_notices_where_the_rest_is_for_machines():
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system=None, width=120, _environ={})
    with BatchView(console, only_failures=True) as view:
        for event in (*EVENTS, Event(EventKind.NOTICE, "the older one is kept")):
            view(event)
    assert stream.getvalue().splitlines() == ["FAILED b: damaged", "the older one is kept"]


def test_debug_prints_the_traceback_of_what_failed():
    event = Event(EventKind.CASE_FAILED, "damaged", "b", cause=ValueError("why"))
    for debug in (True, False):
        stream = io.StringIO()
        with BatchView(Console(file=stream, width=120, _environ={}), debug=debug) as view:
            view(event)
        assert ("ValueError: why" in stream.getvalue()) is debug
