"""Charts of a case as SVG: the rate on its scale, separations, and the rate as it was counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from alkfish.model.probe import CaseRule, SeparationMeasure, SeparationRule
from alkfish.model.result import CaseCall
from alkfish.model.signals import NucleusRecords, Pattern
from alkfish.report import svg
from alkfish.report.wording import PATTERN_WORDS
from alkfish.score.statistics import wilson_interval

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 14, 30, 40
CUT = "#b00020"
_INNER_W, _INNER_H = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
_MAX_POINTS = 240
_SHORT_RUN = 5
_SCALE_W = 640

Bools = npt.NDArray[np.bool_]


def rate_scale(call: CaseCall, rule: CaseRule) -> str:
    """Return the rate and its interval on a scale of 0-100 % with cut-off and borderline range."""
    low, high = (100 * share for share in call.interval)
    y = 26
    parts = [
        *_scale_ground(rule, y),
        svg.rect(
            _at(low), y + 5, _at(high) - _at(low), 4, fill="#222", class_="ink-fill",
            title="95 % interval of the rate",
        ),
        svg.tag(
            "circle", cx=_at(100 * call.rate), cy=y + 7, r=6.5, fill="#222", stroke="#fff",
            stroke_width=1.5, class_="ink-fill",
        ),
    ]  # fmt: skip
    label = (
        f"Rate {100 * call.rate:.1f} %, 95 % interval {low:.1f} to {high:.1f} %, "
        f"cut-off {rule.positive_percent} %"
    )
    return svg.drawing(_SCALE_W, 64, "".join(parts), label=label, class_="chart scale")


def _at(percent: float) -> float:
    """Return the place of a percentage on the scale."""
    return 10 + (_SCALE_W - 20) * percent / 100


def _scale_ground(rule: CaseRule, y: float) -> list[str]:
    """Return the empty scale: track, borderline range, cut-off and figures."""
    low, high = rule.borderline_percent
    cut = _at(rule.positive_percent)
    anchors = ("start", *("middle",) * 3, "end")
    return [
        svg.rect(_at(0), y, _at(100) - _at(0), 14, fill="#e8eaee", class_="track"),
        svg.rect(
            _at(low), y, _at(high) - _at(low), 14, fill="#f3d27a", class_="band",
            title=f"borderline range {low} to {high} %",
        ),
        svg.line(cut, y - 7, cut, y + 21, stroke=CUT, width=2, class_="cut"),
        svg.text(
            cut, y - 11, f"cut-off {rule.positive_percent} %", anchor="middle", fill=CUT,
            class_="cut-text", size=12,
        ),
        *(
            svg.text(_at(p), y + 32, f"{p} %", anchor=anchor, class_="soft")
            for p, anchor in zip((0, 25, 50, 75, 100), anchors, strict=True)
        ),
    ]  # fmt: skip


def separation_histogram(nuclei: NucleusRecords, rule: SeparationRule) -> str:
    """Return the distances of 3' and 5' signals of the counted nuclei with the rule's limit.

    Empty if no counted nucleus has a pair of signals.
    """
    has_pair = nuclei.scorable & (nuclei.max_separation_um > 0)
    if not has_pair.any():
        return ""
    gaps = rule.measure is SeparationMeasure.GAP_DIAMETERS
    values = (nuclei.max_separation_diam if gaps else nuclei.max_separation_um)[has_pair]
    comparable = rule.measure is not SeparationMeasure.CENTRE_DIAMETERS
    limit = rule.limit if comparable else 0.0
    edges = _edges(values, limit)
    split = nuclei.pattern[has_pair] == Pattern.SPLIT.value
    clipped = np.minimum(values, edges[-1] - 1e-9)
    counts = [np.histogram(clipped[chosen], edges)[0] for chosen in (~split, split)]
    unit = "signal diameters, edge to edge" if gaps else "µm, centre to centre"
    parts = [*_stacked(edges, counts), _axes(f"3'-5' separation ({unit})", "nuclei")]
    if limit:
        parts.append(_limit_line(edges, limit))
    label = f"Histogram of the 3'-5' separation of {len(values)} nuclei" + (
        f"; {int((values >= limit).sum())} at or beyond the limit of {limit:g}" if limit else ""
    )
    return svg.drawing(WIDTH, HEIGHT, "".join(parts), label=label, class_="chart")


def _edges(values: npt.NDArray[np.float64], limit: float) -> npt.NDArray[np.float64]:
    """Return bin edges from 0 such that the limit lies on an edge."""
    top = max(float(np.percentile(values, 99)), 2.0 * limit, 1e-3)
    step = limit / 8 if limit else top / 24
    n = int(min(max(np.ceil(top / step), 8), 40))
    return np.asarray(np.arange(n + 1) * step, np.float64)


def _stacked(edges: npt.NDArray[np.float64], counts: Sequence[npt.NDArray[np.int64]]) -> list[str]:
    """Return the bars: fused and others below, split above, and their legend."""
    highest = int((counts[0] + counts[1]).max())
    width = _INNER_W / (len(edges) - 1)
    kinds = (PATTERN_WORDS["FUSED"], PATTERN_WORDS["SPLIT"])
    names = ("not split", "split")
    parts = []
    for k in range(len(edges) - 1):
        base = float(HEIGHT - BOTTOM)
        last = k == len(edges) - 2
        span = f"{edges[k]:.2g} to {edges[k + 1]:.2g}{' and more' if last else ''}"
        for kind, name, heights in zip(kinds, names, counts, strict=True):
            tall = _INNER_H * int(heights[k]) / highest
            base -= tall
            if tall:
                parts.append(
                    svg.rect(
                        LEFT + k * width + 0.5, base, width - 1, tall, fill=kind.colour,
                        class_=f"bar {kind.key}", title=f"{span}: {heights[k]} {name}",
                    )
                )  # fmt: skip
    parts += _ticks_x(edges[-1]) + _ticks_y(highest)
    for k, (kind, name) in enumerate(zip(kinds, names, strict=True)):
        x = LEFT + 8 + 86 * k
        parts.append(svg.glyph(kind.key, x, 14, 4.5, fill=kind.colour, stroke="#fff"))
        parts.append(svg.text(x + 9, 18, name))
    return parts


def _limit_line(edges: npt.NDArray[np.float64], limit: float) -> str:
    x = LEFT + _INNER_W * limit / float(edges[-1])
    return svg.line(
        x, TOP - 4, x, HEIGHT - BOTTOM, stroke=CUT, width=1.6, dash="5 3", class_="cut"
    ) + svg.text(x + 5, TOP + 6, f"limit {limit:g}: split from here", fill=CUT, class_="cut-text")


def running_rate(positive: Bools, rule: CaseRule) -> str:
    """Return the rate and its 95 % interval after each counted nucleus, with the cut-off.

    Parameters
    ----------
    positive : ndarray of bool, shape (N,)
        Whether each counted nucleus is positive, in the order of counting.
    rule : CaseRule
        Gives cut-off and smallest number of nuclei.

    Returns
    -------
    str
        SVG; empty for fewer than five nuclei.
    """
    n = len(positive)
    if n < _SHORT_RUN:
        return ""
    steps, rates, bounds = _run(positive)
    top = _nice_top(max(rule.positive_percent / 100 * 1.6, *(high for _, high in bounds)))

    def points(shares: Sequence[float]) -> list[tuple[float, float]]:
        return [
            (LEFT + _INNER_W * k / n, HEIGHT - BOTTOM - _INNER_H * share / top)
            for k, share in zip(steps, shares, strict=True)
        ]

    upper, lower = points([high for _, high in bounds]), points([low for low, _ in bounds])
    parts = [
        svg.path([*upper, *lower[::-1]], fill="#8fa3bf", opacity=0.35, class_="ci", close=True),
        svg.path(points(rates), stroke="#222", width=1.8, class_="ink-line"),
        *_cutoff_line(rule, top),
        *_minimum_mark(rule.min_nuclei, n),
        *_ticks_x(n, whole=True),
        *_ticks_y(100 * top, unit=" %"),
        _axes("nuclei counted, in the order of the fields", "positive"),
        svg.text(WIDTH - RIGHT, 18, "line: rate so far; band: 95 % interval", anchor="end"),
    ]
    label = f"Running rate: {100 * rates[-1]:.1f} % positive after {n} nuclei"
    return svg.drawing(WIDTH, HEIGHT, "".join(parts), label=label, class_="chart")


def _run(positive: Bools) -> tuple[list[int], list[float], list[tuple[float, float]]]:
    """Return numbers of nuclei, and rate and interval after each; early ones more densely."""
    n, sums = len(positive), np.cumsum(positive)
    many = min(n, _MAX_POINTS)
    places = np.concatenate([np.geomspace(_SHORT_RUN, n, many), np.linspace(_SHORT_RUN, n, many)])
    steps = np.unique(places.round().astype(int)).tolist()
    rates = [float(sums[k - 1] / k) for k in steps]
    return steps, rates, [wilson_interval(int(sums[k - 1]), k) for k in steps]


def _cutoff_line(rule: CaseRule, top: float) -> list[str]:
    y = HEIGHT - BOTTOM - _INNER_H * rule.positive_percent / 100 / top
    words = f"cut-off {rule.positive_percent} %"
    return [
        svg.line(LEFT, y, WIDTH - RIGHT, y, stroke=CUT, width=1.6, dash="5 3", class_="cut"),
        svg.text(WIDTH - RIGHT, y - 4, words, anchor="end", fill=CUT, class_="cut-text"),
    ]


def _minimum_mark(minimum: int, n: int) -> list[str]:
    if n <= minimum:
        return []
    x = LEFT + _INNER_W * minimum / n
    return [
        svg.line(x, TOP, x, HEIGHT - BOTTOM, dash="2 3", stroke="#999"),
        svg.text(x + 3, TOP + 8, f"{minimum} nuclei", class_="soft", fill="#666", size=10),
    ]


def _nice_top(share: float) -> float:
    for top in (0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8):
        if share <= top:
            return top
    return 1.0


def _axes(name_x: str, name_y: str) -> str:
    base = HEIGHT - BOTTOM
    return (
        svg.line(LEFT, base, WIDTH - RIGHT, base)
        + svg.line(LEFT, TOP, LEFT, base)
        + svg.text(LEFT + _INNER_W / 2, HEIGHT - 6, name_x, anchor="middle", size=11)
        + svg.text(4, 18, name_y, size=11)
    )


def tick_step(top: float, *, whole: bool = False) -> float:
    """Return the distance of about five round ticks up to `top`."""
    raw = max(top / 5, 1.0 if whole else 1e-9)
    power = 10.0 ** np.floor(np.log10(raw))
    return float(power * next(f for f in (1, 2, 5, 10) if f * power >= raw * 0.999))


def _ticks_x(top: float, *, whole: bool = False) -> list[str]:
    step = tick_step(float(top), whole=whole)
    parts = []
    for k in range(int(top / step + 1e-6) + 1):
        x, base = LEFT + _INNER_W * k * step / float(top), HEIGHT - BOTTOM
        parts.append(svg.line(x, base, x, base + 4))
        parts.append(svg.text(x, base + 16, f"{k * step:g}", anchor="middle", size=10))
    return parts


def _ticks_y(top: float, *, unit: str = "") -> list[str]:
    step = tick_step(float(top), whole=True)
    parts = []
    for k in range(1, int(top / step + 1e-6) + 1):
        y = HEIGHT - BOTTOM - _INNER_H * k * step / float(top)
        parts.append(svg.line(LEFT - 4, y, LEFT, y))
        parts.append(svg.text(LEFT - 6, y + 4, f"{k * step:g}{unit}", anchor="end", size=10))
    return parts
