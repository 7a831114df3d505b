"""The layers of a preview: what other settings would find, drawn as the case itself is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult
from alkfish.pipeline import combine_fields
from alkfish.plugin.colours import END_SYMBOLS, RING_COLOURS, colour_of_end
from alkfish.plugin.convert import letter_places, letters, pixel_size, spot_marks
from alkfish.plugin.drawing import outline_colours
from alkfish.plugin.layers import ENDS, OUTLINES, PAIRS, PATTERNS
from alkfish.plugin.outlines import Numbering
from alkfish.plugin.preview import Preview

PREFIX = "Preview: "
"""Begin of the names of the layers of a preview."""

MOST_LETTERS = 600
"""Nuclei that carry the letter of their pattern."""


class PreviewLayers:
    """Shows one preview at a time in a viewer; the marks of the case are hidden meanwhile."""

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self._own: list[Any] = []
        self._hidden: list[tuple[Any, float]] = []

    @property
    def is_shown(self) -> bool:
        """Whether a preview is drawn."""
        return bool(self._own)

    def show(self, preview: Preview, probe: ProbeProfile, config: Config) -> None:
        """Draw a preview in place of the one before."""
        self._remove()
        self._hide_marks()
        result = combine_fields("preview", [preview.found], probe=probe, config=config)
        fov, size = preview.fov, pixel_size(result, preview.fov)
        window = preview.window
        common = {
            "scale": (size, size),
            "translate": (window.top * size, window.left * size),
            "units": "um",
        }
        active = self.viewer.layers.selection.active
        patterns = np.array(result.nuclei.pattern, object)
        numbering = Numbering(result, fov, patterns, np.zeros(len(patterns), bool))
        labels = self.viewer.add_labels(
            numbering(np.asarray(preview.found.labels[:, :])), name=f"{PREFIX}nuclei",
            colormap=outline_colours(), opacity=1.0, **common,
        )  # fmt: skip
        labels.contour = 2
        labels.editable = False
        self._own.append(labels)
        for end, name in ENDS.items():
            marks = spot_marks(result, fov, end)
            points = self.viewer.add_points(
                marks.places, size=marks.sizes, name=f"{PREFIX}{name}",
                symbol=END_SYMBOLS[end], face_color="transparent", border_width=marks.borders,
                border_color=RING_COLOURS[colour_of_end(probe, end)], **common,
            )  # fmt: skip
            points.editable = False
            self._own.append(points)
        self._add_letters(result, patterns, common)
        if active is not None and active in self.viewer.layers:
            self.viewer.layers.selection.active = active

    def _add_letters(
        self, result: CaseResult, patterns: npt.NDArray[np.object_], common: Mapping[str, Any]
    ) -> None:
        """Write the letter of each pattern: the colour of an outline says it to some only."""
        rows = np.arange(min(len(patterns), MOST_LETTERS))
        layer = self.viewer.add_points(
            letter_places(result, rows), name=f"{PREFIX}patterns",
            features={"letter": letters(patterns[rows])}, size=1, face_color="transparent",
            border_color="transparent",
            text={"string": "{letter}", "color": "white", "size": 10, "anchor": "center"},
            **common,
        )  # fmt: skip
        layer.editable = False
        self._own.append(layer)

    def clear(self) -> None:
        """Remove the preview and show the marks of the case again."""
        self._remove()
        for layer, opacity in self._hidden:
            if layer in self.viewer.layers:
                layer.opacity = opacity
        self._hidden = []

    def _remove(self) -> None:
        for layer in self._own:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)
        self._own = []

    def _hide_marks(self) -> None:
        # By opacity: napari does not follow the data of layers that are invisible.
        names = (OUTLINES, PAIRS, PATTERNS, *ENDS.values())
        known = [layer for layer, _ in self._hidden]
        for layer in self.viewer.layers:
            if layer.name in names and layer not in known:
                self._hidden.append((layer, float(layer.opacity)))
                layer.opacity = 0.0
