"""Pictures that are drawn quickly look as those that napari draws by itself."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.plugin.quick_pixels import _colour, draw_quickly

SIDE = 64


def _counts(seed, dtype=np.uint16):
    return np.random.default_rng(seed).integers(0, 4000, (SIDE, SIDE)).astype(dtype)


@pytest.fixture
def picture(viewer, qapp):
    """Return what is drawn, as integers; the layers fill the canvas."""

    def shot():
        viewer.reset_view()
        qapp.processEvents()
        return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)

    yield shot
    viewer.layers.clear()


def _node(viewer, layer):
    return viewer.window._qt_viewer.canvas.layer_to_visual[layer].node


def _channels(viewer):
    return [
        viewer.add_image(_counts(seed), colormap=colour, blending="additive",
                         contrast_limits=(300, 2500))
        for seed, colour in enumerate(("blue", "red", "green"))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda _: None, id="as made"),
        pytest.param(lambda layer: setattr(layer, "contrast_limits", (900, 1200)), id="contrast"),
        pytest.param(lambda layer: setattr(layer, "gamma", 0.5), id="gamma"),
        pytest.param(lambda layer: setattr(layer, "colormap", "viridis"), id="colour map"),
        pytest.param(lambda layer: setattr(layer, "colormap", "cyan"), id="another colour"),
        pytest.param(lambda layer: setattr(layer, "opacity", 0.4), id="opacity"),
        pytest.param(lambda layer: setattr(layer, "data", _counts(9)), id="other pixels"),
        pytest.param(lambda layer: setattr(layer, "blending", "minimum"), id="blending"),
        pytest.param(lambda layer: setattr(layer, "interpolation2d", "linear"), id="smoothed"),
    ],
)
def test_the_picture_is_that_of_napari(viewer, picture, change):
    layers = _channels(viewer)
    change(layers[1])
    expected = picture()
    viewer.layers.clear()
    layers = _channels(viewer)
    for layer in layers:
        draw_quickly(viewer, layer)
    picture()
    change(layers[1])
    found = picture()
    assert np.abs(found - expected).max() <= 2, "rounding of a colour table at most"
    assert expected.max() > 100


def test_a_gamma_that_is_taken_back_is_gone(viewer, picture):
    layer = _channels(viewer)[0]
    draw_quickly(viewer, layer)
    before = picture()
    layer.gamma = 0.4
    assert np.abs(picture() - before).max() > 20
    layer.gamma = 1.0
    assert np.array_equal(picture(), before)


def test_labels_keep_their_colours(viewer, picture):
    labels = (_counts(3) % 5).astype(np.uint8)
    layer = viewer.add_labels(labels, opacity=1.0)
    before = picture()
    draw_quickly(viewer, layer)
    assert np.array_equal(picture(), before)
    assert len(np.unique(before.reshape(-1, 3), axis=0)) >= 5


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint8])
def test_other_kinds_of_pixels_are_drawn_as_well(viewer, picture, dtype):
    pixels = (_counts(4) // 16).astype(dtype)
    layer = viewer.add_image(pixels, colormap="green", contrast_limits=(0, 255))
    before = picture()
    draw_quickly(viewer, layer)
    assert np.abs(picture() - before).max() <= 2


def test_layers_that_are_not_pixels_are_left_alone(viewer, picture):
    layer = viewer.add_points(np.array([[5.0, 5.0], [30.0, 40.0]]), size=8)
    before = picture()
    draw_quickly(viewer, layer)
    assert np.array_equal(picture(), before)


def test_without_a_window_nothing_is_done():
    from napari.components import ViewerModel

    model = ViewerModel()
    draw_quickly(model, model.add_image(_counts(1)))


def test_the_channels_of_a_case_are_drawn_quickly(viewer, desk):
    for part in ("dapi", "three_prime", "five_prime"):
        build = _node(viewer, desk.layers.layers[part])._build_color_transform
        assert getattr(build, "func", None) is _colour


def test_pixels_are_begun_before_the_marks_are_prepared(viewer, picture, monkeypatch):
    from vispy.gloo.context import GLContext

    order = []
    flush = GLContext.flush
    monkeypatch.setattr(GLContext, "flush", lambda self: (order.append("begun"), flush(self))[1])
    pixels = viewer.add_image(_counts(1), colormap="blue", contrast_limits=(0, 4000))
    points = viewer.add_points(np.array([[20.0, 30.0]]), size=6)
    before = picture()
    draw_quickly(viewer, pixels)
    node = _node(viewer, points)
    draw = node.draw
    node.draw = lambda: (order.append("marks"), draw())[1]
    order.clear()
    assert np.abs(picture() - before).max() <= 2
    assert order[:2] == ["begun", "marks"]
