"""Has marks drawn with what they need: napari prepares for more in every picture.

It draws empty texts, frames around points that can be selected and glyphs set one by one, and
takes over everything about a layer whenever its points are others. The picture is the same. Where
a layer is drawn in a way that is not known here, nothing is changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from vispy.gloo import IndexBuffer, VertexBuffer

from alkfish.plugin.drawing import visual_of

Glyphs = npt.NDArray[np.void]

CORNERS = np.array([0, 1, 2, 0, 2, 3], np.uint32)
"""Of the two triangles of a glyph."""
N_KNOWN = 500
"""So many words are kept at most."""


def draw_marks_quickly(viewer: Any, layer: Any, *, points: bool = True) -> None:
    """Draw a layer of points quickly from now on; no point of it is ever selected.

    Parameters
    ----------
    viewer : napari viewer
        Without a window, nothing is done.
    layer : napari Points
        It is in the viewer. Words are drawn only if it has some now.
    points : bool
        False for a layer of words alone, whose points cannot be seen.
    """
    visual = visual_of(viewer, layer)
    node: Any = getattr(visual, "node", None)
    parts = ("points_markers", "selection_markers", "highlight_lines", "text")
    if visual is None or not all(hasattr(node, part) for part in parts):
        return
    node.selection_markers.visible = node.highlight_lines.visible = False
    node.points_markers.visible = points
    node.text.visible = getattr(layer.text.string, "constant", None) != ""
    if node.text.visible:
        QuickWords(node.text)
    visual.reset = partial(_take_points, visual, visual.reset, [_axes(layer)])


def _axes(layer: Any) -> tuple[int, ...]:
    """Return which axes are displayed, and how many there are."""
    return (layer.ndim, *layer._slice_input.displayed)


def _take_points(visual: Any, take_all: Any, axes: list[tuple[int, ...]]) -> None:
    """Take over what depends on the points; all there is if other axes are displayed."""
    if axes[0] != _axes(visual.layer):
        axes[0] = _axes(visual.layer)
        take_all()
        return
    visual._on_canvas_size_limits_change()
    if visual.node.text.visible:
        visual._update_text(update_node=False)


class QuickWords:
    """Sets the glyphs of words that were set before from memory.

    Parameters
    ----------
    text : vispy TextVisual
        Its font and anchors do not change, only its words and their places.
    """

    def __init__(self, text: Any) -> None:
        self._text, self._usual = text, text._prepare_draw
        self._known: dict[str, Glyphs] = {}
        self._style: object = None
        text._prepare_draw = self._prepare

    def _prepare(self, view: Any) -> Any:
        text = self._text
        if text._vertices is not None or isinstance(text.text, str):
            return self._usual(view)
        style = (text._anchors, text._font, text._line_height)
        if style != self._style or len(self._known) > N_KNOWN:
            self._style, self._known = style, {}
        words = [str(each) for each in text.text]
        is_known = bool(words) and all(each in self._known for each in words)
        if is_known:
            self._set([self._known[each] for each in words])
        found = self._usual(view)
        if not is_known and text._vertices is not None:
            ends = np.cumsum([4 * len(each) for each in words])[:-1]
            parts = np.split(text._vertices_data, ends)
            self._known |= {each: part.copy() for each, part in zip(words, parts, strict=True)}
        return found

    def _set(self, parts: list[Glyphs]) -> None:
        """Do what the visual does with glyphs that it has set."""
        text = self._text
        text._vertices_data = np.concatenate(parts)
        text._vertices = VertexBuffer(text._vertices_data)
        n = len(text._vertices_data)
        text._index_buffer = IndexBuffer(
            (CORNERS + np.arange(0, n, 4, dtype=np.uint32)[:, None]).ravel()
        )
        text.shared_program.bind(text._vertices)
