"""Operating curves as a figure and as a table in a file."""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from alkfish.errors import InputError, OutputError
from alkfish.evaluate.operating import FIGURES, OperatingCurve
from alkfish.evaluate.patterns import Share
from alkfish.model.probe import SeparationMeasure, SeparationRule

CURVE_SUFFIXES = (".png", ".csv")
"""Kinds of file that `write_operating_curves` writes."""

MEASURES = {
    SeparationMeasure.GAP_DIAMETERS: ("gap, edge to edge", "signal diameters"),
    SeparationMeasure.CENTRE_DIAMETERS: ("centre to centre", "signal diameters"),
    SeparationMeasure.CENTRE_UM: ("centre to centre", "um"),
}
"""Name and unit of each measure, for people."""

# Vermillion and blue of the palette by Okabe and Ito: told apart with any colour vision.
_SENSITIVE, _SPECIFIC = "#d55e00", "#0072b2"
_NUCLEI = {"linestyle": "-"}
_CASES = {"linestyle": "--", "marker": "o", "markersize": 7, "fillstyle": "none"}
_STYLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sensitivity": ("sensitivity, nuclei", _SENSITIVE, _NUCLEI),
    "specificity": ("specificity, nuclei", _SPECIFIC, _NUCLEI),
    "case_sensitivity": ("sensitivity, cases", _SENSITIVE, _CASES),
    "case_specificity": (
        "specificity, cases", _SPECIFIC, {**_CASES, "marker": "s", "markersize": 3.5}
    ),
}  # fmt: skip


def check_curve_path(path: str | Path) -> None:
    """Refuse, before any work, what `write_operating_curves` could not write.

    Raises
    ------
    InputError
        If the suffix names no kind of file that is written, or a figure is wanted without
        matplotlib.
    OutputError
        If the folder does not exist.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in CURVE_SUFFIXES:
        raise InputError(
            "the operating curve cannot be written as this kind of file",
            where=file,
            found=suffix or "no suffix",
            allowed="FILE.png for a figure, FILE.csv for a table",
        )
    if suffix == ".png" and importlib.util.find_spec("matplotlib") is None:
        raise InputError(
            "drawing needs matplotlib, which is not installed",
            where=file,
            remedy='pip install "alkfish[docs]", or write FILE.csv',
        )
    if not file.parent.is_dir() or file.is_dir():
        raise OutputError(
            "the operating curve cannot be written there",
            where=file,
            found="a folder of this name" if file.is_dir() else f"there is no folder {file.parent}",
            remedy="make the folder first, or choose another file",
        )


def write_operating_curves(
    curves: Sequence[OperatingCurve], path: str | Path, *, title: str = "",
    used: SeparationRule | None = None,
) -> None:  # fmt: skip
    """Write curves as a figure (``.png``) or a table (``.csv``); an older file is replaced.

    The table has a row per measure and limit. Each figure has five columns: the share, its Wilson
    95 % interval, hits and total; a total of 0 says that there was nothing to count.

    Parameters
    ----------
    curves : sequence of OperatingCurve
        One panel or block of rows each.
    path : path-like
        The file.
    title : str
        Above the figure.
    used : SeparationRule, optional
        Marked in the figure; the default rule if left out.

    Raises
    ------
    InputError, OutputError
        As `check_curve_path`, and if the file cannot be written.
    """
    check_curve_path(path)
    write = _write_csv if Path(path).suffix.lower() == ".csv" else _write_figure
    try:
        write(curves, Path(path), title, used or SeparationRule())
    except OSError as error:
        raise OutputError(
            "the operating curve cannot be written", where=path, found=error.strerror
        ) from error


def _write_csv(
    curves: Sequence[OperatingCurve], path: Path, title: str, used: SeparationRule
) -> None:
    del title
    parts = ("", "_low", "_high", "_hits", "_total")
    header = ["measure", "limit", "unit", "used", *(f + part for f in FIGURES for part in parts)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for curve in curves:
            for point in curve.points:
                rule = SeparationRule(curve.measure, point.limit)
                shares = [cell for name in FIGURES for cell in _cells(getattr(point, name))]
                unit = MEASURES[curve.measure][1]
                head = [curve.measure.value, point.limit, unit, str(rule == used).lower()]
                writer.writerow([*head, *shares])


def _cells(share: Share) -> Iterator[float | int]:
    yield from (share.value, *share.interval, share.hits, share.total)


def _write_figure(
    curves: Sequence[OperatingCurve], path: Path, title: str, used: SeparationRule
) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4 * max(len(curves), 1), 4.4), layout="constrained")
    panels = figure.subplots(1, max(len(curves), 1), squeeze=False)[0]
    for panel, curve in zip(panels, curves, strict=False):
        draw_operating_curve(panel, curve)
        if curve.measure is used.measure:
            mark_limit(panel, used.limit, f"used: {used.limit:g}")
    panels[0].set_ylabel("share (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(title)
    figure.savefig(path, dpi=110)


def draw_operating_curve(panel: Any, curve: OperatingCurve) -> None:
    """Draw sensitivity and specificity in per cent against the limit on matplotlib axes.

    Those of nuclei carry their Wilson 95 % intervals. What had nothing to count is left out.
    """
    limits = [point.limit for point in curve.points]
    for name, (label, colour, style) in _STYLES.items():
        shares: list[Share] = [getattr(point, name) for point in curve.points]
        if not any(share.total for share in shares):
            continue
        panel.plot(limits, [100 * s.value for s in shares], color=colour, label=label, **style)
        if "case" not in name:
            low, high = zip(*(s.interval for s in shares), strict=True)
            edges = [100 * v for v in low], [100 * v for v in high]
            panel.fill_between(limits, *edges, color=colour, alpha=0.15, linewidth=0)
    name, unit = MEASURES[curve.measure]
    unit = unit.replace("um", "µm")
    panel.set(title=name, xlabel=f"limit ({unit})", ylim=(0, 102), xlim=(0, max(limits, default=1)))
    panel.grid(alpha=0.3)


def mark_limit(panel: Any, limit: float, text: str) -> None:
    """Mark a limit with a vertical line and a text beside it."""
    panel.axvline(limit, color="black", linewidth=1, linestyle=":")
    panel.annotate(
        text, (limit, 50), xytext=(3, 0), textcoords="offset points", rotation=90,
        va="center", fontsize="small",
    )  # fmt: skip
