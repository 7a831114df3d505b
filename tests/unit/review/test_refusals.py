"""Every refusal that a reader can meet says what is not possible, why, and what to do instead."""

import re

import pytest

from alkfish.errors import ReviewError, StaleError
from alkfish.model.probe import ProbeEnd
from alkfish.model.signals import Pattern
from alkfish.review import (
    TRANSITIONS,
    CaseReview,
    CaseState,
    EventKind,
    NucleiMerged,
    NucleusDeclumped,
    NucleusKey,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
)
from alkfish.review.refusals import check_step

SCORED, READING, AWAITING, CALLED, SIGNED = CaseState
ONE = NucleusKey("field", 1)

INTERNAL = re.compile(r"[a-z]+_[a-z]+|\b[A-Z][a-z]+[A-Z]\w*|[\[({<]\s*['\"\d]|\bNone\b|np\.|\d{6}")
"""Names of the code, and values as code prints them."""


def assert_plain(error):
    text = str(error)
    found = INTERNAL.search(text)
    assert found is None, f"{found[0]!r} in {text!r}"
    assert error.remedy, f"it does not say what to do: {text!r}"
    assert not error.problem.endswith(".")


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("kind", list(EventKind))
def test_every_step_that_a_state_does_not_allow_is_refused_in_plain_words(state, kind):
    if kind in TRANSITIONS[state]:
        check_step(state, kind, where="case 17")
        return
    with pytest.raises(ReviewError) as caught:
        check_step(state, kind, where="case 17")
    assert_plain(caught.value)
    what, _, why = caught.value.problem.partition(": ")
    assert what
    assert why, "it says why"


@pytest.mark.parametrize(
    ("state", "kind", "text"),
    [
        (SCORED, EventKind.PATTERN_SET, "case 17: nothing can be decided: nobody is reading the "
         "case\n  what to do: start a read first"),
        (SCORED, EventKind.EDITED, "case 17: signals and outlines cannot be edited: nobody is "
         "reading the case\n  what to do: start a read first"),
        (SCORED, EventKind.SIGNED, "case 17: the case cannot be signed: nobody is reading the case"
         "\n  what to do: start a read and finish it: what is signed is the call of a read"),
        (READING, EventKind.READ_STARTED, "case 17: no read can be started: a read of it is "
         "open\n  what to do: go on with the open read if it is yours; else wait until it is "
         "finished, or abandon it with a reason"),
        (READING, EventKind.SIGNED, "case 17: the case cannot be signed: a read of it is open\n"
         "  what to do: finish or abandon the read that is open"),
        (AWAITING, EventKind.PATTERN_SET, "case 17: nothing can be decided: the first read was "
         "equivocal and a second reader is awaited\n  what to do: let another person start the "
         "second read"),
        (CALLED, EventKind.NUCLEUS_REJECTED, "case 17: nothing can be decided: it is called and no "
         "read is open\n  what to do: sign the case; to change something, open a new version and "
         "give the reason"),
        (SIGNED, EventKind.READ_STARTED, "case 17: no read can be started: it is signed and "
         "frozen\n  what to do: open a new version and give the reason; the signed one is "
         "kept"),
        (SIGNED, EventKind.SIGNED, "case 17: the case cannot be signed: it is signed and "
         "frozen\n  what to do: nothing: it is signed already. A later change is a new "
         "version, with a reason"),
    ],
)  # fmt: skip
def test_what_is_said(state, kind, text):
    with pytest.raises(ReviewError) as caught:
        check_step(state, kind, where="case 17")
    assert str(caught.value) == text


@pytest.fixture
def ada(local, mixed):
    found = CaseReview(local, mixed, "Ada")
    found.start_read()
    return found


def finished(ada, positive):
    for number, nucleus in enumerate(ada.pending()):
        ada.set_pattern(nucleus, Pattern.SPLIT if number < positive else Pattern.FUSED)
    ada.finish_read()
    return ada


def outside(ada):
    return next(key for key in ada._case.order if key not in ada.queue())


IN_A_READ = {
    "a nucleus that was not drawn": lambda r: r.set_pattern(outside(r), Pattern.FUSED),
    "a nucleus that is not there": lambda r: r.edit(
        SpotAdded("field", 9999, ProbeEnd.FIVE_PRIME, 1, 1)
    ),
    "a field that is not there": lambda r: r.edit(NucleiMerged("nowhere", (1, 2))),
    "a signal that is not there": lambda r: r.edit(SpotDeleted("field", 99_999)),
    "a signal beside the picture": lambda r: r.edit(SpotMoved("field", 1, -1.0, 1.0, 0)),
    "no reason": lambda r: r.reject(r.queue()[0], " "),
    "a reason with control characters": lambda r: r.reject(r.queue()[0], "a\x07b"),
    "no note": lambda r: r.note(""),
    "finishing too early": lambda r: r.finish_read(),
    "undoing nothing": lambda r: r.undo(),
    "redoing nothing": lambda r: r.redo(),
    "a second read at once": lambda r: r.start_read(),
    "signing while reading": lambda r: r.sign(),
    "a new version while reading": lambda r: r.open_version("x"),
    "merging one nucleus": lambda r: r.edit(NucleiMerged("field", (1, 1))),
    "merging nuclei apart": lambda r: r.edit(NucleiMerged("field", (1, 2))),
    "a cut that parts nothing": lambda r: r.edit(NucleusDeclumped("field", 1, ((0, 0), (1, 1)))),
    "scoring again while reading": lambda r: r.check_rescore(r.machine_result, "x"),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_A_READ)
def test_refusals_within_a_read_are_plain(ada, local, name):
    before = len(local.events("case"))
    with pytest.raises(ReviewError) as caught:
        IN_A_READ[name](ada)
    assert_plain(caught.value)
    assert len(local.events("case")) == before, "nothing was written"


def test_refusals_around_reads_are_plain(ada, local, mixed, make_result):
    bo = CaseReview(local, mixed, "Bo")
    with pytest.raises(ReviewError, match="belongs to another reader") as others:
        bo.note("x", ONE)
    read_id = ada.read.read_id
    finished(ada, 8)
    with pytest.raises(ReviewError, match="must be another person") as same:
        ada.start_read()
    with pytest.raises(StaleError, match="somebody else has written") as stale:
        bo.abandon_read("x")
    with pytest.raises(ReviewError, match="no call of a reader yet") as uncalled:
        ada.reviewed_result()
    bo.refresh()
    with pytest.raises(ReviewError, match="cannot be gone on with") as foreign:
        bo.start_read(continue_read=read_id)
    with pytest.raises(ReviewError, match="one of another case") as another:
        ada.check_rescore(make_result(["FUSED"], case_id="other"), "x")
    with pytest.raises(ReviewError, match="name of the reader is missing") as nameless:
        CaseReview(local, mixed, " ")
    for caught in (others, same, stale, uncalled, foreign, another, nameless):
        assert_plain(caught.value)
