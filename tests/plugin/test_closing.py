"""A window that is closed in the middle of a read: what was begun is there when it opens again."""

import warnings

from qtpy.QtCore import Qt

from alkfish.review import EventKind


def notes_of(session):
    events = [e for e in session.review.history() if e.kind is EventKind.NOTED]
    return [(e.subject["nucleus_id"], e.after["text"]) for e in events]


def test_notes_that_were_begun_are_kept(results, qtbot, qapp):
    """Those of the nucleus that is shown, of one left behind, and of the case before."""
    import napari

    from alkfish.plugin.desk import desk_of
    from alkfish.plugin.workspace import Workspace

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of third parties, while the window is made
        viewer = napari.Viewer(show=True)
    desk = desk_of(viewer)
    begun = {}
    for case in ("case_b", "case_a"):
        desk.workspace.open(results / case, reader="A. Reader")
        session = desk.workspace.session
        session.start_read()
        begun[case] = []
        for text in ("two overlap", "a strong 3' sig"):
            desk.review.catch_up()
            begun[case].append((session.current.nucleus_id, text))
            qtbot.keyClicks(desk.review.note, text)
            session.step(1)
            qapp.processEvents()
    begun["case_a"].append((session.current.nucleus_id, "blurr"))
    qtbot.keyClicks(desk.review.note, "blurr")
    assert notes_of(session) == []
    viewer.window._qt_window.close()
    qapp.processEvents()
    again = Workspace(None)
    for case, expected in begun.items():
        again.open(results / case, reader="A. Reader")
        assert sorted(notes_of(again.session)) == sorted(expected)
        assert again.session.is_reading
    again.close()


def test_a_note_of_a_case_stays_out_of_the_case_of_that_name_elsewhere(desk, results, qtbot, qapp):
    import shutil

    desk.workspace.session.start_read()
    qapp.processEvents()
    qtbot.keyClicks(desk.review.note, "of this folder")
    shutil.copytree(results, results.with_name("other"))
    desk.workspace.open(results.with_name("other") / "case_a", reader="A. Reader")
    qapp.processEvents()
    assert desk.review.note.text() == ""
    qtbot.keyClick(desk.review.note, Qt.Key.Key_Escape)
