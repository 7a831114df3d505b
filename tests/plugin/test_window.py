"""The review window itself: a real napari under xcb, driven by keys and mouse."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, Qt
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QLineEdit

from alkfish.model.probe import ProbeEnd
from alkfish.plugin.convert import near_rows
from alkfish.plugin.desk import SIDE_PX
from alkfish.plugin.drawing import camera_of
from alkfish.plugin.keys import BY_NAME, KEYS
from alkfish.plugin.launch import review_widget
from alkfish.plugin.layers import CURRENT, LINE, OUTLINES, PAIRS, PATTERNS, VIEW_UM
from alkfish.plugin.tools import Tool
from alkfish.plugin.workspace import Workspace
from alkfish.review import CaseState, SpotDeleted

PRESSED = {
    "Return": Qt.Key.Key_Return, "Right": Qt.Key.Key_Right, "Left": Qt.Key.Key_Left,
    "Escape": Qt.Key.Key_Escape,
}  # fmt: skip


@pytest.fixture
def press(desk, qtbot, qapp):
    """Press a key with the focus on the picture, as a reader does."""
    canvas = desk.viewer.window._qt_viewer.canvas.native
    main = desk.review.window()
    main.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is main, timeout=20_000)

    def do(key, modifier=Qt.KeyboardModifier.NoModifier):
        canvas.setFocus()
        code = PRESSED[key] if key in PRESSED else Qt.Key(ord(key))
        qtbot.keyClick(canvas, code, modifier)
        qapp.processEvents()

    return do


def test_a_case_opens_with_its_layers_and_something_to_see(desk, coverage):
    names = [layer.name for layer in desk.viewer.layers]
    assert names[:4] == ["DAPI", "3' (red)", "5' (green)", OUTLINES]
    assert {"3' signals", "5' signals", PAIRS, PATTERNS, CURRENT} <= set(names)
    assert len(names) == 10, "never a layer per nucleus"
    assert coverage() > 0.02
    assert desk.viewer.layers["DAPI"].colormap.name == "blue"


def test_the_window_fits_a_small_screen(desk, qapp):
    desk.review.window().resize(1280, 800)
    qapp.processEvents()
    size = desk.review.window().size()
    assert (size.width(), size.height()) == (1280, 800)


def test_keys_decide_and_go_on(desk, session, press):
    session.start_read()
    order = session.draw
    press("2")
    assert session.patterns[session.rows[order[0]]] == "SPLIT"
    assert session.current == order[1]
    press("1")
    assert session.patterns[session.rows[order[1]]] == "FUSED"
    press("U")
    assert not session.decided[session.rows[order[1]]]
    assert session.current == order[1]
    press("U", Qt.KeyboardModifier.ShiftModifier)
    assert session.decided[session.rows[order[1]]]
    press("Left")
    assert session.current == order[0]


def test_keys_in_a_text_field_belong_to_the_field(desk, session, press, qtbot, qapp):
    session.start_read()
    press("T")
    field = QApplication.focusWidget()
    assert isinstance(field, QLineEdit)
    qtbot.keyClicks(field, "12 sharp")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qapp.processEvents()
    assert not session.decided.any()
    assert session.review.read.notes[-1].text == "12 sharp"


def test_a_half_written_note_stays_with_its_nucleus(desk, session, press, qtbot, qapp):
    session.start_read()
    first, second = session.draw[:2]
    press("T")
    field = QApplication.focusWidget()
    qtbot.keyClicks(field, "cut")
    session.go(second)
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert not session.review.read.notes, "it is none of the nucleus that is shown now"
    session.go(first)
    desk.review.catch_up()
    assert field.text() == "cut"
    field.setFocus()
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is not field
    desk.workspace.set_reader("B. Reader")
    assert field.text() == "", "of another reader nothing shows"


def test_undoing_an_edit_goes_to_its_nucleus(desk, session, press):
    session.start_read()
    first, third = session.draw[0], session.draw[2]
    spots = session.result.spots
    own = (spots.fov == first.fov) & (spots.nucleus_id == first.nucleus_id)
    assert session.edit(SpotDeleted(first.fov, int(spots.spot_id[own][0])))
    session.go(third)
    press("U")
    assert session.current == first
    session.go(third)
    press("U", Qt.KeyboardModifier.ShiftModifier)
    assert session.current == first


def test_the_picture_shows_the_nucleus_of_a_reader_who_sits_down(desk, session):
    session.start_read()
    session.go(session.draw[3])
    desk.workspace.set_reader("B. Reader")
    now = desk.workspace.session
    table, row = now.result.nuclei, now.rows[now.current]
    size = now.result.pixel_size_um[now.current.fov]
    assert desk.layers.fov == now.current.fov
    seen = camera_of(desk.viewer).center[-2:]
    assert np.allclose(seen, (table.y_px[row] * size, table.x_px[row] * size))


def test_nothing_is_decided_while_the_picture_shows_other_settings(desk, session, press, qtbot):
    session.start_read()
    first = session.current
    box = desk.settings.form.value_box("scorable", "min_diam_um")
    box.setValue(14.0)
    qtbot.waitUntil(lambda: desk.settings.preview_layers.is_shown, timeout=60_000)
    press("Return")
    assert not session.decided.any()
    assert "trial" in desk.review.message.text()
    press("D")
    assert desk.editor.tool is Tool.NONE
    session.go(next(key for key in session.draw if key.fov != first.fov))
    assert not desk.settings.preview_layers.is_shown, "never over the pixels of another field"
    desk.settings.reset.click()
    assert not desk.settings.preview_layers.is_shown
    press("1")
    assert session.decided.sum() == 1


def test_the_marks_of_the_case_are_left_alone_while_others_are_shown(desk, session, press, qtbot):
    marks = (OUTLINES, PAIRS, PATTERNS, *(end.value for end in ProbeEnd))
    desk.settings.form.value_box("scorable", "min_diam_um").setValue(14.0)
    qtbot.waitUntil(lambda: desk.settings.preview_layers.is_shown, timeout=60_000)
    press("M")
    assert "trial" in desk.review.message.text()
    desk.settings.reset.click()
    assert all(desk.layers.layers[part].visible for part in marks)
    press("M")
    assert not any(desk.layers.layers[part].visible for part in marks)
    press("M")


def test_without_marks_only_the_frame_is_left(desk, session, press, viewer):
    nuclei = session.result.nuclei
    row = next(k for k in range(len(nuclei)) if nuclei.pattern[k] == "SPLIT")
    session.go(session.keys[row])
    frame = desk.layers.layers[CURRENT]
    assert list(frame.features["words"]) == ["", "?"]
    others = [each for each in desk.layers.layers.values() if each is not frame]

    def picture():
        QApplication.processEvents()
        return viewer.screenshot(canvas_only=True, flash=False)[..., :3].max(axis=-1)

    try:
        for layer in others:
            layer.visible = False
        with_reason = picture()
        desk.layers._marks.show_reason(False)
        alone = picture()
        assert (alone > 100).sum() < (with_reason > 100).sum(), "the question mark"
        frame.data = frame.data[:1]
        assert np.array_equal(picture(), alone), "nothing stands for the signal itself"
    finally:
        desk.layers._marks.show_reason(True)
        for layer in others:
            layer.visible = True
    press("M")
    assert not frame.text.visible
    press("M")
    assert frame.text.visible


def test_the_worklist_is_renewed_when_its_tab_comes_to_the_front(desk, session, qapp):
    session.start_read()
    desk.docks["Cases"].raise_()
    qapp.processEvents()
    desk.docks["Case"].raise_()
    qapp.processEvents()
    entry = lambda: next(e for e in desk.worklist.model.entries if e.case_id == "case_a")  # noqa: E731
    desk.worklist._timer.stop()
    try:
        session.abandon_read("another task")
        desk.docks["Cases"].raise_()
        qapp.processEvents()
        assert entry().state is CaseState.SCORED
    finally:
        desk.worklist._timer.start()
        desk.arrange()


def test_as_much_is_shown_in_a_canvas_of_any_size_until_somebody_zooms(desk, session, qapp):
    def shown_um():
        canvas = desk.viewer.window._qt_viewer.canvas
        qapp.processEvents()
        return canvas.native.height() / camera_of(desk.viewer).zoom

    main = desk.review.window()
    desk.layers.zoom_in()
    assert shown_um() == pytest.approx(VIEW_UM, abs=0.5)
    try:
        main.resize(1280, 700)
        assert shown_um() == pytest.approx(VIEW_UM, abs=0.5)
        camera_of(desk.viewer).zoom *= 2
        zoomed = camera_of(desk.viewer).zoom
        main.resize(1280, 760)
        qapp.processEvents()
        assert camera_of(desk.viewer).zoom == zoomed
    finally:
        main.resize(1280, 800)
        qapp.processEvents()


def test_a_tool_in_hand_is_put_away_with_words_when_a_trial_appears(desk, session, qtbot):
    session.start_read()
    desk.editor.take(Tool.DECLUMP)
    box = desk.settings.form.value_box("scorable", "min_diam_um")
    box.setValue(14.0)
    qtbot.waitUntil(lambda: desk.settings.preview_layers.is_shown, timeout=60_000)
    nuclei, row = session.result.nuclei, session.rows[session.current]
    y, x = float(nuclei.y_px[row]), float(nuclei.x_px[row])
    before = session.result
    assert not desk.editor.use([(y, x - 100), (y, x + 100)])
    assert session.result is before
    assert desk.editor.tool is Tool.NONE
    assert camera_of(desk.viewer).mouse_pan
    assert "trial of other settings" in desk.review.message.text()
    assert "Back to the case" in desk.review.message.text()
    desk.settings.reset.click()


def test_no_hint_of_napari_promises_another_use_of_a_key(desk, session):
    assert {layer.help for layer in desk.layers.layers.values()} == {""}
    for name in ("DAPI", "3' signals", OUTLINES):  # napari writes hints anew with every mode
        layer = desk.viewer.layers[name]
        desk.viewer.layers.selection.active = layer
        layer.mode = "transform"
        layer.mode = "pan_zoom"
        assert layer.help, "napari would show it"
        assert desk.viewer.help == ""
        bar = desk.viewer.window._qt_window.statusBar()
        assert not any(label.text() == layer.help for label in bar.findChildren(QLabel))


def test_a_closed_panel_comes_back_by_the_menu(desk, qapp):
    first = desk.review.parentWidget()
    for dock in (first, desk.docks["Case"], desk.docks["Gallery"]):
        dock.title.close_button.click()
        qapp.processEvents()
        assert dock.isHidden()
    entries = {a.text(): a for a in desk.viewer.window.window_menu.actions()}
    assert {"Review", *desk.docks} <= set(entries)
    entries["Case"].trigger()
    assert not desk.docks["Case"].isHidden()
    review_widget()
    qapp.processEvents()
    assert not first.isHidden()
    assert not desk.docks["Gallery"].isHidden()


def test_a_panel_called_back_stands_in_front(desk, qtbot):
    entries = {a.text(): a for a in desk.viewer.window.window_menu.actions()}
    desk.docks["Cases"].title.close_button.click()
    qtbot.waitUntil(desk.docks["Cases"].isHidden)
    entries["Cases"].trigger()
    qtbot.waitUntil(lambda: not desk.worklist.visibleRegion().isEmpty())


def test_the_plugins_menu_leaves_no_panel_behind(desk, qtbot, qapp):
    main = desk.docks["Case"].window()
    before = len(main.findChildren(QDockWidget))
    panel = desk.viewer.window.add_dock_widget(review_widget(), name="as napari does it")
    assert panel in main.findChildren(QDockWidget)
    qapp.processEvents()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert len(main.findChildren(QDockWidget)) == before


def test_enter_behind_the_name_of_a_reader_decides_nothing(desk, session, press, qtbot, qapp):
    session.start_read()
    press("Right")
    desk.docks["Cases"].raise_()
    field = next(f for f in desk.worklist.findChildren(QLineEdit) if f.text() == "A. Reader")
    field.setFocus()
    qapp.processEvents()
    before = len(session.review.history())
    qtbot.keyClick(field, Qt.Key.Key_Return)
    qapp.processEvents()
    assert len(session.review.history()) == before


def test_place_and_progress_are_not_cut_off(desk, session):
    session.start_read()
    place, order = desk.review.place, desk.review.order
    place.setText("50 of 50 · 49 of 50 decided")
    assert place.sizeHint().width() + order.minimumSizeHint().width() <= SIDE_PX


def test_agreeing_decides_what_is_shown(session, press):
    session.start_read()
    first = session.current
    shown = session.patterns[session.rows[first]]
    press("Return")
    assert session.decided[session.rows[first]]
    assert session.patterns[session.rows[first]] == shown
    assert session.current != first


def test_agreeing_without_seeing_is_refused_in_a_blinded_read(desk, session, press, coverage):
    session.start_read(blinded=True)
    press("Return")
    assert not session.decided.any()
    assert "Blinded" in desk.review.message.text()
    for end in ("3p", "5p"):
        assert len(desk.layers.layers[end].data) == 0
    assert set(desk.layers.layers[PATTERNS].features["letter"]) <= {""}
    drawn = np.unique(np.asarray(desk.layers.layers[OUTLINES].data))
    assert len(np.unique(drawn[drawn > 0] // 8)) == 1, "all outlines look alike"
    desk.review.show_nucleus()
    said = desk.review.panel.toPlainText()
    assert "hidden" in said
    assert "Separation" not in said


def test_a_reason_takes_a_nucleus_out(desk, session):
    session.start_read()
    first = session.current
    menu = desk.review.reasons_menu()
    menu.actions()[1].trigger()
    assert session.reason_of(first) == "nuclei overlap or touch"
    assert first not in session.draw


def test_keys_show_single_channels(desk, press):
    layers = desk.layers.layers
    press("C")
    seen = [part for part in ("dapi", "three_prime", "five_prime") if layers[part].visible]
    assert seen == ["three_prime"]
    for _ in range(3):
        press("C")
    assert all(layers[part].visible for part in ("dapi", "three_prime", "five_prime"))
    press("Q")
    assert not layers["dapi"].visible
    press("Q")
    press("M")
    assert not layers[OUTLINES].visible
    assert layers[CURRENT].visible
    press("M")
    assert layers[OUTLINES].visible


def test_the_frame_follows_the_current_nucleus_into_other_fields(desk, session):
    other = next(key for key in session.keys if key.fov != session.current.fov)
    session.go(other)
    assert desk.layers.fov == other.fov
    row, nuclei = session.rows[other], session.result.nuclei
    place = desk.layers.layers[CURRENT].data[0]
    assert np.allclose(place, (nuclei.y_px[row], nuclei.x_px[row]))
    size = session.result.pixel_size_um[other.fov]
    centre = desk.viewer.scene.camera.center[-2:]
    assert np.allclose(centre, (nuclei.y_px[row] * size, nuclei.x_px[row] * size))
    labels = np.asarray(session.result.labels[other.fov])
    drawn = np.asarray(desk.layers.layers[OUTLINES].data)
    assert drawn.shape == labels.shape
    assert not drawn[labels == 0].any()


def test_a_click_goes_to_the_nucleus_under_it(desk, session):
    nuclei, fov = session.result.nuclei, desk.layers.fov
    rows = [k for k in range(len(nuclei)) if nuclei.fov[k] == fov and nuclei.scorable[k]]
    key = session.keys[rows[-1]]
    assert desk.editor.use([(float(nuclei.y_px[rows[-1]]), float(nuclei.x_px[rows[-1]]))])
    assert session.current == key


def where(desk, place):
    """Return the point of the canvas that shows a place of the field."""
    canvas, camera = desk.viewer.window._qt_viewer.canvas.native, desk.viewer.scene.camera
    size = desk.workspace.session.result.pixel_size_um[desk.layers.fov]
    middle = np.array([canvas.height(), canvas.width()]) / 2
    y, x = middle + (np.array(place) * size - np.array(camera.center[-2:])) * camera.zoom
    return QPoint(round(x), round(y))


def test_the_mouse_goes_to_nuclei_and_draws_cuts(desk, session, qtbot, qapp):
    session.start_read()
    desk.layers.zoom_in()
    qapp.processEvents()
    canvas = desk.viewer.window._qt_viewer.canvas.native
    first = session.current
    nuclei, row = session.result.nuclei, session.rows[first]
    near = near_rows(session.result, row)[1:3]
    qtbot.mouseClick(
        canvas, Qt.MouseButton.LeftButton,
        pos=where(desk, (nuclei.y_px[near[0]], nuclei.x_px[near[0]])),
    )  # fmt: skip
    assert session.current == session.keys[near[0]]
    session.go(first)
    qtbot.wait(QApplication.doubleClickInterval() + 50)  # or the next press is a double click
    y, x = float(nuclei.y_px[row]), float(nuclei.x_px[row])
    reach = 1.3 * np.sqrt(nuclei.area_um2[row] / np.pi) / session.result.pixel_size_um[first.fov]
    said = []
    session.said.connect(lambda text, _: said.append(text))
    desk.editor.take(Tool.DECLUMP)
    start, stop = where(desk, (y, x - reach)), where(desk, (y, x + reach))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    for share in (0.3, 0.6, 1.0):
        qtbot.mouseMove(canvas, start + (stop - start) * share)
        qapp.processEvents()
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=stop)
    assert [text[:26] for text in said] == [
        f"Nucleus {first.nucleus_id} is parted into nuclei"[:26]
    ]
    assert len(session.rows) == len(nuclei) + 1
    assert desk.editor.tool is Tool.NONE


def test_a_tool_needs_a_read(desk, session, press):
    press("A")
    assert desk.editor.tool is Tool.NONE
    assert "Start a read first" in desk.review.message.text()


def test_signals_are_added_moved_and_deleted_by_mouse(desk, session):
    session.start_read()
    key = session.current
    nuclei = session.result.nuclei
    row = session.rows[key]
    place = (float(nuclei.y_px[row]) + 3, float(nuclei.x_px[row]) + 3)
    n_before = len(desk.layers.layers["3p"].data)
    desk.editor.take(Tool.ADD_3P)
    assert not desk.viewer.scene.camera.mouse_pan
    assert desk.editor.use([place])
    assert desk.editor.tool is Tool.NONE
    assert desk.viewer.scene.camera.mouse_pan
    assert len(desk.layers.layers["3p"].data) == n_before + 1
    added = int(session.result.spots.spot_id[-1])
    desk.editor.take(Tool.MOVE)
    there = (place[0] - 6, place[1] - 6)
    assert desk.editor.use([place, there])
    spots = session.result.spots
    moved = np.flatnonzero((spots.fov == key.fov) & (spots.spot_id == added))[0]
    assert (spots.y_px[moved], spots.x_px[moved]) == there
    desk.editor.take(Tool.DELETE)
    assert desk.editor.use([there])
    assert len(desk.layers.layers["3p"].data) == n_before
    for _ in range(3):
        assert session.undo()
    assert len(session.result.spots) == len(session.review.machine_result.spots)


def test_a_nucleus_is_declumped_by_a_line_and_merged_again(desk, session):
    session.start_read()
    key = session.current
    nuclei, row = session.result.nuclei, session.rows[key]
    y, x = float(nuclei.y_px[row]), float(nuclei.x_px[row])
    labels = np.asarray(session.result.labels[key.fov])
    reach = np.ptp(np.nonzero(labels == key.nucleus_id)[1])
    desk.editor.take(Tool.DECLUMP)
    assert desk.editor.use([(y, x - reach), (y, x + reach)])
    assert len(session.rows) == len(nuclei) + 1
    parts = [k for k in session.keys if k.fov == key.fov][-1:] + [key]
    drawn = np.asarray(desk.layers.layers[OUTLINES].data)
    assert drawn[round(y), round(x)] > 0, "the cut is drawn"
    session.go(key)
    new = session.result.nuclei
    other = session.rows[parts[0]]
    desk.editor.take(Tool.MERGE)
    assert desk.editor.use([(float(new.y_px[other]), float(new.x_px[other]))])
    assert len(session.rows) == len(nuclei)
    assert not desk.layers.layers[LINE].data.size


def test_what_cannot_be_edited_is_said(desk, session):
    session.start_read()
    said = []
    session.said.connect(lambda text, _: said.append(text))
    desk.editor.take(Tool.DELETE)
    assert not desk.editor.use([(0.0, 0.0)])
    assert said[-1] == "There is no signal at that place: click the mark of one."
    table = session.result.nuclei
    row = session.rows[session.current]
    here = (float(table.y_px[row]), float(table.x_px[row]))
    for tool, way, words in (
        (Tool.ADD_5P, [(-500.0, -500.0)], "lies in no nucleus: click inside an outline."),
        (Tool.DECLUMP, [(-9.0, -9.0), (-5.0, -5.0)], "draw it from outside through one to the"),
        (Tool.DECLUMP, [here, (here[0], here[1] + 2)], "draw it from outside through the nucleus"),
        (Tool.MERGE, [here], "click the part that lies beside the current one."),
    ):
        desk.editor.take(Tool.NONE)
        desk.editor.take(tool)
        assert not desk.editor.use(way)
        assert words in said[-1]
        assert desk.editor.tool is tool, "to try again"
    other = next(key for key in session.keys if key.fov != session.current.fov)
    fov = desk.layers.fov
    session.go(other)
    desk.layers.show_field(fov)
    assert not desk.editor.use([here])
    assert "another field: put the tool away" in said[-1]
    desk.editor.take(Tool.NONE)


def test_contrast_is_kept_per_case(desk, workspace, results):
    desk.layers.layers["five_prime"].contrast_limits = (10, 4321)
    workspace.open_case("case_b")
    assert tuple(desk.layers.layers["five_prime"].contrast_limits) != (10, 4321)
    workspace.open_case("case_a")
    assert tuple(desk.layers.layers["five_prime"].contrast_limits) == (10, 4321)


def test_missing_pictures_do_not_keep_from_reading(desk, workspace, results):
    images = results.parent / "images" / "case_a"
    images.rename(images.with_name("elsewhere"))
    workspace.open_case("case_a")
    assert not workspace.pictures.available
    assert desk.review.locate.isVisibleTo(desk.review)
    assert OUTLINES in desk.layers.layers
    assert workspace.session.start_read()
    assert workspace.session.decide("FUSED")
    assert workspace.locate_pictures(images.with_name("elsewhere"))
    assert workspace.pictures.available
    assert "dapi" in desk.layers.layers
    assert desk.review.locate.isHidden()


def test_other_pictures_are_refused(workspace, results):
    assert not workspace.locate_pictures(results.parent / "images" / "case_b")


def test_pictures_of_some_fields_are_shown_and_the_others_asked_for(desk, workspace, results, qapp):
    images = results.parent / "images" / "case_a"
    images.rename(images.with_name("elsewhere"))
    workspace.reload()
    (images.with_name("elsewhere") / "field_03.ome.tif").unlink()
    assert workspace.locate_pictures(images.with_name("elsewhere"))
    qapp.processEvents()
    desk.review.catch_up()
    assert "no picture of field_03" in desk.review.message.text()
    assert not desk.review.locate.isHidden()
    assert desk.review.missing.text() == "There is no picture of field_03."


def test_what_was_decided_is_there_when_the_case_is_opened_again(desk, workspace, results):
    session = workspace.session
    session.start_read()
    for pattern in ("SPLIT", "FUSED", "ISOLATED_3P"):
        desk.decide(pattern)
    before = (session.patterns.tolist(), session.decided.tolist(), session.draw)
    workspace.close()
    again = Workspace(None)
    again.open(results / "case_a", reader="A. Reader")
    after = again.session
    assert (after.patterns.tolist(), after.decided.tolist(), after.draw) == before
    assert after.current == after.undecided()[0]
    again.close()


def test_every_key_is_bound_once_and_shown(desk):
    keys = [key for action in KEYS for key in action.keys]
    assert len(keys) == len(set(keys))
    html = desk.review.keys.text()
    for action in KEYS:
        assert action.words in html or action.name in (*desk.review.decide, *desk.review.tools)
    assert desk.review.decide["fused"].text() == "1  Fused"


def test_two_readers_press_their_way_to_a_signed_call(desk, workspace):
    def read(n_positive):
        session = workspace.session
        assert session.start_read()
        for number in range(50):
            name = "split" if number < n_positive else "fused"
            if number % 10 < 2:
                session.go_to_undecided()
                desk.press(BY_NAME[name])
            else:
                key = session.undecided()[0]
                assert session.decide(BY_NAME[name].pattern, (key,))
        assert session.undecided() == ()
        assert session.finish_read()

    read(10)
    assert workspace.session.review.state is CaseState.EQUIVOCAL_AWAITING_SECOND
    assert not workspace.session.may_start or not workspace.session.start_read()
    workspace.set_reader("B. Reader")
    assert not workspace.session.decided.any()
    read(5)
    session = workspace.session
    assert session.review.call.call.value == "POSITIVE"
    assert session.sign()
    assert session.is_frozen
    desk.press(BY_NAME["fused"])
    assert "frozen" in desk.review.message.text()


def test_the_note_is_kept_and_shown(desk, session, qapp):
    session.start_read()
    qapp.processEvents()
    desk.review.note.setText("two cells on top of each other")
    desk.review.note.returnPressed.emit()
    desk.review.show_nucleus()
    assert "two cells" in desk.review.panel.toPlainText()
    assert session.review.read.notes[0].nucleus == session.current


def test_ends_of_the_probe_have_their_symbols(desk):
    assert str(desk.layers.layers[ProbeEnd.THREE_PRIME.value].symbol[0]) == "disc"
    assert str(desk.layers.layers[ProbeEnd.FIVE_PRIME.value].symbol[0]) == "square"


def test_no_button_moves_when_the_next_nucleus_comes(desk, session, qapp):
    qapp.processEvents()
    buttons = [*desk.review.decide.values(), *desk.review.tools.values()]
    places, said = set(), set()
    for _ in range(8):
        desk.press(BY_NAME["next"])
        qapp.processEvents()
        places.add(
            tuple(
                button.mapTo(desk.review, button.rect().topLeft()).toTuple() for button in buttons
            )
        )
        said.add(desk.review.panel.toPlainText())
    assert len(said) == 8, "the words did change"
    assert len(places) == 1


def test_no_button_moves_when_something_is_said(desk, session, qapp):
    """A click on the same place again would do something else: take the decision back."""
    buttons = [*desk.review.decide.values(), *desk.review.tools.values()]

    def places():
        qapp.processEvents()
        return [button.mapTo(desk.review, button.rect().topLeft()).toTuple() for button in buttons]

    session.start_read()
    desk.review.catch_up()
    places()
    before = places()
    desk.review.hear("Nucleus 3 is parted into two: " + "many words " * 20, False)
    assert desk.review.message.isVisible()
    assert places() == before
    desk.review.message.be_quiet()
    assert places() == before
    desk.editor.take(Tool.DECLUMP)
    assert desk.review.tool.isVisible()
    assert places() == before
    desk.editor.take(Tool.NONE)
    assert places() == before


def test_long_words_are_reached_by_scrolling(desk, session):
    from alkfish.plugin.nucleus_words import NucleusWords

    flags = tuple(f"flag {k}" for k in range(60))
    height = desk.review.panel.height()
    desk.review.panel.show_words(NucleusWords("t", "FUSED", "Fused", "proposed", (), flags, ()))
    assert desk.review.panel.height() == height
    assert desk.review.panel.verticalScrollBar().maximum() > 0
    assert "flag 59" in desk.review.panel.toPlainText()
