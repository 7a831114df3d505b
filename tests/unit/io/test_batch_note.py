"""What a batch noted of a case: words, the file in the bundle, and what is left out of it."""

from dataclasses import replace

import pytest

from alkfish.errors import BundleError
from alkfish.io.batch_note import FILE, NO_NOTE, BatchNote, ControlShown, read_note, write_note

FULL = BatchNote(
    twins=("case b", "Müller 7"),
    controls=(ControlShown("negative", "N-1", False), ControlShown("positive", "P-1", True)),
    missing_controls="no positive control of this probe and lot (lot 5) in this batch",
    lot="5",
    block="A3",
)


@pytest.mark.parametrize("note", [FULL, BatchNote(lot="x"), BatchNote(is_control="negative")])
def test_a_note_is_read_back_as_it_was_written(tmp_path, note):
    write_note(tmp_path, note)
    assert read_note(tmp_path) == note
    assert [item.name for item in tmp_path.iterdir()] == [FILE]


def test_nothing_to_say_is_no_file_and_removes_an_older_one(tmp_path):
    write_note(tmp_path, NO_NOTE)
    assert list(tmp_path.iterdir()) == []
    write_note(tmp_path, FULL)
    write_note(tmp_path, NO_NOTE)
    assert list(tmp_path.iterdir()) == []
    assert read_note(tmp_path) == NO_NOTE


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema_version": 9}', '{"schema_version": 1, "twins": 3}']
)
def test_a_note_that_cannot_be_read_is_never_taken_for_none(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(BundleError, match="noted of the case cannot be read"):
        read_note(tmp_path)


def test_cautions_in_words(tmp_path):
    assert [(c.code, c.text) for c in FULL.cautions] == [
        ("same_picture", "same picture as cases case b, Müller 7: sample mix-up?"),
        ("control_failed", "a control slide of this batch failed (N-1): do not report before this "
         "is explained"),
        ("no_control", FULL.missing_controls),
    ]  # fmt: skip
    assert FULL.controls_text == "negative control N-1 FAILED; positive control P-1 passed"
    assert BatchNote(lot="5").cautions == ()


def test_a_control_slide_says_what_it_is():
    assert BatchNote(is_control="positive").controls_text == "this is a positive control"


@pytest.mark.parametrize(
    ("twins", "words"), [(("b",), "another case"), (("b", "c", "d"), "3 other cases")]
)
def test_without_names_the_same_is_told(twins, words):
    note = replace(FULL, twins=twins).without_names()
    texts = [caution.text for caution in note.cautions]
    assert texts[0] == f"same picture as {words}: sample mix-up?"
    assert texts[1].startswith("a control slide of this batch failed: do not")
    assert note.controls_text == "negative control FAILED; positive control passed"
    assert note.block == ""


def test_a_run_that_knows_no_controls_adds_twins_only():
    assert NO_NOTE.added_to(FULL) == FULL
    assert BatchNote(twins=("z",)).added_to(FULL) == replace(FULL, twins=("z",))
    assert BatchNote(twins=("z",)).added_to(NO_NOTE) == BatchNote(twins=("z",))


def test_failed_controls_of_an_older_note_stay_until_they_are_checked_again():
    failed, passed = ControlShown("negative", "N", False), ControlShown("positive", "P", True)
    older = BatchNote(controls=(failed, passed), lot="L 1")
    for lot in ("", "l1"):
        assert BatchNote(lot=lot).keeping(older).controls == (failed,)
    assert BatchNote(lot="L2").keeping(older).controls == ()
    again = BatchNote(controls=(ControlShown("negative", "N", True),))
    assert again.keeping(older) == again
