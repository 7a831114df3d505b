import numpy as np
import pytest

from alkfish.plugin import surroundings
from alkfish.plugin.desk import desk_of
from alkfish.plugin.drawing import camera_of
from alkfish.plugin.surroundings import ALL, FEW_MARKS, inside, part_of, view_of, within


def test_a_view_is_told_in_pixels_of_the_field():
    view = view_of((50.0, 100.0), (600, 800), 10.0, 0.5)

    assert view == pytest.approx((40.0, 120.0, 160.0, 280.0))


def test_few_marks_are_drawn_all_and_many_only_around_the_view():
    view = (100.0, 200.0, 160.0, 300.0)

    assert part_of(view, FEW_MARKS) == ALL
    assert part_of(view, FEW_MARKS + 1) == pytest.approx((40.0, 100.0, 220.0, 400.0))


def test_a_view_lies_in_the_part_drawn_for_it_and_no_longer_after_a_jump():
    view = (100.0, 200.0, 160.0, 300.0)
    part = part_of(view, FEW_MARKS + 1)

    assert inside(view, part)
    assert inside(view, ALL)
    assert not inside((100.0, 301.0, 160.0, 401.0), part)


def test_places_on_the_edge_of_a_part_belong_to_it():
    places = np.array([[10.0, 20.0], [9.9, 20.0], [30.0, 40.0], [30.0, 40.1]])

    assert within(places, (10.0, 20.0, 30.0, 40.0)).tolist() == [True, False, True, False]
    assert within(np.empty((0, 2)), ALL).tolist() == []


@pytest.fixture
def desk(viewer, workspace, qapp):
    desk = desk_of(viewer)
    qapp.processEvents()
    return desk


def drawn(desk, part):
    """Return the points of a layer that the canvas draws."""
    canvas = desk.viewer.window._qt_viewer.canvas
    markers = canvas.layer_to_visual[desk.layers.layers[part]].node.points_markers
    return markers._data["a_position"]


def test_of_many_signals_those_around_the_view_are_drawn(desk, monkeypatch):
    monkeypatch.setattr(surroundings, "FEW_MARKS", 0)
    layers = desk.layers
    layers.zoom_in()
    camera_of(desk.viewer).zoom *= 8
    layers._fill_marks()
    everything = len(layers.layers["3p"].data)

    near = drawn(desk, "3p")
    assert 0 < len(near) < everything
    desk.viewer.reset_view()
    assert len(drawn(desk, "3p")) == everything
    monkeypatch.undo()
    layers._fill_marks()
    assert len(drawn(desk, "3p")) == everything
    layers.zoom_in()
