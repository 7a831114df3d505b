"""What the summary learns of reviews: no first read before the second is done."""

from alkfish.batch.reviews import STORE, review_notes, warnings_of
from alkfish.review.elsewhere import note_elsewhere
from alkfish.review.standing import Standing
from alkfish.review.states import CaseState


def standing(state, call):
    return Standing("a", state, 1, "f" * 64, "", False, ("Ada",), call, "", "", "")


def test_without_a_store_nobody_has_read(tmp_path):
    assert review_notes(tmp_path) == {}


def test_an_equivocal_first_read_is_not_shown_to_the_second_reader(tmp_path, monkeypatch):
    (tmp_path / STORE).write_bytes(b"")

    class Store:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

    found = {"a": standing(CaseState.EQUIVOCAL_AWAITING_SECOND, None)}
    monkeypatch.setattr("alkfish.review.store.open_store", lambda *_, **__: Store())
    monkeypatch.setattr("alkfish.review.standing.standings", lambda _: found)
    note = review_notes(tmp_path)["a"]
    assert (note.words, note.call) == ("awaits a second reader", "")


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
    (warning,) = warnings_of(tmp_path, ["A 1"])
    assert "read in postgresql" in warning
