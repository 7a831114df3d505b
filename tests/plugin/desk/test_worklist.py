"""The worklist: every case with its state, quickly, and what waits for the reader."""

import shutil
from dataclasses import replace

import pytest
from qtpy.QtCore import Qt

from alkfish.errors import BundleError
from alkfish.io.bundle import NUCLEI, RESULT
from alkfish.model.signals import Pattern
from alkfish.plugin.worklist import NO_FOLDER, Worklist
from alkfish.review import ReadMode


@pytest.fixture
def worklist(qtbot, workspace):
    made = Worklist(workspace)
    qtbot.addWidget(made)
    made.show()
    return made


def rows(worklist):
    shown = worklist.shown
    return [
        [shown.index(row, column).data() for column in range(4)] for row in range(shown.rowCount())
    ]


def test_without_a_folder_it_is_empty(worklist):
    assert rows(worklist) == []
    assert worklist.footer.text() == NO_FOLDER


def test_cases_states_and_calls(worklist, workspace, made):
    workspace.open(made / "case a", reader="Ada")
    assert rows(worklist) == [
        ["case a", "○ Scored, not read", "", "POSITIVE"],
        ["case b", "○ Scored, not read", "", "NEGATIVE"],
        ["case c", "○ Scored, not read", "", "NEGATIVE"],
    ]
    session = workspace.session
    session.start_read(ReadMode.FIFTY, blinded=True)
    worklist.refresh()
    assert rows(worklist)[0] == ["case a", "◐ Being read by you", "", "hidden"]
    for nucleus in session.undecided():
        session.decide(Pattern.FUSED, (nucleus,))
    session.finish_read()
    worklist.refresh()
    assert rows(worklist)[0][1:3] == ["● Called, not signed, read by you", "NEGATIVE"]
    assert "3 cases, 2 wait for you" in worklist.footer.text()
    session.sign()
    worklist.refresh()
    assert rows(worklist)[0][1] == "✔ Signed by you"


def test_a_long_case_id_is_shown_whole(worklist, workspace, made, qapp):
    """Two that differ at the end only must not look the same."""
    workspace.open(made / "case a", reader="Ada")
    low = worklist.table.rowHeight(0)
    name = "2026-11-S-0012345-ALK-A"
    model = worklist.model
    model.show([replace(model.entries[0], case_id=name), *model.entries[1:]], "")
    worklist._fit_rows()
    text = model.index(0, 0).data()
    assert text.replace("\N{ZERO WIDTH SPACE}", "") == name
    metrics = worklist.table.fontMetrics()
    space = worklist.table.columnWidth(0)
    assert max(map(metrics.horizontalAdvance, text.split("\N{ZERO WIDTH SPACE}"))) < space
    assert worklist.table.rowHeight(0) > low
    lines = -(-metrics.horizontalAdvance(name) // space)
    assert worklist.table.rowHeight(0) >= lines * metrics.height()


def test_one_case_is_told_in_the_singular(worklist, workspace, made):
    workspace.open(made / "case a", reader="Ada")
    worklist.search.setText("case a")
    worklist.model.show(worklist.model.entries[:1], "")
    worklist._tell()
    assert worklist.footer.text().startswith("1 case, 1 waits for you")


def test_a_first_read_tells_the_second_reader_nothing(worklist, workspace, made):
    workspace.open(made / "case a", reader="Ada")
    session = workspace.session
    session.start_read()
    for number, nucleus in enumerate(session.undecided()):
        session.decide(Pattern.SPLIT if number < 10 else Pattern.FUSED, (nucleus,))
    session.finish_read()
    worklist.waiting.setChecked(True)
    worklist.refresh()
    assert [row[0] for row in rows(worklist)] == ["case b", "case c"]
    worklist.reader.setText("Bo")
    worklist.reader.editingFinished.emit()
    assert workspace.reader == "Bo"
    assert rows(worklist)[0] == [
        "case a", "② Equivocal, awaits a second reader, read by Ada", "", "POSITIVE",
    ]  # fmt: skip


def test_a_row_opens_its_case_and_filters_find(worklist, workspace, made):
    workspace.open(made / "case a", reader="Ada")
    worklist.search.setText("CASE B")
    assert [row[0] for row in rows(worklist)] == ["case b"]
    worklist.table.clicked.emit(worklist.shown.index(0, 0))
    assert workspace.session.case_id == "case b"
    font = worklist.shown.index(0, 0).data(Qt.ItemDataRole.FontRole)
    assert font.bold()
    worklist.search.clear()
    worklist.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    assert rows(worklist)[0][0] == "case a"
    worklist.hide_machine.setChecked(True)
    assert {row[3] for row in rows(worklist)} == {""}


def test_a_folder_without_results_is_refused_in_words(worklist, tmp_path):
    worklist.choose_folder = lambda: str(tmp_path)
    worklist.folder.click()
    assert worklist.footer.text().startswith(NO_FOLDER) or "no results" in worklist.footer.text()


def test_damaged_cases_are_named(worklist, workspace, made):
    workspace.open(made / "case c", reader="Ada")
    assert worklist.damage.isHidden()
    (made / "case a" / RESULT).write_text("{")
    (made / "case b" / RESULT).unlink()
    worklist.refresh()
    assert [row[0] for row in rows(worklist)] == ["case c"]
    assert not worklist.damage.isHidden()
    assert "case a, case b" in worklist.damage.text()


def test_a_folder_opens_though_its_first_case_is_damaged(worklist, workspace, made):
    said = []
    workspace.said.connect(lambda text, _: said.append(text))
    (made / "case a" / NUCLEI).write_bytes(b"torn")
    workspace.open(made, reader="Ada")
    assert workspace.session.case_id == "case b"
    assert "case a" in said[-1]
    for name in ("case b", "case c"):
        (made / name / NUCLEI).write_bytes(b"torn")
    with pytest.raises(BundleError, match="no result in the folder can be read"):
        workspace.open(made, reader="Ada")


def test_hundreds_of_cases_are_listed_without_opening_them(worklist, workspace, made, monkeypatch):
    import json

    text = (made / "case c" / RESULT).read_text("utf-8")
    for number in range(300):
        folder = made / f"case {number:03}"
        folder.mkdir()
        data = json.loads(text) | {"case": f"case {number:03}"}
        (folder / RESULT).write_text(json.dumps(data))
    workspace.open(made / "case a", reader="Ada")
    assert len(rows(worklist)) == 303
    reads = []
    monkeypatch.setattr("alkfish.plugin.case_list._read", lambda file: reads.append(file))
    worklist.refresh()
    assert reads == []
    assert len(rows(worklist)) == 303
    shutil.rmtree(made / "case 007")
    worklist.refresh()
    assert len(rows(worklist)) == 302
