"""What is drawn over the picture of a nucleus: its outline and its signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.model.result import CaseResult
from alkfish.report import svg
from alkfish.report.pictures import Window
from alkfish.report.wording import words_of

RING_UM = 0.62
"""Smallest radius of the mark around a signal: it must not cover the signal."""

Rows = npt.NDArray[np.intp]
_DARK = "#000"
_END_COLOUR = {"3p": "#ffb3ba", "5p": "#b9ffc4"}


class FieldIndex:
    """Rows of the nuclei and spots of each field, and its label image."""

    def __init__(self, result: CaseResult) -> None:
        self._result = result
        self._spots = _rows_by_name(result.spots.fov)
        self._labels: Mapping[str, Any] = result.labels
        self._open: tuple[str, Any] = ("", None)

    def spots_of(self, fov: str, nucleus_id: int) -> Rows:
        """Return the rows of the spots of a nucleus."""
        rows = self._spots.get(fov, np.empty(0, np.intp))
        own: Rows = rows[self._result.spots.nucleus_id[rows] == nucleus_id]
        return own

    def spot_rows(self, fov: str) -> Rows:
        """Return the rows of the spots of a field."""
        return self._spots.get(fov, np.empty(0, np.intp))

    def labels(self, fov: str) -> Any:
        """Return the label image of a field, or what can be sliced like it; None without one."""
        if self._open[0] != fov:
            self._open = (fov, self._labels.get(fov))
        return self._open[1]

    def shape(self, fov: str) -> tuple[int, int]:
        """Return height and width of a field; without labels, those that hold all its nuclei."""
        image = self.labels(fov)
        if image is not None:
            return int(image.shape[0]), int(image.shape[1])
        own = self._result.nuclei.fov == fov
        if not own.any():
            return 1, 1
        nuclei = self._result.nuclei
        return int(nuclei.y_px[own].max()) + 32, int(nuclei.x_px[own].max()) + 32


def _rows_by_name(names: npt.NDArray[Any]) -> dict[str, Rows]:
    if not len(names):
        return {}
    unique, code = np.unique(names.astype(str), return_inverse=True)
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code))[:-1]
    return dict(zip(unique.tolist(), np.split(order, ends), strict=True))


def nucleus_marks(result: CaseResult, index: FieldIndex, row: int, window: Window) -> str:
    """Return the SVG drawing that lies over a window: outline, signals, the decisive spot."""
    nuclei = result.nuclei
    fov, nucleus = str(nuclei.fov[row]), int(nuclei.nucleus_id[row])
    words = words_of(str(nuclei.pattern[row]))
    unit = max(window.height, window.width) / 150
    outline = "".join(
        svg.path(points, stroke=colour, width=width * unit, close=True, class_="outline")
        for points in _outline(index.labels(fov), nucleus, window)
        for colour, width in ((_DARK, 2.6), (words.colour, 1.3), ("#fff", 0.5))
    )
    rings = "".join(_rings(result, index, row, window, unit))
    return svg.tag(
        "svg", svg.tag("g", outline + rings), xmlns="http://www.w3.org/2000/svg", class_="marks",
        viewBox=f"-0.5 -0.5 {window.width} {window.height}", aria_hidden="true", fill="none",
    )  # fmt: skip


def _outline(labels: Any, nucleus: int, window: Window) -> list[list[tuple[float, float]]]:
    import cv2

    if labels is None:
        return []
    mask = np.asarray(labels[window.slices] == nucleus, np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [
        [(float(x), float(y)) for x, y in contour.reshape(-1, 2).tolist()] for contour in contours
    ]


def _rings(
    result: CaseResult, index: FieldIndex, row: int, window: Window, unit: float
) -> list[str]:
    nuclei, spots = result.nuclei, result.spots
    fov = str(nuclei.fov[row])
    size = result.pixel_size_um.get(fov, 0.1)
    own = index.spots_of(fov, int(nuclei.nucleus_id[row]))
    ends_of: dict[int, set[str]] = {}
    for k in own.tolist():
        ends_of.setdefault(int(spots.signal_id[k]), set()).add(str(spots.end[k]))
    drawn = []
    for k in own.tolist():
        x, y = float(spots.x_px[k]) - window.left, float(spots.y_px[k]) - window.top
        radius = max(RING_UM, 0.9 * float(spots.diameter_um[k])) / size
        fused = len(ends_of[int(spots.signal_id[k])]) > 1
        drawn.append(_ring(str(spots.end[k]), x, y, radius, unit, fused=fused))
        if int(spots.spot_id[k]) == int(nuclei.decisive_spot[row]) > 0:
            drawn.append(_question(x + 1.2 * radius, y - 1.2 * radius, unit))
    return drawn


def _ring(end: str, x: float, y: float, radius: float, unit: float, *, fused: bool) -> str:
    """Return the mark of a spot: a circle for 3', a square for 5'; thin if it is fused."""
    parts = []
    side = 1.5 * radius
    for colour, width in ((_DARK, 2.4), (_END_COLOUR.get(end, "#fff"), 0.8 if fused else 1.5)):
        if end == "3p":
            shape = svg.tag("circle", cx=x, cy=y, r=radius)
        else:
            shape = svg.tag("rect", x=x - side / 2, y=y - side / 2, width=side, height=side)
        parts.append(svg.tag("g", shape, stroke=colour, stroke_width=width * unit))
    return svg.tag("g", "".join(parts), class_=f"ring end-{end}")


def _question(x: float, y: float, unit: float) -> str:
    return svg.text(x, y, "?", size=13 * unit, class_="decisive", fill="#fff", weight="bold")
