"""Where the positive nuclei lie: one small map per field, or one of a whole slide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.result import CaseResult
from alkfish.report import svg
from alkfish.report.wording import POSITIVE, words_of

MAP_PX = 300
"""Longest side of a map in the drawing."""

MAX_DOTS = 1500
"""More nuclei than this are thinned to a grid of little squares."""

_GRID = 60


@dataclass(frozen=True)
class FieldMap:
    """Map of one field: its drawing, and a picture that may lie under it.

    Attributes
    ----------
    drawing : str
        SVG of the marks.
    picture : str
        ``data:`` address of a small DAPI picture; empty without pictures.
    """

    fov: str
    drawing: str
    picture: str
    n_positive: int
    n_counted: int


def draw_map(result: CaseResult, fov: str, shape: tuple[int, int], picture: str = "") -> FieldMap:
    """Return the map of a field; positive nuclei are marked by pattern, others by small dots."""
    own = result.nuclei.take(result.nuclei.fov == fov)
    counted = own.scorable
    positive = np.isin(own.pattern.astype(str), POSITIVE)
    scale = MAP_PX / max(shape)
    width, height = max(40.0, shape[1] * scale), max(40.0, shape[0] * scale)
    parts = [svg.rect(0, 0, width, height, fill="#101318", class_="ground")] if not picture else []
    at = np.stack([own.x_px * scale, own.y_px * scale], axis=1)
    parts += _others(at[counted & ~positive])
    for row in np.flatnonzero(positive).tolist():
        words = words_of(str(own.pattern[row]))
        parts.append(
            svg.glyph(
                words.key, float(at[row, 0]), float(at[row, 1]), _mark_size(int(positive.sum())),
                fill=words.colour, stroke="#fff",
                title=f"{words.name}, nucleus {own.nucleus_id[row]}",
            )
        )  # fmt: skip
    n_positive, n_counted = int(positive.sum()), int(counted.sum())
    label = f"Map of {fov}: {n_positive} positive of {n_counted} counted nuclei"
    drawn = svg.drawing(width, height, "".join(parts), label=label, class_="map")
    return FieldMap(fov, drawn, picture, n_positive, n_counted)


def _mark_size(n: int) -> float:
    return float(np.clip(5.5 - 0.75 * np.log2(max(n, 1) / 8), 1.3, 5.5))


def _others(at: npt.NDArray[np.float64]) -> list[str]:
    """Return small dots for the negative nuclei; many are drawn as the grid cells they fill."""
    if len(at) <= MAX_DOTS:
        radius = float(np.clip(3.0 - 0.25 * np.log2(max(len(at), 1) / 4), 1.1, 2.8))
        return [
            svg.tag(
                "circle",
                cx=x,
                cy=y,
                r=radius,
                fill="#7fb4f0",
                stroke="#0a1420",
                stroke_width=0.7,
                class_="dot",
            )
            for x, y in at.tolist()
        ]
    side = MAP_PX / _GRID
    cells = np.unique((at // side).astype(int), axis=0)
    return [
        svg.rect(x * side, y * side, side, side, fill="#7f9fc8", opacity=0.45, class_="dot")
        for x, y in cells.tolist()
    ]
