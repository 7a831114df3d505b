"""Has the channels of a picture drawn in one pass over its pixels instead of one each.

Additive channels are a sum. Where OpenGL is software, each pass over the canvas costs as much as
all the rest of a layer. Every channel keeps its layer, and is drawn by itself as soon as it needs
more than a sum: another gamma, colour map, blending, opacity, place or order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from alkfish.plugin.quick_pixels import HEAD, draw_quickly, plain_colour

N_OTHERS = 2
"""At most so many channels are added to the first."""

DECLARED = """
uniform sampler2D u_other_{k};
uniform vec3 u_colour_{k};
uniform vec2 u_clim_{k};
"""
ADDED = """
    share = (texture2D(u_other_{k}, v_texcoord).r - u_clim_{k}.x) / (u_clim_{k}.y - u_clim_{k}.x);
    gl_FragColor.rgb += u_colour_{k} * clamp(share, 0.0, 1.0);
"""
SUM = (
    HEAD
    + "".join(DECLARED.format(k=k) for k in range(N_OTHERS))
    + "void main() {\n    float share;\n"
    + "    gl_FragColor = $color_transform($get_data(v_texcoord));"
    + "".join(ADDED.format(k=k) for k in range(N_OTHERS))
    + "}"
)


class OnePass:
    """Draws the channels that were added to it together.

    Parameters
    ----------
    viewer : napari viewer
        Without a window, nothing is done.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self._nodes: list[tuple[Any, Any]] = []

    def add(self, layer: Any) -> None:
        """Draw a channel together with those that were added before.

        Parameters
        ----------
        layer : napari Image
            It is in the viewer.
        """
        self._nodes = [(each, node) for each, node in self._nodes if each in self.viewer.layers]
        node = draw_quickly(self.viewer, layer, SUM)
        if node is None:
            return
        self._nodes.append((layer, node))
        self._add_others(node, [])
        node.draw = partial(self._draw, node, node.draw)

    def _draw(self, node: Any, draw: Any) -> None:
        """Draw a channel, and with the first of the sum, all of it."""
        together = self._together()
        first = together[0][1] if together else None
        if node is first:
            self._add_others(node, together[1:])
        elif any(each is node for _, each in together):
            return  # it has been drawn with the first
        else:
            self._add_others(node, [])
        draw()

    def _together(self) -> list[tuple[Any, Any]]:
        """Return the channels that can be drawn as one sum now, from the lowest."""
        found: list[tuple[Any, Any]] = []
        seen = 0
        for layer, node in sorted(self._nodes, key=lambda each: each[1].order):
            seen += bool(found)
            if not layer.visible:
                continue
            is_plain = _is_plain(layer, node)
            if not found:
                if is_plain:
                    found.append((layer, node))
                continue
            first = found[0][1]
            is_next = node.order - first.order == seen  # no layer of somebody else between
            if not (is_plain and is_next and _fits(node, first)) or len(found) > N_OTHERS:
                break
            found.append((layer, node))
        return found

    def _add_others(self, node: Any, others: list[tuple[Any, Any]]) -> None:
        """Have channels added to what a node draws; the same ones as ever take no new program."""
        program = node.shared_program
        for k in range(N_OTHERS):
            texture, limits = node._texture, (0.0, 1.0)
            colour: tuple[float, float, float] | None = (0.0, 0.0, 0.0)
            if k < len(others):
                layer, other = others[k]
                other._prepare_draw(other)  # its pixels are taken to where they are drawn from
                colour, limits = plain_colour(layer), other._texture.clim_normalized
                texture = other._texture
            program[f"u_other_{k}"] = texture
            program[f"u_colour_{k}"], program[f"u_clim_{k}"] = colour, limits


def _is_plain(layer: Any, node: Any) -> bool:
    """Whether a channel is only added to what lies below."""
    return (
        node.visible
        and node.parent is not None
        and layer.blending == "additive"
        and layer.opacity == 1.0
        and node.interpolation == "nearest"
        and plain_colour(layer) is not None
    )


def _fits(node: Any, first: Any) -> bool:
    """Whether two channels lie over each other, pixel by pixel."""
    return (
        node.parent is first.parent
        and node.size == first.size
        and np.array_equal(node.transform.matrix, first.transform.matrix)
    )
