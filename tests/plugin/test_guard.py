"""napari's own keys and buttons do no harm to a review; tools end where a reader expects it."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication

from alkfish.plugin.convert import near_rows
from alkfish.plugin.layers import CURRENT, OUTLINES
from alkfish.plugin.tools import Tool
from alkfish.plugin.view_guard import FOCUS

CTRL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
HARMFUL = [
    (Qt.Key.Key_G, CTRL), (Qt.Key.Key_E, CTRL), (Qt.Key.Key_T, CTRL), (Qt.Key.Key_T, CTRL | ALT),
    (Qt.Key.Key_Delete, CTRL), (Qt.Key.Key_Backspace, CTRL), (Qt.Key.Key_Delete, NONE),
    (Qt.Key.Key_A, CTRL), (Qt.Key.Key_7, NONE), (Qt.Key.Key_5, NONE), (Qt.Key.Key_P, NONE),
    (Qt.Key.Key_V, SHIFT), (Qt.Key.Key_Up, CTRL), (Qt.Key.Key_Up, SHIFT | ALT),
]  # fmt: skip


@pytest.fixture
def canvas(desk, qtbot):
    main = desk.review.window()
    main.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is main, timeout=20_000)
    found = desk.viewer.window._qt_viewer.canvas.native
    found.setFocus()
    return found


def look_of(viewer):
    """Return what a harmful key would change."""
    layers = [
        (
            layer.name,
            layer.mode,
            layer.visible,
            len(layer.data),
            layer.affine.affine_matrix.tolist(),
        )
        for layer in viewer.layers
    ]
    dims = viewer.dims
    return layers, dims.ndisplay, tuple(dims.order), viewer.canvas.grid.enabled


def where(desk, place):
    """Return the point of the canvas that shows a place of the field."""
    canvas, camera = desk.viewer.window._qt_viewer.canvas.native, desk.viewer.scene.camera
    size = desk.workspace.session.result.pixel_size_um[desk.layers.fov]
    middle = np.array([canvas.height(), canvas.width()]) / 2
    y, x = middle + (np.array(place) * size - np.array(camera.center[-2:])) * camera.zoom
    return QPoint(round(x), round(y))


def test_keys_of_napari_change_nothing(desk, session, canvas, qtbot, qapp):
    assert desk.viewer.layers.selection.active is desk.layers.layers[CURRENT]
    before = look_of(desk.viewer)
    for key, modifier in HARMFUL:
        qtbot.keyClick(canvas, key, modifier)
        qapp.processEvents()
        assert look_of(desk.viewer) == before, (key, modifier)
    assert len(desk.viewer.layers.selection) == 1
    qtbot.keyClick(canvas, Qt.Key.Key_G, CTRL)
    assert "is off while a case is open" in desk.review.message.text()


def test_ctrl_y_redoes(desk, session, canvas, qtbot, qapp):
    session.start_read()
    for key, modifier in ((Qt.Key.Key_2, NONE), (Qt.Key.Key_Z, CTRL)):
        qtbot.keyClick(canvas, key, modifier)
        qapp.processEvents()
    assert not session.decided.any()
    qtbot.keyClick(canvas, Qt.Key.Key_Y, CTRL)
    qapp.processEvents()
    assert session.decided.sum() == 1
    assert desk.viewer.dims.ndisplay == 2


def test_what_is_removed_or_turned_by_hand_is_put_back(desk, session, qtbot):
    viewer = desk.viewer
    place = tuple(viewer.scene.camera.center), viewer.scene.camera.zoom
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    qtbot.waitUntil(lambda: CURRENT in viewer.layers, timeout=30_000)
    assert OUTLINES in viewer.layers
    assert len(desk.layers.layers[CURRENT].data) > 0
    assert "put back" in desk.review.message.text()
    assert np.allclose(viewer.scene.camera.center, place[0])
    assert viewer.scene.camera.zoom == pytest.approx(place[1])
    viewer.dims.ndisplay = 3
    viewer.canvas.grid.enabled = True
    assert viewer.dims.ndisplay == 2
    assert not viewer.canvas.grid.enabled


def test_merging_by_mouse_stays_at_the_nucleus(desk, session, canvas, qtbot, qapp):
    session.start_read()
    key = next(k for k in session.draw if k.nucleus_id > 1)
    session.go(key)
    desk.layers.zoom_in()
    qapp.processEvents()
    nuclei = session.result.nuclei
    near = int(near_rows(session.result, session.rows[key])[1])
    desk.editor.take(Tool.MERGE)
    place = where(desk, (nuclei.y_px[near], nuclei.x_px[near]))
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    assert len(session.keys) == len(nuclei) - 1
    smallest = min(key.nucleus_id, int(nuclei.nucleus_id[near]))
    assert session.current == (key.fov, smallest)
    assert session.undo()


def test_a_closed_area_gives_the_mouse_back(desk, session, canvas, qtbot, qapp):
    areas = desk.case.areas
    desk.layers.zoom_in()
    qapp.processEvents()
    areas.draw.click()
    nuclei, row = session.result.nuclei, session.rows[session.current]
    y, x = float(nuclei.y_px[row]), float(nuclei.x_px[row])
    way = [where(desk, (y + dy, x + dx)) for dy, dx in ((-60, -60), (-60, 60), (60, 60), (60, -60))]
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=way[0])
    for point in way[1:]:
        qtbot.mouseMove(canvas, point)
        qapp.processEvents()
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=way[-1])
    (layer,) = areas._layers.values()
    qtbot.waitUntil(lambda: layer.mode == "pan_zoom", timeout=10_000)
    assert len(layer.data) == 1
    assert desk.viewer.layers.selection.active is desk.layers.layers[CURRENT]
    areas._clear()


def test_without_the_folder_no_marks_lie_over_the_pixels_of_another_field(
    desk, session, results, qapp
):
    other = next(key for key in session.keys if key.fov != session.current.fov)
    results.rename(results.with_name("away"))
    session.go(other)
    qapp.processEvents()
    assert not desk.layers.layers
    assert "picture cannot follow" in desk.review.message.text()
    results.with_name("away").rename(results)
    desk.tick()
    desk.workspace.tick()
    session.go(session.keys[0])
    session.go(other)
    assert desk.layers.fov == other.fov
    drawn = np.asarray(desk.layers.layers[OUTLINES].data)
    assert not drawn[np.asarray(session.result.labels[other.fov]) == 0].any()


def test_no_hint_of_napari_says_what_its_keys_would_do(desk, session, canvas, qapp):
    status = desk.viewer.window._qt_window.statusBar()
    for layer in [desk.layers.layers[part] for part in (CURRENT, OUTLINES)]:
        desk.viewer.layers.selection.active = layer
        for mode in ("pan_zoom", "transform", "pan_zoom"):
            layer.mode = mode
            qapp.processEvents()
            assert desk.viewer.help == ""
            assert status._help.text() == ""
    session.start_read()
    desk.editor.take(Tool.ADD_3P)
    desk.editor.take(Tool.NONE)
    assert desk.viewer.help == ""


def test_the_slider_of_a_stack_has_a_name(desk, session):
    desk.viewer.add_image(np.zeros((4, 8, 8)), name="a stack")
    assert desk.viewer.dims.axis_labels[0] == FOCUS
    desk.viewer.layers.remove("a stack")
    assert FOCUS not in desk.viewer.dims.axis_labels
