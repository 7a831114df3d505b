"""The channels of the field that is shown, as image layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from alkfish.errors import AlkfishError
from alkfish.model.result import CaseResult
from alkfish.plugin.colours import COLOUR_MAPS
from alkfish.plugin.convert import channel_contrast
from alkfish.plugin.drawing import drop, holds, put_image
from alkfish.plugin.one_pass import OnePass
from alkfish.plugin.view_settings import ViewSettings
from alkfish.plugin.workspace import Workspace

CHANNELS = {"dapi": "DAPI", "three_prime": "3'", "five_prime": "5'"}


class ChannelLayers:
    """Makes the image layers and gives them the pixels of another field.

    Parameters
    ----------
    workspace : Workspace
        What is open.
    layers : dict
        The layers of the case by part; the channels are put into it.
    settings : ViewSettings
        Contrast and visibility of each.
    """

    def __init__(
        self, workspace: Workspace, layers: dict[str, Any], settings: ViewSettings
    ) -> None:
        self.workspace, self.layers, self._settings = workspace, layers, settings
        self.viewer = workspace.viewer
        self._one_pass = OnePass(self.viewer)

    def show(self, result: CaseResult, fov: str, size: float, *, is_new_case: bool) -> None:
        """Draw the channels of a field; of a new case with its own contrast."""
        for channel in CHANNELS:
            levels = self.levels(fov, channel)
            if not levels:
                drop(self.viewer, self.layers, channel)
                continue
            is_stack = len(levels[0].shape) == 3
            step = self.workspace.pictures.z_step_um(fov)
            scale = (step, size, size) if is_stack else (size, size)
            data = levels if len(levels) > 1 else levels[0]
            layer = self.layers.get(channel)
            if layer is not None and holds(layer, levels):
                put_image(layer, data, scale)
                if is_new_case:
                    layer.contrast_limits = self._limits(result, levels, channel)
                continue
            drop(self.viewer, self.layers, channel)
            self._add(result, channel, levels, scale)

    def levels(self, fov: str, channel: str) -> list[Any]:
        """Return the levels of a channel; none if there is no picture, which is said."""
        pictures = self.workspace.pictures
        if not pictures.has(fov):
            return []
        try:
            return pictures.levels(fov, channel)
        except AlkfishError as error:
            self.workspace.said.emit(str(error), True)
            return []

    def _add(
        self, result: CaseResult, channel: str, levels: list[Any], scale: tuple[float, ...]
    ) -> None:
        probe = result.probe
        colours = {
            "dapi": "blue",
            "three_prime": COLOUR_MAPS[probe.three_prime_colour],
            "five_prime": COLOUR_MAPS[probe.five_prime_colour],
        }
        colour, name = colours[channel], CHANNELS[channel]
        layer = self.viewer.add_image(
            levels if len(levels) > 1 else levels[0],
            multiscale=len(levels) > 1,
            name=name if channel == "dapi" else f"{name} ({colour})",
            colormap=colour,
            blending="additive",
            contrast_limits=self._limits(result, levels, channel),
            visible=self._settings.is_visible(channel),
            scale=scale,
            units="um",
        )
        layer.editable = False
        self._one_pass.add(layer)
        self.layers[channel] = layer
        place = self.viewer.layers.index(layer)
        if place >= len(CHANNELS):  # made anew over the marks: back to the bottom
            self.viewer.layers.move(place, 0)

    def _limits(self, result: CaseResult, levels: list[Any], channel: str) -> tuple[float, float]:
        """Return the contrast that was chosen for the case, else a usual one."""
        return self._settings.contrast(channel) or _contrast(result, levels[-1], channel)


def _contrast(result: CaseResult, level: Any, channel: str) -> tuple[float, float]:
    spots = result.spots
    ends = {"three_prime": "3p", "five_prime": "5p"}
    own = (spots.end == ends.get(channel, "")) & (spots.nucleus_id > 0)
    plane = level[level.shape[0] // 2] if len(level.shape) == 3 else level
    side = tuple(slice(n // 4, n - n // 4) for n in plane.shape)
    return channel_contrast(np.asarray(plane[side]), spots.amplitude[own], spots.background[own])
