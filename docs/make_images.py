"""Draw the picture of the README from a simulated case: ``python docs/make_images.py``.

Simulates one field, scores it with the defaults, and draws the composite with outlines coloured by
pattern, one enlarged nucleus per pattern, and the counts. Needs the extra ``docs``.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

import alkfish
from alkfish.model.result import FieldResult
from alkfish.synthetic import PatternMix, simulate_field

OUT = Path(__file__).parent / "images" / "overview.jpg"
COLOURS = {
    "FUSED": "#5aa9ff",
    "SPLIT": "#ff4d5e",
    "ISOLATED_3P": "#ffae34",
    "ISOLATED_5P": "#46d36b",
    "": "#8a8a8a",
}
NAMES = {
    "FUSED": "fused",
    "SPLIT": "split",
    "ISOLATED_3P": "isolated 3'",
    "ISOLATED_5P": "isolated 5'",
    "": "not counted",
}
HALF_WIDTH_PX = 75
PATTERNS = [pattern.value for pattern in alkfish.Pattern]


def stretch(plane: npt.NDArray[np.generic], low: float, high: float) -> npt.NDArray[np.float64]:
    """Map the quantiles `low` and `high` of a plane to 0 and 1, for display only."""
    values = plane.astype(float)
    floor, ceiling = np.quantile(values, [low, high])
    scaled: npt.NDArray[np.float64] = np.clip((values - floor) / (ceiling - floor), 0, 1)
    return scaled


def composite(fov: alkfish.FieldOfView) -> npt.NDArray[np.float64]:
    """Return an RGB picture: DAPI blue, 3' red, 5' green."""
    blue = stretch(fov.dapi, 0.05, 0.997) ** 0.8
    red, green = (stretch(plane, 0.6, 0.9997) for plane in (fov.three_prime, fov.five_prime))
    return np.stack([red, np.clip(green + 0.18 * blue, 0, 1), np.clip(0.75 * blue, 0, 1)], axis=-1)


def draw_outlines(axes: Axes, result: FieldResult, width: float = 1.2) -> None:
    """Draw every nucleus in the colour of its pattern."""
    for nucleus, pattern in zip(result.nuclei.nucleus_id, result.nuclei.pattern, strict=True):
        mask = result.labels == nucleus
        axes.contour(mask, levels=[0.5], colors=[COLOURS[str(pattern)]], linewidths=width)


def draw_nucleus(axes: Axes, fov: alkfish.FieldOfView, result: FieldResult, name: str) -> None:
    """Draw the nucleus of a pattern that is the surest to be positive or negative."""
    nuclei = result.nuclei
    sure = getattr(nuclei, f"p_{name.lower()}")
    rows = np.flatnonzero(nuclei.pattern == name)
    axes.set_axis_off()
    if not len(rows):
        return
    row = rows[np.argmax(sure[rows])]
    draw_outlines(axes, result, 2.0)
    axes.imshow(composite(fov), interpolation="nearest")
    axes.set_xlim(nuclei.x_px[row] - HALF_WIDTH_PX, nuclei.x_px[row] + HALF_WIDTH_PX)
    axes.set_ylim(nuclei.y_px[row] + HALF_WIDTH_PX, nuclei.y_px[row] - HALF_WIDTH_PX)
    axes.set_title(NAMES[name], color=COLOURS[name], fontsize=11)


def draw_table(axes: Axes, result: FieldResult) -> None:
    """Draw the counts per pattern."""
    counts = result.counts.by_pattern()
    rows = [(NAMES[name], counts[name], COLOURS[name]) for name in PATTERNS]
    excluded = len(result.nuclei) - result.counts.n_enumerated
    rows.append((NAMES[""], excluded, COLOURS[""]))
    axes.set_axis_off()
    for k, (text, count, colour) in enumerate(rows):
        height = 0.86 - 0.15 * k
        axes.text(0.04, height, text, color=colour, fontsize=11, transform=axes.transAxes)
        axes.text(0.62, height, str(count), color="white", ha="right", transform=axes.transAxes)
    positive, total = result.counts.n_positive, result.counts.n_enumerated
    summary = f"positive in this field: {positive} of {total} counted"
    axes.text(0.04, 0.06, summary, color="white", fontsize=10, transform=axes.transAxes)


def main() -> None:
    """Simulate, score, draw, save."""
    mpl.use("Agg")
    field = simulate_field(
        "typical",
        seed=4,
        shape=(1000, 1000),
        pixel_size_um=0.1,
        positive_fraction=0.5,
        mix=PatternMix(split=0.6, isolated_3p=0.4, isolated_5p=0.15),
    )
    result = alkfish.score_fov(field.fov)
    figure = plt.figure(figsize=(13, 8), facecolor="#101014")
    grid = figure.add_gridspec(3, 2, width_ratios=[2, 1], height_ratios=[1, 1, 0.8])
    whole = figure.add_subplot(grid[:, 0])
    whole.imshow(composite(field.fov), interpolation="nearest")
    draw_outlines(whole, result)
    whole.set_axis_off()
    whole.set_title("simulated field, not a specimen", color="white", fontsize=11)
    small = grid[:2, 1].subgridspec(2, 2)
    for k, name in enumerate(PATTERNS):
        draw_nucleus(figure.add_subplot(small[k // 2, k % 2]), field.fov, result, name)
    draw_table(figure.add_subplot(grid[2, 1]), result)
    figure.tight_layout()
    OUT.parent.mkdir(exist_ok=True)
    figure.savefig(OUT, dpi=90, pil_kwargs={"quality": 90})
    plt.close(figure)


if __name__ == "__main__":
    main()
