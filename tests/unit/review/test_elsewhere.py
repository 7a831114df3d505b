from alkfish.review.elsewhere import NOTE, note_elsewhere, store_elsewhere


def test_a_folder_without_a_note(tmp_path):
    assert store_elsewhere(tmp_path) == ""
    assert store_elsewhere(tmp_path / "missing") == ""


def test_the_first_note_stays(tmp_path):
    note_elsewhere(tmp_path, "postgresql://lab@server/reviews")
    note_elsewhere(tmp_path, "postgresql://lab@other/reviews")
    assert store_elsewhere(tmp_path) == "postgresql://lab@server/reviews"


def test_a_folder_that_cannot_be_written_is_left(tmp_path):
    note_elsewhere(tmp_path / "missing", "postgresql://lab@server/reviews")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_note_names_no_store(tmp_path):
    (tmp_path / NOTE).write_bytes(b"\xff\xfe\xff")
    assert store_elsewhere(tmp_path) == ""
