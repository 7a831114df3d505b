"""Channels that are drawn in one pass look as those that napari draws one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from alkfish.plugin.one_pass import OnePass

SIDE = 64
COLOURS = ("blue", "red", "green")


def _counts(seed):
    return np.random.default_rng(seed).integers(0, 4000, (SIDE, SIDE)).astype(np.uint16)


@pytest.fixture
def picture(viewer, qapp):
    """Return what is drawn, as integers; the layers fill the canvas."""

    def shot():
        qapp.processEvents()
        return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)

    yield shot
    viewer.layers.clear()


def _channels(viewer, colours=COLOURS, one_pass=None):
    """Add channels; each is drawn in the pass as soon as it is there, as those of a case."""
    layers = []
    for seed, colour in enumerate(colours):
        layer = viewer.add_image(_counts(seed), colormap=colour, blending="additive",
                                 contrast_limits=(300, 2500 + 300 * seed))  # fmt: skip
        if one_pass is not None:
            one_pass.add(layer)
        layers.append(layer)
    viewer.reset_view()
    return layers


def _node(viewer, layer):
    return viewer.window._qt_viewer.canvas.layer_to_visual[layer].node


def _put(name, value):
    return lambda layer: setattr(layer, name, value)


CHANGES = {
    "as made": lambda _: None,
    "contrast": _put("contrast_limits", (900, 1200)),
    "all dark": _put("contrast_limits", (60000, 65535)),
    "hidden": _put("visible", False),
    "gamma": _put("gamma", 0.5),
    "colour map": _put("colormap", "viridis"),
    "another colour": _put("colormap", "cyan"),
    "inverted": _put("colormap", "gray_r"),
    "opacity": _put("opacity", 0.4),
    "other pixels": _put("data", _counts(9)),
    "smaller": _put("data", _counts(9)[:40, :30]),
    "translucent": _put("blending", "translucent"),
    "opaque": _put("blending", "opaque"),
    "minimum": _put("blending", "minimum"),
    "moved": _put("translate", (7.0, -3.0)),
    "smoothed": _put("interpolation2d", "linear"),
}


KEPT = (
    "contrast_limits", "visible", "gamma", "colormap", "opacity", "data", "blending", "translate",
    "interpolation2d",
)  # fmt: skip


def _pictures_of_changes(layer, picture):
    """Return the picture of each change; each is taken back, and then nothing may be left of it."""
    before, found = picture(), {}
    kept = {name: getattr(layer, name) for name in KEPT}
    for name, change in CHANGES.items():
        change(layer)
        found[name] = picture()
        for each, value in kept.items():
            setattr(layer, each, value)
        assert np.array_equal(picture(), before), f"{name}, taken back"
    return found


@pytest.mark.parametrize("which", [0, 1])
def test_the_picture_is_that_of_napari_whatever_is_changed(viewer, picture, which):
    expected = _pictures_of_changes(_channels(viewer)[which], picture)
    viewer.layers.clear()
    layers = _channels(viewer, one_pass=OnePass(viewer))
    found = _pictures_of_changes(layers[which], picture)
    differences = {name: int(np.abs(found[name] - expected[name]).max()) for name in CHANGES}
    assert all(each <= 3 for each in differences.values()), "rounding of each colour at most"
    assert expected["as made"].max() > 100
    assert sum(np.array_equal(each, expected["as made"]) for each in expected.values()) <= 4, (
        "of the lowest layer, some blendings are the same"
    )


def _compare(viewer, picture, change, colours=COLOURS):
    """Return the largest difference of a change with and without the pass, and the picture."""
    change(_channels(viewer, colours))
    expected = picture()
    viewer.layers.clear()
    layers = _channels(viewer, colours, OnePass(viewer))
    picture()
    change(layers)
    return np.abs(picture() - expected).max(), expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda viewer: viewer.layers.move(0, 3), id="order"),
        pytest.param(lambda viewer: viewer.layers.pop(0), id="lowest removed"),
        pytest.param(lambda viewer: viewer.layers.pop(1), id="middle removed"),
        pytest.param(
            lambda viewer: (
                viewer.add_image(np.full((SIDE, SIDE), 0.5), contrast_limits=(0, 1), opacity=0.6),
                viewer.layers.move(3, 1),
            ),
            id="a layer of somebody else between",
        ),
        pytest.param(
            lambda viewer: (
                viewer.add_image(np.full((SIDE, SIDE), 0.4), contrast_limits=(0, 1)),
                viewer.layers.move(3, 0),
            ),
            id="a layer of somebody else below",
        ),
        pytest.param(
            lambda viewer: [setattr(each, "visible", False) for each in viewer.layers[:2]],
            id="one alone",
        ),
        pytest.param(
            lambda viewer: [setattr(each, "visible", False) for each in viewer.layers], id="none"
        ),
    ],
)
def test_other_layers_are_drawn_in_their_order(viewer, picture, change):
    difference, _ = _compare(viewer, picture, lambda _: change(viewer))
    assert difference <= 3


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_more_channels_than_one_pass_takes_are_drawn_too(viewer, picture, n):
    colours = ("blue", "red", "green", "magenta", "yellow")[:n]
    difference, expected = _compare(viewer, picture, lambda _: None, colours)
    assert difference <= n
    assert expected.max() > 100


def test_one_drawing_draws_all(viewer, picture):
    layers = _channels(viewer, one_pass=OnePass(viewer))
    picture()
    first, *others = (_node(viewer, layer) for layer in layers)
    drawn = []
    for node in (first, *others):

        def draw(*args, node=node, usual=node._program.draw, **kwargs):
            drawn.append(node)
            return usual(*args, **kwargs)

        node._program.draw = draw
    picture()
    assert drawn
    assert set(map(id, drawn)) == {id(first)}


def test_a_channel_made_anew_takes_the_place_of_the_old_one(viewer, picture):
    _channels(viewer)
    expected = picture()
    viewer.layers.clear()
    one_pass = OnePass(viewer)
    layers = _channels(viewer, one_pass=one_pass)
    picture()
    viewer.layers.remove(layers[1])
    anew = viewer.add_image(_counts(1), colormap="red", blending="additive",
                            contrast_limits=(300, 2800))  # fmt: skip
    one_pass.add(anew)
    viewer.layers.move(2, 1)
    assert np.abs(picture() - expected).max() <= 3
    assert len(one_pass._nodes) == len(COLOURS)


def test_in_three_dimensions_napari_draws_by_itself(viewer, picture):
    one_pass = OnePass(viewer)
    stacks = [np.stack([_counts(seed)] * 3) for seed in range(2)]

    def add(take):
        for stack, colour in zip(stacks, COLOURS, strict=False):
            take(viewer.add_image(stack, colormap=colour, blending="additive",
                                  contrast_limits=(300, 2500)))  # fmt: skip
        viewer.reset_view()

    try:
        add(lambda _: None)
        flat = picture()
        viewer.dims.ndisplay = 3
        solid = picture()
        viewer.dims.ndisplay = 2
        viewer.layers.clear()
        add(one_pass.add)
        assert np.abs(picture() - flat).max() <= 3
        viewer.dims.ndisplay = 3
        assert np.abs(picture() - solid).max() <= 3
        viewer.dims.ndisplay = 2
        assert np.abs(picture() - flat).max() <= 3
    finally:
        viewer.dims.ndisplay = 2


def test_without_a_window_nothing_is_done():
    from napari.components import ViewerModel

    model = ViewerModel()
    OnePass(model).add(model.add_image(_counts(1)))
