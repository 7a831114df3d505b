"""Marks that are drawn quickly look as those that napari draws by itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from alkfish.plugin.drawing import camera_of, put_points
from alkfish.plugin.quick_marks import draw_marks_quickly

PLACES = np.array([[10.0, 12.0], [30.0, 40.0], [50.0, 20.0]])


@pytest.fixture
def picture(viewer, qapp):
    def shot():
        camera = camera_of(viewer)
        camera.center, camera.zoom = (0.0, 30.0, 30.0), 6.0
        qapp.processEvents()
        return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)

    yield shot
    viewer.layers.clear()


def _rings(viewer):
    return viewer.add_points(PLACES[:2], size=9, face_color="transparent", border_color="red")


def _letters(viewer, words=("F", "S", "NS")):
    text = {"string": "{word}", "color": "white", "size": 12, "anchor": "center"}
    return viewer.add_points(PLACES[: len(words)], size=1, face_color="transparent",
                             border_color="transparent", features={"word": np.array(words)},
                             text=text)  # fmt: skip


def _put(layer, places, words=None):
    n = len(places)
    put_points(layer, places, np.full(n, 9.0), np.full(n, 0.1), words and ("word", np.array(words)))


CHANGES = {
    "as made": lambda _: None,
    "other places": lambda layer: _put(layer, PLACES[1:] + 5.0),
    "none": lambda layer: _put(layer, PLACES[:0]),
    "none, then some": lambda layer: (_put(layer, PLACES[:0]), _put(layer, PLACES)),
    "another scale": lambda layer: setattr(layer, "scale", (0.6, 0.6)),
    "moved": lambda layer: setattr(layer, "translate", (4.0, 6.0)),
    "opacity": lambda layer: setattr(layer, "opacity", 0.4),
    "blending": lambda layer: setattr(layer, "blending", "additive"),
    "hidden": lambda layer: setattr(layer, "visible", False),
    "shown": lambda layer: setattr(layer, "visible", True),
    "limits of size": lambda layer: setattr(layer, "canvas_size_limits", (20, 30)),
    "smoothing": lambda layer: setattr(layer, "antialiasing", 4),
}


def test_the_picture_of_points_is_that_of_napari_whatever_is_changed(viewer, picture):
    def pictures(layer):
        for change in CHANGES.values():  # one after the other, nothing is taken back
            change(layer)
            yield picture()

    expected = list(pictures(_rings(viewer)))
    viewer.layers.clear()
    layer = _rings(viewer)
    draw_marks_quickly(viewer, layer)
    found = list(pictures(layer))
    differ = [name for name, a, b in zip(CHANGES, expected, found, strict=True) if (a != b).any()]
    assert differ == []
    assert sum((a != b).any() for a, b in pairwise(expected)) >= len(CHANGES) - 3


def test_a_layer_that_was_empty_shows_its_points(viewer, picture):
    expected = (_rings(viewer), picture())[1]
    assert expected.max() > 100
    viewer.layers.clear()
    layer = viewer.add_points(np.empty((0, 2)), size=9, face_color="transparent",
                              border_color="red", border_width=0.05)  # fmt: skip
    draw_marks_quickly(viewer, layer)
    picture()
    put_points(layer, PLACES[:2], np.full(2, 9.0), np.full(2, 0.05))
    assert np.array_equal(picture(), expected)


WORDS = {
    "the same": ("F", "S", "NS"),
    "known, elsewhere": ("NS", "F", "S"),
    "new": ("R", "G", "?"),
    "one new": ("F", "?", "Q"),
    "some empty": ("", "", "NS"),
    "all empty": ("", "", ""),
    "fewer": ("F",),
    "other glyphs": ("Ag|y", "a b", "é"),
    "known again": ("é", "Q", "F"),
}


def test_letters_are_those_of_napari_however_often_they_change(viewer, picture):
    def pictures(layer):
        for words in WORDS.values():
            _put(layer, PLACES[: len(words)], words)
            yield picture()

    expected = list(pictures(_letters(viewer)))
    viewer.layers.clear()
    layer = _letters(viewer)
    draw_marks_quickly(viewer, layer, points=False)
    for _ in range(2):  # met, then known
        found = list(pictures(layer))
        differ = [name for name, a, b in zip(WORDS, expected, found, strict=True) if (a != b).any()]
        assert differ == []
    assert [each.max() > 100 for each in expected] == [any(words) for words in WORDS.values()]


def test_letters_of_another_size_or_anchor_are_set_anew(viewer, picture):
    usual, expected = _letters(viewer), []
    changes = ({"size": 20}, {"anchor": "upper_left"}, {"color": "yellow"})

    def change(layer):
        for each in changes:
            for name, value in each.items():
                setattr(layer.text, name, value)
            yield picture()

    expected = list(change(usual))
    viewer.layers.clear()
    layer = _letters(viewer)
    draw_marks_quickly(viewer, layer, points=False)
    picture()
    found = list(change(layer))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_glyphs_that_are_known_are_not_set_again(viewer, picture, monkeypatch):
    from vispy.visuals.text import text

    layer = _letters(viewer)
    draw_marks_quickly(viewer, layer, points=False)
    picture()
    _put(layer, PLACES + 1.0, ("F", "S", "NS"))
    picture()
    asked, usual = [], text._text_to_vbo
    monkeypatch.setattr(text, "_text_to_vbo", lambda *a: (asked.append(a[0]), usual(*a))[1])
    _put(layer, PLACES, ("NS", "NS", "F"))
    picture()
    assert "NS" not in asked
    _put(layer, PLACES, ("NS", "R", "F"))
    picture()
    assert "R" in asked


def test_in_another_order_of_axes_the_points_stand_where_napari_has_them(viewer, picture):
    places = np.array([[0.0, 10.0, 12.0], [0.0, 30.0, 50.0], [25.0, 10.0, 40.0]])

    def add():
        return viewer.add_points(places, size=9, face_color="red")

    def turn(order):
        viewer.dims.order = order
        viewer.dims.set_point((0, 1), (0.0, 10.0))
        return picture()

    try:
        add()
        expected = [turn(order) for order in ((0, 1, 2), (1, 0, 2))]
        assert (expected[0] != expected[1]).any()
        turn((0, 1, 2))
        viewer.layers.clear()
        draw_marks_quickly(viewer, add())
        for _ in range(2):
            found = [turn(order) for order in ((0, 1, 2), (1, 0, 2))]
            assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    finally:
        viewer.dims.order = tuple(range(viewer.dims.ndim))


def test_without_a_window_and_for_other_layers_nothing_is_done(viewer, picture):
    from napari.components import ViewerModel

    model = ViewerModel()
    draw_marks_quickly(model, model.add_points(PLACES))
    lines = viewer.add_vectors(np.array([[[5.0, 5.0], [9.0, 20.0]]]))
    before = picture()
    draw_marks_quickly(viewer, lines)
    assert np.array_equal(picture(), before)
