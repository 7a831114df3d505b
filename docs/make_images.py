"""Draw the pictures of README and gallery from simulated fields: ``python docs/make_images.py``.

Simulates a field, scores it with the defaults, and draws the composite with outlines coloured by
pattern, one enlarged nucleus per pattern, and the counts; then, for the gallery, each step by
itself, and nuclei that are not counted. Needs the extra ``docs``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import alkfish
from alkfish.model.flags import EXCLUDING, NucleusFlag, parse_flags
from alkfish.model.result import FieldResult
from alkfish.synthetic import PatternMix, simulate_field

IMAGES = Path(__file__).parent / "images"
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
HALF_WIDTH_PX, WIDE_PX = 75, 105
PATTERNS = [pattern.value for pattern in alkfish.Pattern]
DARK = "#101014"
CROP = (slice(230, 690), slice(330, 990))
"""Rows and columns of the part of the field that the steps show."""

REASONS = {
    "border": "touches the border",
    "too_small": "too small: lymphocyte size",
    "clump": "clump or irregular outline",
    "no_signal": "no signal at all",
    "only_3p": "3' signals only",
    "only_5p": "5' signals only",
}
"""Excluding flags shown in the gallery."""


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


def surest(result: FieldResult, name: str) -> int:
    """Return the row of the nucleus whose pattern is surest; -1 without any."""
    rows = np.flatnonzero(result.nuclei.pattern == name)
    sure = getattr(result.nuclei, f"p_{name.lower()}")
    return int(rows[np.argmax(sure[rows])]) if len(rows) else -1


def draw_nucleus(axes: Axes, fov: alkfish.FieldOfView, result: FieldResult, name: str) -> None:
    """Draw the nucleus whose pattern `name` is surest."""
    nuclei, row = result.nuclei, surest(result, name)
    axes.set_axis_off()
    if row < 0:
        return
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


def plane_rgb(
    plane: npt.NDArray[np.generic], colour: tuple[float, float, float]
) -> npt.NDArray[np.float64]:
    """Return one probe channel in its colour."""
    return stretch(plane, 0.6, 0.9997)[..., None] * np.array(colour)


def save(figure: Figure, name: str) -> None:
    """Write a picture and close it."""
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / name, dpi=90, facecolor=DARK, pil_kwargs={"quality": 88})
    plt.close(figure)


def title(axes: Axes, text: str) -> None:
    """Write what a panel shows, and hide its frame."""
    axes.set_title(text, color="white", fontsize=11)
    axes.set_axis_off()


def show_crop(axes: Axes, picture: npt.NDArray[Any], **options: Any) -> None:
    """Show a picture, and of it the part that the steps show."""
    rows, columns = CROP
    axes.imshow(picture, interpolation="nearest", **options)
    axes.set_xlim(columns.start, columns.stop)
    axes.set_ylim(rows.stop, rows.start)


def scale_bar(axes: Axes, pixel_size_um: float) -> None:
    """Draw 10 um in the lower left corner of the part shown."""
    x, y = CROP[1].start + 15, CROP[0].stop - 15
    axes.plot([x, x + 10 / pixel_size_um], [y, y], color="white", linewidth=3)
    axes.text(x, y - 8, "10 µm", color="white", fontsize=9)


def draw_nuclei(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Step 1: DAPI, and the outlines found in it."""
    figure, panels = plt.subplots(1, 2, figsize=(13, 4.9), layout="constrained")
    for panel, text in zip(panels, ("DAPI", "outlines found"), strict=True):
        show_crop(panel, stretch(fov.dapi, 0.05, 0.997), cmap="gray")
        title(panel, f"{text} (simulated)")
    for nucleus in result.nuclei.nucleus_id:
        panels[1].contour(result.labels == nucleus, levels=[0.5], colors="#ffe14d", linewidths=1.3)
    scale_bar(panels[0], fov.pixel_size_um)
    save(figure, "gallery_nuclei.jpg")


def ring(axes: Axes, spots: Any, end: str, colour: str, size: float) -> None:
    """Ring the spots of one end."""
    chosen = spots.end == end
    axes.plot(spots.x_px[chosen], spots.y_px[chosen], "o", mfc="none", mec=colour, ms=size, mew=1.0)


def draw_spots(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Step 2: both probe channels, and the spots found in them."""
    figure, panels = plt.subplots(1, 2, figsize=(13, 4.9), layout="constrained")
    channels = (
        ("3p", fov.three_prime, (1.0, 0.25, 0.2), "3' channel (red)"),
        ("5p", fov.five_prime, (0.2, 1.0, 0.3), "5' channel (green)"),
    )
    for panel, (end, plane, colour, text) in zip(panels, channels, strict=True):
        show_crop(panel, plane_rgb(plane, colour))
        ring(panel, result.spots, end, "white", 11)
        title(panel, f"{text}, spots ringed (simulated)")
    scale_bar(panels[0], fov.pixel_size_um)
    save(figure, "gallery_spots.jpg")


def draw_pairs(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Step 3: one nucleus per pattern with its spots ringed and its gap told."""
    figure, panels = plt.subplots(1, 4, figsize=(13, 3.9), facecolor=DARK)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.01, top=0.85, wspace=0.03)
    nuclei, spots = result.nuclei, result.spots
    for panel, name in zip(panels, PATTERNS, strict=True):
        row = surest(result, name)
        draw_nucleus(panel, fov, result, name)
        panel.set_autoscale_on(False)
        own = spots.take(spots.nucleus_id == nuclei.nucleus_id[row])
        for end, colour, size in (("3p", "#ff8080", 22), ("5p", "#80ff90", 16)):
            ring(panel, own, end, colour, size)
        gap = nuclei.max_separation_diam[row]
        text = {
            "FUSED": f"widest gap {gap:.1f} diameters",
            "SPLIT": f"gap {gap:.1f} diameters",
            "ISOLATED_3P": "a 3' signal without partner",
            "ISOLATED_5P": "a 5' signal without partner",
        }[name]
        panel.text(0.5, 0.03, text, color="white", ha="center", transform=panel.transAxes)
    figure.suptitle(
        "simulated nuclei; rings: 3' signals pale red, 5' signals pale green",
        color="white",
        fontsize=11,
    )
    save(figure, "gallery_pairs.jpg")


def draw_patterns(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Step 4: the composite with outlines coloured by pattern, and a legend with counts."""
    figure, axes = plt.subplots(figsize=(11, 8.4), layout="constrained")
    axes.imshow(composite(fov), interpolation="nearest")
    draw_outlines(axes, result, 1.8)
    counts = {**result.counts.by_pattern(), "": int((~result.nuclei.scorable).sum())}
    handles = [
        Line2D([], [], color=COLOURS[name], linewidth=3, label=f"{NAMES[name]}: {count}")
        for name, count in counts.items()
    ]
    figure.legend(
        handles=handles, loc="outside right center", facecolor=DARK, labelcolor="white",
        fontsize=12, title="outline", title_fontproperties={"size": 12},
    ).get_title().set_color("white")  # fmt: skip
    title(axes, "simulated field, not a specimen: DAPI blue, 3' red, 5' green")
    save(figure, "gallery_patterns.jpg")


def excluding(flags: str) -> list[str]:
    """Return the names of the flags that take a nucleus out of the count."""
    bits = NucleusFlag(parse_flags(flags, NucleusFlag) & int(EXCLUDING))
    return [flag.name.lower() for flag in bits if flag.name]


def clearest(nuclei: Any, flag: str) -> int:
    """Return the row of the brightest nucleus among those with the fewest reasons beside `flag`."""
    reasons = [excluding(str(flags)) for flags in nuclei.flags]
    rows = [k for k, names in enumerate(reasons) if flag in names]
    return min(rows, key=lambda k: (len(reasons[k]), -nuclei.dapi_mean[k]))


def draw_excluded(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Step 5: nuclei that are not counted, one per reason."""
    figure, panels = plt.subplots(2, 3, figsize=(9.5, 7.1), layout="constrained")
    picture, nuclei = composite(fov), result.nuclei
    for panel, (flag, text) in zip(panels.flat, REASONS.items(), strict=True):
        row = clearest(nuclei, flag)
        panel.imshow(picture, interpolation="nearest")
        mask = result.labels == nuclei.nucleus_id[row]
        panel.contour(mask, levels=[0.5], colors="white", linewidths=1.8)
        y, x = (max(v, WIDE_PX) for v in (nuclei.y_px[row], nuclei.x_px[row]))
        y, x = (min(v, size - WIDE_PX) for v, size in zip((y, x), result.labels.shape, strict=True))
        panel.set_xlim(x - WIDE_PX, x + WIDE_PX)
        panel.set_ylim(y + WIDE_PX, y - WIDE_PX)
        title(panel, text)
    figure.suptitle("simulated nuclei that are not counted", color="white", fontsize=12)
    save(figure, "gallery_excluded.jpg")


def draw_overview(fov: alkfish.FieldOfView, result: FieldResult) -> None:
    """Draw the field, a nucleus per pattern, and the counts in one picture."""
    figure = plt.figure(figsize=(13, 8), facecolor=DARK)
    grid = figure.add_gridspec(3, 2, width_ratios=[2, 1], height_ratios=[1, 1, 0.8])
    whole = figure.add_subplot(grid[:, 0])
    whole.imshow(composite(fov), interpolation="nearest")
    draw_outlines(whole, result)
    title(whole, "simulated field, not a specimen")
    small = grid[:2, 1].subgridspec(2, 2)
    for k, name in enumerate(PATTERNS):
        draw_nucleus(figure.add_subplot(small[k // 2, k % 2]), fov, result, name)
    draw_table(figure.add_subplot(grid[2, 1]), result)
    figure.tight_layout()
    save(figure, "overview.jpg")


def main() -> None:
    """Simulate, score, draw, save."""
    mpl.use("Agg")
    common = {"seed": 4, "pixel_size_um": 0.1, "positive_fraction": 0.5}
    mix = PatternMix(split=0.6, isolated_3p=0.4, isolated_5p=0.15)
    fov = simulate_field("typical", shape=(1000, 1000), mix=mix, **common).fov
    result = alkfish.score_fov(fov)
    for draw in (draw_overview, draw_nuclei, draw_spots, draw_pairs, draw_patterns):
        draw(fov, result)
    crowded = simulate_field("hard", shape=(1800, 1800), mix=mix, **common).fov
    draw_excluded(crowded, alkfish.score_fov(crowded))


if __name__ == "__main__":
    main()
