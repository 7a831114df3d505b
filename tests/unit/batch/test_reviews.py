"""What the summary learns of reviews: no first read before the second is done."""

from dataclasses import replace

import pytest

from alkfish.batch.planning import _read_already
from alkfish.batch.reviews import STORE, review_notes, warnings_of
from alkfish.review.elsewhere import note_elsewhere
from alkfish.review.standing import Standing
from alkfish.review.states import CaseState


def standing(state, call):
    return Standing("a", state, 1, "f" * 64, "", False, ("Ada",), call, "", "", "")


def test_without_a_store_nobody_has_read(tmp_path):
    assert review_notes(tmp_path) == {}


@pytest.fixture
def note_of(tmp_path, monkeypatch):
    """Return ``note_of(standing)``: what is known of a case that stands there."""
    (tmp_path / STORE).write_bytes(b"")

    class Store:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    def note(found):
        monkeypatch.setattr("alkfish.review.store.open_store", lambda *_, **__: Store())
        monkeypatch.setattr("alkfish.review.standing.standings", lambda _: {"a": found})
        return review_notes(tmp_path)["a"]

    return note


def test_an_equivocal_first_read_is_not_shown_to_the_second_reader(note_of):
    note = note_of(standing(CaseState.EQUIVOCAL_AWAITING_SECOND, None))
    assert (note.words, note.call) == ("awaits a second reader", "")


@pytest.mark.parametrize(
    ("state", "version", "words", "claim"),
    [
        (CaseState.SCORED, 1, "without a finished read", "its review has begun"),
        (CaseState.SCORED, 2, "to be read again, as version 2", "people have read it"),
        (CaseState.READING, 1, "being read", "somebody is reading it"),
        (CaseState.READING, 2, "being read", "people have read it"),
        (CaseState.EQUIVOCAL_AWAITING_SECOND, 1, "awaits a second reader", "people have read it"),
        (CaseState.CALLED, 1, "read, not signed", "people have read it"),
        (CaseState.SIGNED, 1, "signed by ", "people have read it"),
    ],
)
def test_why_a_result_is_not_replaced_agrees_with_how_far_its_review_is(
    note_of, tmp_path, state, version, words, claim
):
    """A review without a finished read is not said to have been read."""
    note = note_of(replace(standing(state, None), version=version))
    assert (note.words, note.claim) == (words, claim)
    error = _read_already(tmp_path, ["the settings changed"], note)
    assert error.problem == f"the result would be made anew, but {claim}"
    assert error.found == f"{words}; the settings changed"


def test_with_reads_in_another_store_every_result_may_have_been_read(tmp_path):
    for name, text in (("a", '{"case": "A 1"}'), ("b", "damaged"), ("c", "[]")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "result.json").write_text(text, "utf-8")
    note_elsewhere(tmp_path, "postgresql://lab@server/reviews")
    notes = review_notes(tmp_path)
    assert {name: note.words for name, note in notes.items()} == {
        "A 1": "read in postgresql://lab@server/reviews"
    }
    assert notes["A 1"].fingerprint
    assert notes["A 1"].claim == "people may have read it"
    (warning,) = warnings_of(tmp_path, ["A 1"])
    assert "read in postgresql" in warning
