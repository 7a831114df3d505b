"""How napari layers are made and filled: the calls that know its ways."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
from napari.utils.colormaps import DirectLabelColormap

from alkfish.plugin.colours import HIDDEN_CODE, PATTERN_CODES, SHADES, code_colours, look_of
from alkfish.report.wording import words_of


def holds(layer: Any, levels: list[Any]) -> bool:
    """Whether a layer of pictures can show others without being made anew."""
    return bool(
        layer.multiscale == (len(levels) > 1)
        and layer.ndim == len(levels[0].shape)
        and layer.dtype == levels[0].dtype
    )


def put_image(layer: Any, data: Any, scale: tuple[float, ...]) -> None:
    """Give a layer of pixels others, and their scale."""
    layer.data = data
    if not np.allclose(layer.scale, scale):
        layer.scale = scale


def put_points(
    layer: Any, places: Any, sizes: Any, borders: Any, words: tuple[str, Any] | None = None
) -> None:
    """Give a layer of points other points, drawn once; colours are those of the layer.

    The points lie inside the field: what napari works out anew when a layer grows is left out.
    `words` are the name of a feature and the words of each point, if they carry any.
    """
    if layer.selected_data:
        layer.selected_data = set()
    without_drawing = getattr(layer, "_block_refresh", nullcontext)
    with without_drawing(), layer.events.blocker_all(), layer.text.events.blocker_all():
        layer.data = np.asarray(places, float).reshape(-1, 2)
        if not np.array_equal(layer.size, sizes):
            layer.size = np.asarray(sizes, float)
        if not np.array_equal(layer.border_width, borders):
            layer.border_width = np.asarray(borders, float)
        if words is not None:
            put_words(layer, *words)
    layer.refresh(extent=False, thumbnail=False, highlight=False)


class PartOfPoints:
    """Has only some points of a layer drawn, without giving it others, which takes longer.

    The layer keeps all of them. Where napari draws points in a way that is not known here, all are
    drawn.

    Parameters
    ----------
    viewer, layer
        A viewer, and a layer of points in it.
    """

    def __init__(self, viewer: Any, layer: Any) -> None:
        self._viewer, self.layer = viewer, layer
        self._all: Any = None
        self._part: Any = None

    def draw(self, chosen: Any) -> None:
        """Draw the chosen points (bool, shape (N,)), or all if it is None."""
        visual = visual_of(self._viewer, self.layer)
        markers: Any = getattr(getattr(visual, "node", None), "points_markers", None)
        if not hasattr(markers, "_upload_data") or getattr(markers, "_data", None) is None:
            return
        if markers._data is not self._part:  # napari has taken up all points of the layer
            self._all = markers._data
        rows: Any = slice(None)
        if chosen is not None and len(chosen) == len(self._all):
            rows = np.flatnonzero(chosen) if chosen.any() else np.zeros(1, int)  # never empty
        elif markers._data is self._all:
            return
        markers._upload_data({name: self._all[name][rows] for name in self._all.dtype.names})
        markers.update()
        self._part = markers._data


def put_words(layer: Any, name: str, words: Any) -> None:
    """Give the points of a layer other words; the same ones are left alone, which is quicker."""
    table = layer.features
    if name in table and len(table) == len(words):
        if np.array_equal(np.asarray(table[name], str), words):
            return
        table[name] = words  # assigning all features has napari look at each of them for long
    else:
        layer.features = {name: words}
    layer.refresh_text()


def drop(viewer: Any, layers: dict[str, Any], part: str) -> None:
    """Remove the layer of a part, if there is one."""
    layer = layers.pop(part, None)
    if layer is not None and layer in viewer.layers:
        viewer.layers.remove(layer)


def look_at(viewer: Any, place: tuple[float, float]) -> None:
    """Move the view to a place (y, x in world units); by itself, napari moves its canvas twice."""
    camera, drawn = camera_of(viewer), getattr(_canvas_of(viewer), "camera", None)
    follow, flat = getattr(drawn, "_on_center_change", None), getattr(drawn, "_2D_camera", None)
    in_use = getattr(getattr(drawn, "_view", None), "camera", None) is flat
    if follow is None or flat is None or not in_use:
        camera.center = (0.0, *place)
        return
    with camera.events.center.blocker(follow):
        camera.center = (0.0, *place)
    flat.center = place[::-1]


def fetch_now(viewer: Any) -> None:
    """Let napari fetch the pixels of a new place before it paints; else it paints twice."""
    canvas = _canvas_of(viewer)
    if canvas is None:
        return
    corners = getattr(canvas, "_viewbox_corners_in_world", None)
    size = getattr(canvas, "_current_viewbox_size", None)
    if corners is None or size is None:
        canvas.on_draw(None)  # all layers: slower, and the same for those of pixels
        return
    for layer in viewer.layers:
        if getattr(layer, "multiscale", False):
            shown = list(viewer.dims.displayed[-len(layer._slice_input.displayed) :])
            layer._update_draw(1 / camera_of(viewer).zoom, corners[:, shown], size[::-1])


def visual_of(viewer: Any, layer: Any) -> Any:
    """Return what draws a layer; None without a window."""
    return getattr(_canvas_of(viewer), "layer_to_visual", {}).get(layer)


def _canvas_of(viewer: Any) -> Any:
    """Return what a viewer draws on; None without a window."""
    window = getattr(viewer, "window", None)
    return getattr(getattr(window, "_qt_viewer", None), "canvas", None)


def map_by_table() -> None:
    """Let napari colour outlines by a table: its compiled way takes seconds at the first case."""
    from napari.utils.colormap_backend import ColormapBackend, set_backend

    set_backend(ColormapBackend.pure_python)


def outline_colours() -> DirectLabelColormap:
    """Return the colours of the image of outlines."""
    clear = np.zeros(4, np.float32)
    colours: dict[int | None, Any] = {None: clear, 0: clear}
    colours.update(dict(code_colours().items()))
    return DirectLabelColormap(color_dict=colours)


def pattern_names() -> dict[str, list[Any]]:
    """Return what the status bar says of each number in the image of outlines."""
    names: dict[int, str] = {0: ""}
    names |= dict.fromkeys(range(HIDDEN_CODE * SHADES, (HIDDEN_CODE + 1) * SHADES), "hidden")
    for pattern, code in PATTERN_CODES.items():
        text = f"{look_of(pattern).letter} {words_of(pattern).name}"
        names |= dict.fromkeys(range(code * SHADES, (code + 1) * SHADES), text)
    return {"index": list(names), "pattern": list(names.values())}


def camera_of(viewer: Any) -> Any:
    """Return the camera; napari moved it in 0.9."""
    scene = getattr(viewer, "scene", None)
    return scene.camera if scene is not None else viewer.camera


def canvas_size(viewer: Any) -> tuple[int, int]:
    """Return height and width of the canvas in pixels."""
    canvas = getattr(viewer, "canvas", None)
    size: Any = getattr(canvas, "size", None) or getattr(viewer, "_canvas_size", (600, 800))
    return int(size[0]), int(size[1])
