"""The calls that know napari's ways: the view is where it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.plugin.drawing import camera_of, look_at


@pytest.fixture
def view(viewer, qapp):
    """A window with a picture; afterwards it is flat, single and empty."""
    viewer.add_image(np.random.default_rng(0).random((3, 80, 120)))
    viewer.reset_view()
    camera_of(viewer).zoom = 6.0
    qapp.processEvents()
    yield viewer
    viewer.dims.ndisplay, viewer.canvas.grid.enabled = 2, False
    viewer.layers.clear()


def _picture(viewer, qapp):
    qapp.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)


def _seen(viewer):
    """Return the middle of what the canvas shows, in world units."""
    canvas = viewer.window._qt_viewer.canvas
    return np.mean(canvas._viewbox_corners_in_world, axis=0)[-2:]


def test_the_canvas_moves_where_the_camera_is(view, qapp):
    for place in ((20.0, 30.0), (55.5, 90.25), (20.0, 30.0), (20.0, 30.0)):
        look_at(view, place)
        qapp.processEvents()
        assert camera_of(view).center[-2:] == place
        assert np.allclose(_seen(view), place)


def test_it_moves_once(view, monkeypatch):
    from vispy.scene.cameras.panzoom import PanZoomCamera

    moved, usual = [], PanZoomCamera._update_transform
    monkeypatch.setattr(PanZoomCamera, "_update_transform",
                        lambda self: (moved.append(self), usual(self))[1])  # fmt: skip
    look_at(view, (33.0, 44.0))
    assert len(moved) == 1


def test_moves_by_hand_go_on_from_there(view, qapp):
    camera = camera_of(view)
    look_at(view, (20.0, 30.0))
    camera.zoom = 9.0
    assert camera.center[-2:] == (20.0, 30.0)
    camera.center = (0.0, 40.0, 50.0)
    qapp.processEvents()
    assert np.allclose(_seen(view), (40.0, 50.0))


@pytest.mark.parametrize("how", ["solid", "grid"])
def test_in_depth_and_in_a_grid_the_picture_is_that_of_napari(view, qapp, how):
    if how == "grid":
        view.add_image(np.random.default_rng(1).random((3, 80, 120)))
        view.canvas.grid.enabled = True
    else:
        view.dims.ndisplay = 3
    camera = camera_of(view)
    camera.center = (0.0, 35.0, 45.0)
    expected = _picture(view, qapp)
    camera.center = (0.0, 10.0, 15.0)
    assert not np.array_equal(_picture(view, qapp), expected)
    look_at(view, (35.0, 45.0))
    assert np.array_equal(_picture(view, qapp), expected)
    assert camera.center[-2:] == (35.0, 45.0)


def test_without_a_window_the_camera_moves():
    from napari.components import ViewerModel

    model = ViewerModel()
    model.add_image(np.zeros((20, 20)))
    look_at(model, (5.0, 6.0))
    assert camera_of(model).center[-2:] == (5.0, 6.0)
