"""Scatter plots of two measurements as SVG: with the line of equality, and of differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from alkfish.evaluate.method_comparison import Estimate, RateAgreement
from alkfish.report import svg
from alkfish.report.charts import CUT, tick_step

WIDTH, HEIGHT = 520, 400
LEFT, RIGHT, TOP, BOTTOM = 58, 20, 26, 50
DIFFERENCE_ROOM = 108
"""Width that the labels of bias and limits take at the right of the plot of differences."""

LABEL_STEP = 13.0
"""Least distance of two labels at the side of a plot."""

MARKS = {
    "agree": ("fused", "#2f6db5", "same call"),
    "undecided": ("iso3", "#b8860b", "one without a definite call"),
    "opposite": ("split", "#c8440f", "opposite calls"),
    "none": ("iso5", "#707680", "no reference call"),
}
"""Kind of a point to shape, colour and words: never told by colour alone."""


@dataclass(frozen=True)
class Point:
    """A case in a plot: place in its units, kind (a key of `MARKS`), words, and where it leads."""

    x: float
    y: float
    kind: str
    title: str
    href: str = ""


@dataclass(frozen=True)
class Frame:
    """Ranges of both axes, and how values become places; ``right`` is left free for labels."""

    x: tuple[float, float]
    y: tuple[float, float]
    parts: list[str] = field(default_factory=list)
    right: int = RIGHT

    def at_x(self, value: float) -> float:
        """Return the place of a value of the lower axis."""
        low, high = self.x
        return LEFT + (WIDTH - LEFT - self.right) * (value - low) / (high - low)

    def at_y(self, value: float) -> float:
        """Return the place of a value of the left axis."""
        low, high = self.y
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def horizontal(self, value: float, *, class_: str, stroke: str, dash: str) -> None:
        """Draw a line across; `label_lines` writes beside it, where no line runs through words."""
        y, end = self.at_y(value), WIDTH - self.right
        self.parts.append(
            svg.line(LEFT, y, end, y, class_=class_, stroke=stroke, dash=dash, width=1.4)
        )

    def label_lines(self, labels: Sequence[tuple[float, str]]) -> None:
        """Write words beside the right end of lines at these values, none upon another."""
        ordered = sorted(labels, key=lambda item: -item[0])
        wanted = [self.at_y(value) for value, _ in ordered]
        lowest = HEIGHT - BOTTOM - LABEL_STEP * (len(ordered) - 1)
        place = -np.inf
        for number, (y, (_, words)) in enumerate(zip(wanted, ordered, strict=True)):
            place = max(place + LABEL_STEP, min(y, lowest + LABEL_STEP * number))
            edge, text = WIDTH - self.right, WIDTH - self.right + 12
            self.parts.append(svg.line(edge, y, text - 2, place, width=0.8, stroke="#888"))
            self.parts.append(svg.text(text, place + 4, words, size=11, class_="ink"))

    def band(self, interval: tuple[float, float]) -> None:
        """Draw an interval of the left axis as a band, cut at the frame."""
        low, high = (min(max(value, self.y[0]), self.y[1]) for value in interval)
        top, bottom = self.at_y(high), self.at_y(low)
        self.parts.append(
            svg.rect(
                LEFT, top, WIDTH - LEFT - self.right, bottom - top, fill="#e4e8f0", class_="ci"
            )
        )

    def axes(self, name_x: str, name_y: str) -> None:
        """Draw both axes with round ticks and their names."""
        base = HEIGHT - BOTTOM
        self.parts.append(svg.line(LEFT, base, WIDTH - self.right, base))
        self.parts.append(svg.line(LEFT, TOP, LEFT, base))
        for value in _ticks(*self.x):
            x = self.at_x(value)
            self.parts.append(svg.line(x, base, x, base + 4))
            self.parts.append(svg.text(x, base + 17, f"{value:g}", anchor="middle", size=11))
        for value in _ticks(*self.y):
            y = self.at_y(value)
            self.parts.append(svg.line(LEFT - 4, y, LEFT, y))
            self.parts.append(svg.text(LEFT - 7, y + 4, f"{value:g}", anchor="end", size=11))
        middle = (LEFT + WIDTH - self.right) / 2
        self.parts.append(svg.text(middle, HEIGHT - 10, name_x, anchor="middle", size=12))
        self.parts.append(svg.text(4, 15, name_y, size=12))

    def points(self, points: Sequence[Point]) -> None:
        """Draw points, the gravest kinds last and so on top; each leads to its case."""
        order = list(MARKS)
        for point in sorted(points, key=lambda p: order.index(p.kind)):
            shape, colour, _ = MARKS[point.kind]
            mark = svg.glyph(
                shape, self.at_x(point.x), self.at_y(point.y), 4.6, fill=colour, stroke="#fff",
                title=point.title,
            )  # fmt: skip
            label = escape(point.title, quote=True)
            self.parts.append(
                f'<a href="{escape(point.href, quote=True)}" aria-label="{label}">{mark}</a>'
                if point.href
                else mark
            )

    def drawing(self, label: str) -> str:
        """Return the plot."""
        return svg.drawing(WIDTH, HEIGHT, "".join(self.parts), label=label, class_="chart scatter")


def _ticks(low: float, high: float) -> list[float]:
    step = tick_step(high - low)
    first = int(np.ceil(low / step - 1e-9))
    last = int(np.floor(high / step + 1e-9))
    return [round(k * step, 9) + 0.0 for k in range(first, last + 1)]


def value_range(values: Sequence[float], *, least: float) -> tuple[float, float]:
    """Return a range that holds all values with a margin, in round steps."""
    low, high = min(values), max(values)
    if high - low < least:
        low, high = (low + high - least) / 2, (low + high + least) / 2
    step = tick_step(high - low)
    margin = 0.06 * (high - low)
    return (
        float(np.floor((low - margin) / step) * step),
        float(np.ceil((high + margin) / step) * step),
    )


def identity_plot(points: Sequence[Point], *, cutoff_percent: float, what: str) -> str:
    """Return machine against manual rates with the line of equality and the cut-off of both.

    Parameters
    ----------
    points : sequence of Point
        Manual rate as x, machine rate as y, in per cent; at least one.
    cutoff_percent : float
        Drawn on both axes; 0 for none.
    what : str
        The sentence for those who cannot see the plot.
    """
    top = max(20.0, max(max(p.x, p.y) for p in points))
    step = tick_step(top)
    top = min(100.0, float(np.ceil(top / step) * step))
    frame = Frame((0.0, top), (0.0, top))
    if cutoff_percent:
        x, y = frame.at_x(cutoff_percent), frame.at_y(cutoff_percent)
        across = {"class_": "cut", "stroke": CUT, "dash": "5 3", "width": 1.2}
        frame.parts.append(svg.line(LEFT, y, WIDTH - RIGHT, y, **across))  # type: ignore[arg-type]
        frame.parts.append(svg.line(x, TOP, x, HEIGHT - BOTTOM, **across))  # type: ignore[arg-type]
        frame.parts.append(
            svg.text(
                WIDTH - RIGHT - 2, y + 14, f"cut-off {cutoff_percent:g} %", anchor="end",
                class_="cut-text", fill=CUT,
            )
        )  # fmt: skip
    frame.parts.append(
        svg.line(
            frame.at_x(0), frame.at_y(0), frame.at_x(top), frame.at_y(top), class_="axis",
            stroke="#888", width=1.2,
        )
    )  # fmt: skip
    frame.axes("manual, % positive", "machine, % positive")
    frame.points(points)
    return frame.drawing(what)


def difference_plot(points: Sequence[Point], rates: RateAgreement, *, what: str) -> str:
    """Return the Bland-Altman plot: differences against means, bias and limits of agreement.

    Parameters
    ----------
    points : sequence of Point
        Mean of both rates as x, machine minus manual as y; at least one.
    rates : RateAgreement
        Known.
    what : str
        The sentence for those who cannot see the plot.
    """
    lines: tuple[Estimate, ...] = (rates.lower, rates.bias, rates.upper)
    heights = [p.y for p in points] + [end for line in lines for end in line.interval] + [0.0]
    top = max(20.0, max(p.x for p in points))
    frame = Frame(
        (0.0, value_range([0.0, top], least=1)[1]),
        value_range(heights, least=4.0),
        right=DIFFERENCE_ROOM,
    )
    for line in lines:
        frame.band(line.interval)
    frame.horizontal(0.0, class_="axis", stroke="#888", dash="none")
    for line in lines:
        frame.horizontal(line.value, class_="limit", stroke="#444", dash="6 4")
    names = ("lower limit", "bias", "upper limit")
    frame.label_lines(
        [(line.value, f"{name} {line.value:+.1f}") for name, line in zip(names, lines, strict=True)]
    )
    frame.axes("mean of both, % positive", "machine minus manual, points")
    frame.points(points)
    return frame.drawing(what)
