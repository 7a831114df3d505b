"""Has pixels coloured with few instructions each: most of the time where OpenGL is software.

Remote desktops and virtual machines draw without a graphics card. What is drawn for every pixel
by default raises to a power (gamma), looks the colour up in a texture and follows a general
projection; a channel of plain counts in one colour, flat on the screen, needs none of these. The
picture is the same. Where a layer needs more (another gamma or colour map), or is drawn in a way
that is not known here, nothing is changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from vispy.gloo import get_current_canvas
from vispy.visuals.image import ImageVisual
from vispy.visuals.shaders import Function, FunctionChain

from alkfish.plugin.drawing import visual_of

HEAD = """
uniform vec2 image_size;
uniform int method;
uniform sampler2D u_texture;
varying vec2 v_texcoord;

vec4 from_canvas(vec4 place) { return $transform(place); }  // set by the visual, not needed
"""
"""A picture without perspective: its place in the texture comes with the corner."""

FLAT = HEAD + "void main() { gl_FragColor = $color_transform($get_data(v_texcoord)); }"

COUNT = "float count(vec4 value) { return value.r; }"
STRETCH = """
float stretch(float count) {
    return clamp((count - $clim.x) / ($clim.y - $clim.x), 0.0, 1.0);
}
"""
DYE = "vec4 dye(float share) { return vec4(share * $colour + 0.0 * $gamma, 1.0); }"
"""The visual sets a gamma; it is 1 here."""


def draw_quickly(viewer: Any, layer: Any, program: str = FLAT) -> Any:
    """Draw a layer of pixels quickly from now on.

    Parameters
    ----------
    viewer : napari viewer
        Without a window, nothing is done.
    layer : napari layer
        An image or labels layer that is in the viewer.
    program : str
        What is done for each pixel.

    Returns
    -------
    node or None
        What draws the layer; None if it is drawn as before.
    """
    node = getattr(visual_of(viewer, layer), "node", None)
    if not isinstance(node, ImageVisual):
        return None
    node.shared_program.frag = program
    node._need_method_update = node._need_interpolation_update = True
    node._need_colortransform_update = True
    if hasattr(layer, "gamma"):
        usual = node._build_color_transform
        node._build_color_transform = partial(_colour, node, layer, usual)
        layer.events.gamma.connect(partial(_colour_anew, node))
    node.draw = partial(_draw_and_begin, node.draw)
    node.update()
    return node


def _draw_and_begin(draw: Any) -> None:
    """Draw, and have OpenGL begin with it while what lies above is still being prepared.

    It collects what it is told until the picture is complete; told to begin, it works on pixels
    in other threads (software) or on the card while Python goes on.
    """
    draw()
    canvas = get_current_canvas()
    if canvas is not None:
        canvas.context.flush()


def _colour_anew(node: Any, _: Any = None) -> None:
    node._need_colortransform_update = True


def _colour(node: Any, layer: Any, usual: Any) -> FunctionChain:
    """Return what turns a value of the texture into a colour, as short as it can be."""
    colour = plain_colour(layer)
    if colour is None:
        return usual()
    stretch, dye = Function(STRETCH), Function(DYE)
    stretch["clim"] = node._texture.clim_normalized
    dye["colour"], dye["gamma"] = colour, layer.gamma
    return FunctionChain(None, [Function(COUNT), stretch, dye])


def plain_colour(layer: Any) -> tuple[float, float, float] | None:
    """Return the colour of a layer of counts that goes from black to it evenly, else None.

    Parameters
    ----------
    layer : napari Image
        A channel.
    """
    if layer.gamma != 1.0:
        return None
    colours = np.asarray(layer.colormap.colors, float)
    steps = getattr(layer.colormap.interpolation, "value", "")
    if layer.dtype.kind != "u" or colours.shape != (2, 4) or steps != "linear":
        return None
    extremes = (layer.colormap.low_color, layer.colormap.high_color)
    if any(each is not None for each in extremes) or (colours[:, 3] != 1).any():
        return None
    if (colours[0, :3] != 0).any():
        return None
    red, green, blue = colours[1, :3].tolist()
    return red, green, blue
