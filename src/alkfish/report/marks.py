"""What is drawn over the picture of a nucleus: its outline and its signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.model.result import CaseResult
from alkfish.report import svg
from alkfish.report.pictures import UNKNOWN_PIXEL_UM, Window
from alkfish.report.wording import words_of

RING_UM = 0.8
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


class NucleusMarks:
    """Drawings that lie over the views of one nucleus.

    Parameters
    ----------
    result, index : CaseResult, FieldIndex
        The case.
    row : int
        Row of the nucleus.
    window : Window
        Part of the field that the views show.
    outline_colour : str
        Colour of the outline; by default that of the nucleus's pattern.
    """

    def __init__(
        self, result: CaseResult, index: FieldIndex, row: int, window: Window, *,
        outline_colour: str = "",
    ) -> None:  # fmt: skip
        fov, nucleus = str(result.nuclei.fov[row]), int(result.nuclei.nucleus_id[row])
        colour = outline_colour or words_of(str(result.nuclei.pattern[row])).colour
        self._window = window
        self._unit = max(window.height, window.width) / 150
        self._outline = "".join(
            svg.tag(
                "g", svg.tag("path", d=svg.way(points, close=True)), class_=name, stroke=stroke,
                stroke_width=width * self._unit,
            )
            for points in _outline(index.labels(fov), nucleus, window)
            for name, stroke, width in (("under", _DARK, 1.8), ("over", colour, 0.9))
        )  # fmt: skip
        self._rings = _rings(result, index, row, window, self._unit)

    def over(self, *ends: str) -> str:
        """Return the drawing with the outline and the signals of the given ends (3p, 5p).

        Single channels carry their own signals only; one without marks on top shows doublets.
        """
        rings = "".join(mark for end, mark in self._rings if end in ends)
        box = f"-0.5 -0.5 {self._window.width} {self._window.height}"
        return svg.tag(
            "svg", self._outline + rings, xmlns="http://www.w3.org/2000/svg", class_="marks",
            viewBox=box, aria_hidden="true", fill="none",
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
) -> list[tuple[str, str]]:
    """Return end and mark of each signal of a nucleus."""
    nuclei, spots = result.nuclei, result.spots
    fov = str(nuclei.fov[row])
    size = result.pixel_size_um.get(fov, UNKNOWN_PIXEL_UM)
    own = index.spots_of(fov, int(nuclei.nucleus_id[row]))
    ends_of: dict[int, set[str]] = {}
    for k in own.tolist():
        ends_of.setdefault(int(spots.signal_id[k]), set()).add(str(spots.end[k]))
    drawn = []
    for k in own.tolist():
        x, y = float(spots.x_px[k]) - window.left, float(spots.y_px[k]) - window.top
        radius = max(RING_UM, 0.9 * float(spots.diameter_um[k])) / size
        fused = len(ends_of[int(spots.signal_id[k])]) > 1
        end = str(spots.end[k])
        mark = _ring(end, x, y, radius, unit, fused=fused)
        if int(spots.spot_id[k]) == int(nuclei.decisive_spot[row]) > 0:
            mark += _question(x + 1.1 * radius, y - 1.0 * radius, unit)
        drawn.append((end, mark))
    return drawn


def _ring(end: str, x: float, y: float, radius: float, unit: float, *, fused: bool) -> str:
    """Return the mark of a spot: a circle for 3', a square for 5'; dashed if it is fused."""
    parts = []
    side = 1.65 * radius
    dash = f"{svg.number(2.2 * unit)} {svg.number(1.6 * unit)}" if fused else "none"
    colour = _END_COLOUR.get(end, "#fff")
    for name, stroke, width in (("under", _DARK, 2.0), ("over", colour, 1.0)):
        if end == "3p":
            shape = svg.tag("circle", cx=x, cy=y, r=radius)
        else:
            shape = svg.tag("rect", x=x - side / 2, y=y - side / 2, width=side, height=side)
        dashes = dash if name == "over" else "none"
        parts.append(
            svg.tag(
                "g", shape, class_=name, stroke=stroke, stroke_width=width * unit,
                stroke_dasharray=dashes, stroke_opacity=0.45 if name == "under" else 1,
            )
        )  # fmt: skip
    return svg.tag("g", "".join(parts), class_=f"ring end-{end}")


def _question(x: float, y: float, unit: float) -> str:
    return svg.text(x, y, "?", size=9 * unit, class_="decisive", fill="#fff", weight="bold")
