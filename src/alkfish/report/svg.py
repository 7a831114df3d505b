"""Small drawings as SVG text that both a browser and the PDF writer understand.

Colours stand in attributes for light paper; the style sheet of the page overrides them by class
on dark screens. Every text is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

Number = float | int


def number(value: Number) -> str:
    """Return a coordinate with at most two decimals."""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def tag(name: str, content: str = "", **attributes: object) -> str:
    """Return one element; `content` must be markup already, attribute values are escaped.

    Underscores in attribute names become dashes; a trailing one (``class_``) is dropped.
    """
    parts = []
    for key, value in attributes.items():
        text = number(value) if isinstance(value, int | float) else str(value)
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(text, quote=True)}"')
    return f"<{name}{''.join(parts)}>{content}</{name}>"


def text(x: Number, y: Number, words: str, *, anchor: str = "start", size: Number = 11,
         class_: str = "ink", fill: str = "#333", weight: str = "normal") -> str:  # fmt: skip
    """Return a line of text."""
    return tag(
        "text", escape(words), x=x, y=y, class_=class_, fill=fill, font_size=size,
        text_anchor=anchor, font_weight=weight, font_family="sans-serif",
    )  # fmt: skip


def line(x1: Number, y1: Number, x2: Number, y2: Number, *, class_: str = "axis",
         stroke: str = "#888", width: Number = 1, dash: str = "none") -> str:  # fmt: skip
    """Return a straight line."""
    return tag(
        "line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_, stroke=stroke, stroke_width=width,
        stroke_dasharray=dash,
    )  # fmt: skip


def rect(x: Number, y: Number, width: Number, height: Number, *, fill: str,
         class_: str = "", title: str = "", opacity: Number = 1) -> str:  # fmt: skip
    """Return a filled rectangle with an optional tooltip."""
    inner = tag("title", escape(title)) if title else ""
    return tag(
        "rect", inner, x=x, y=y, width=max(0, width), height=max(0, height), fill=fill,
        class_=class_, fill_opacity=opacity,
    )  # fmt: skip


def way(points: Sequence[tuple[Number, Number]], *, close: bool = False) -> str:
    """Return the steps of a path through points."""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return f"M{steps}{'Z' if close else ''}"


def path(
    points: Sequence[tuple[Number, Number]],
    *,
    class_: str = "",
    stroke: str = "none",
    fill: str = "none",
    width: Number = 1,
    opacity: Number = 1,
    close: bool = False,
) -> str:
    """Return a line or an area through points; empty text for fewer than two."""
    if len(points) < 2:
        return ""
    return tag(
        "path", d=way(points, close=close), class_=class_, stroke=stroke, fill=fill,
        stroke_width=width, fill_opacity=opacity, stroke_linejoin="round",
    )  # fmt: skip


GLYPHS = {
    "split": "M0-1.25L1.1 0L0 1.25L-1.1 0Z",
    "iso3": "M0-1.15L1.15 .95L-1.15 .95Z",
    "iso5": "M0 1.15L1.15-.95L-1.15-.95Z",
    "fused": "M-1 0A1 1 0 1 0 1 0A1 1 0 1 0-1 0Z",
    "out": "M-.8-.8L.8 .8M.8-.8L-.8 .8",
}
"""Shapes of the patterns around the origin, of about one unit: never told by colour alone."""


def glyph(kind: str, x: Number, y: Number, size: Number, *, fill: str, stroke: str,
          title: str = "") -> str:  # fmt: skip
    """Return the mark of a pattern at a place."""
    inner = tag("title", escape(title)) if title else ""
    return tag(
        "path", inner, d=GLYPHS[kind], class_=f"glyph {kind}", fill=fill, stroke=stroke,
        stroke_width=0.35, transform=f"translate({number(x)} {number(y)}) scale({number(size)})",
    )  # fmt: skip


def drawing(width: Number, height: Number, content: str, *, label: str, class_: str) -> str:
    """Return a whole drawing that scales with its place and says in words what it shows."""
    return tag(
        "svg", tag("title", escape(label)) + content, xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(width)} {number(height)}", width=width, height=height, role="img",
        aria_label=label, class_=class_,
    )  # fmt: skip
