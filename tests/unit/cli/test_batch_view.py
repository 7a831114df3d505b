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
