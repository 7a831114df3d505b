"""The layer of outlines of the field that is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.plugin.drawing import drop, map_by_table, outline_colours, pattern_names, put_image
from alkfish.plugin.outlines import LazyCodes, Numbering
from alkfish.plugin.quick_pixels import draw_quickly
from alkfish.plugin.view_settings import ViewSettings

OUTLINES = "Nuclei"


class OutlineLayer:
    """Makes the layer and draws it anew where patterns or outlines are others.

    Parameters
    ----------
    viewer : napari viewer
        Where it is drawn.
    layers : dict
        The layers of the case by part; this one is put into it.
    settings : ViewSettings
        Whether it is visible.

    Attributes
    ----------
    levels : list of array-like
        Label image of the field, and for a large one its lower levels.
    numbering : Numbering or None
        What number each nucleus has in the picture.
    """

    def __init__(self, viewer: Any, layers: dict[str, Any], settings: ViewSettings) -> None:
        self.viewer, self.layers, self._settings = viewer, layers, settings
        self.levels: list[Any] = []
        self.numbering: Numbering | None = None
        self._is_stale = False

    def remove(self) -> None:
        """Remove the layer: the field has no outlines."""
        drop(self.viewer, self.layers, OUTLINES)

    def show(self, size: float) -> None:
        """Draw the levels with the present numbers, at a pixel size in micrometres."""
        assert self.numbering is not None  # noqa: S101 - callers have set it
        many = len(self.levels) > 1
        data = self._codes() if many else self.numbering(self.levels[0])
        layer = self.layers.get(OUTLINES)
        if layer is not None and layer.multiscale == many:
            put_image(layer, data, (size, size))
            return
        self.remove()
        map_by_table()
        layer = self.viewer.add_labels(
            data,
            multiscale=many,
            name=OUTLINES,
            colormap=outline_colours(),
            opacity=1.0,
            scale=(size, size),
            units="um",
            features=pattern_names(),
            visible=self._settings.is_visible(OUTLINES),
        )
        layer.editable = False
        layer.events.set_data.connect(self._take_drawn)
        draw_quickly(self.viewer, layer)
        self.layers[OUTLINES] = layer

    def redraw(self, ids: npt.NDArray[Any] | None = None) -> None:
        """Draw outlines anew; of a small field only where some nuclei lie, if they are given.

        Some nuclei of a large field wait for `catch_up`: at the next nucleus, other pixels are
        looked up anyway, and twice takes twice as long.
        """
        layer = self.layers.get(OUTLINES)
        if layer is None or layer not in self.viewer.layers or self.numbering is None:
            return
        if len(self.levels) > 1:
            if ids is None:
                layer.data = self._codes()
            else:
                self._is_stale = True
            return
        labels = self.levels[0]
        if ids is None or labels.shape != layer.data.shape:
            layer.data = self.numbering(labels)
            return
        for number in ids.tolist():
            self._redraw_one(layer, labels, number)
        layer.refresh(extent=False)

    def catch_up(self) -> None:
        """Draw now what waits: the levels look up the numbers that were set."""
        layer = self.layers.get(OUTLINES)
        if self._is_stale and layer is not None and layer in self.viewer.layers:
            layer.refresh(extent=False, thumbnail=False)
        self._is_stale = False

    def _take_drawn(self, _: Any = None) -> None:
        self._is_stale = False

    def _redraw_one(self, layer: Any, labels: npt.NDArray[Any], number: int) -> None:
        assert self.numbering is not None  # noqa: S101
        rows, columns = np.nonzero(labels == number)
        if len(rows):
            part = (
                slice(max(0, rows.min() - 2), rows.max() + 3),
                slice(max(0, columns.min() - 2), columns.max() + 3),
            )
            inside = labels[part] == number
            layer.data[part][inside] = self.numbering(labels[part])[inside]

    def _codes(self) -> list[LazyCodes]:
        assert self.numbering is not None  # noqa: S101
        return [LazyCodes(level, self.numbering) for level in self.levels]
