"""A focus stack in the window: the slider, the keys, the depth of a signal that is added."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QScrollBar

from alkfish.plugin.tools import Tool

N_PLANES, STEP_UM = 6, 0.5


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    """A case of one focus stack with its pictures: never written to by these tests."""
    from alkfish import open_case, score_case, write_bundle
    from alkfish.io.locations import PicturePlace, remember_pictures
    from alkfish.synthetic.case import simulate_case, write_case

    folder = tmp_path_factory.mktemp("stacked")
    case = simulate_case(
        "easy", seed=3, n_fields=1, case_id="deep", positive_fraction=0.5, shape=(400, 400),
        n_planes=N_PLANES, z_step_um=STEP_UM,
    )  # fmt: skip
    images = write_case(case, folder / "images")
    result = score_case(open_case(images))
    write_bundle(result, folder / "results")
    remember_pictures(folder / "results", "deep", PicturePlace((images,)))
    return folder


@pytest.fixture
def results(stacked, tmp_path):
    import shutil

    shutil.copytree(stacked, tmp_path / "study")
    return tmp_path / "study" / "results"


@pytest.fixture
def workspace(viewer, results):
    from alkfish.plugin.workspace import workspace_of

    found = workspace_of(viewer)
    found.open(results / "deep", reader="A. Reader")
    yield found
    found.close()


def picture(desk):
    """Return what is drawn without marks."""
    QApplication.processEvents()
    return desk.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def test_slider_and_keys_go_through_the_planes(desk, qtbot, coverage):
    assert desk.viewer.dims.ndim == 3
    bars = desk.viewer.window._qt_viewer.dims.findChildren(QScrollBar)
    (slider,) = [each for each in bars if each.isVisible()]
    assert (slider.minimum(), slider.maximum()) == (0, N_PLANES - 1)
    assert 0 < desk.layers.plane < N_PLANES - 1, "it opens where signals lie"
    assert coverage() > 0.02
    slider.setValue(0)
    assert desk.layers.plane == 0
    desk.layers.turn_marks()
    canvas = desk.viewer.window._qt_viewer.canvas.native
    main = desk.review.window()
    main.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is main, timeout=20_000)
    canvas.setFocus()
    low = picture(desk)
    for plane in (1, 2, 3):
        qtbot.keyClick(canvas, Qt.Key.Key_Up)
        assert (desk.layers.plane, slider.value()) == (plane, plane)
    assert np.abs(picture(desk) - low).max() > 30, "another plane looks different"
    qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert desk.layers.plane == 2
    for _ in range(N_PLANES):
        qtbot.keyClick(canvas, Qt.Key.Key_Down)
    assert desk.layers.plane == 0
    assert np.abs(picture(desk) - low).max() == 0
    desk.layers.turn_marks()


def test_a_signal_is_added_at_the_plane_that_is_shown(desk, session):
    assert session.start_read()
    row = session.rows[session.current]
    nuclei = session.result.nuclei
    place = (float(nuclei.y_px[row]), float(nuclei.x_px[row]))
    n_before = len(session.result.spots)
    desk.viewer.dims.set_current_step(0, 3)
    desk.editor.take(Tool.ADD_3P)
    assert desk.editor.use([place])
    spots = session.result.spots
    assert len(spots) == n_before + 1
    added = int(np.argmax(spots.spot_id))
    assert (spots.z_um[added], spots.z_error_um[added]) == (3 * STEP_UM, STEP_UM)
    assert desk.layers.plane == 3, "an edit does not move the plane"
