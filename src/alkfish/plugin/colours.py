"""How patterns and probe ends look in the window: colour, letter, symbol. Never colour alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alkfish.model.probe import Colour, ProbeEnd, ProbeProfile
from alkfish.model.signals import Pattern

UNDECIDED_COLOUR = "#d8d8d8"
"""Of outlines whose pattern is hidden from a blinded reader."""


@dataclass(frozen=True)
class PatternLook:
    """How a pattern is drawn on the dark window.

    Attributes
    ----------
    letter : str
        Stands beside the colour; F, S, 3, 5 or x.
    colour : str
        The report's hue, lighter: the window is dark, the paper white.
    """

    letter: str
    colour: str


LOOKS = {
    Pattern.FUSED.value: PatternLook("F", "#6fa8f0"),
    Pattern.SPLIT.value: PatternLook("S", "#ff7a3c"),
    Pattern.ISOLATED_3P.value: PatternLook("3", "#f0c419"),
    Pattern.ISOLATED_5P.value: PatternLook("5", "#3ecfa3"),
}
OUT_LOOK = PatternLook("x", "#8a9099")
"""Of nuclei that are not counted."""

END_SYMBOLS = {ProbeEnd.THREE_PRIME: "disc", ProbeEnd.FIVE_PRIME: "square"}
"""As in the report: a circle for 3', a square for 5'."""

COLOUR_MAPS = {Colour.RED: "red", Colour.GREEN: "green"}
RING_COLOURS = {Colour.RED: "#ffb3ba", Colour.GREEN: "#b9ffc4"}
"""Of the marks around signals, by the colour in which the probe end shines."""


def look_of(pattern: str) -> PatternLook:
    """Return how a pattern is drawn; empty: not counted."""
    return LOOKS.get(pattern, OUT_LOOK)


def colour_of_end(probe: ProbeProfile, end: ProbeEnd) -> Colour:
    """Return the colour in which a probe end shines."""
    three = end is ProbeEnd.THREE_PRIME
    return probe.three_prime_colour if three else probe.five_prime_colour


PATTERN_CODES = {pattern: code for code, pattern in enumerate(("", *LOOKS), start=1)}
"""Number of each pattern in the image of outlines; 0 is background."""

HIDDEN_CODE = len(PATTERN_CODES) + 1
"""Of nuclei whose pattern a blinded reader must not see."""

SHADES = 8
"""Numbers per pattern: neighbours of one pattern get different ones, so that a line parts them."""


def code_colours() -> dict[int, npt.NDArray[np.float32]]:
    """Return the RGBA colour of every number in the image of outlines."""
    by_code = {code: look_of(pattern).colour for pattern, code in PATTERN_CODES.items()}
    by_code[HIDDEN_CODE] = UNDECIDED_COLOUR
    return {code * SHADES + k: _rgba(c) for code, c in by_code.items() for k in range(SHADES)}


def _rgba(colour: str) -> npt.NDArray[np.float32]:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    return np.array([*parts, 1.0], np.float32)
