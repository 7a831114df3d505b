"""Flags of nuclei and spots, each defined once: bit, name, and what it means.

A nucleus flag either excludes the nucleus from the count or only informs the reviewer. Flags are
kept as bits in an integer and written to tables as their names joined by ``;``. Names and bits are
part of the file format: they never change their meaning.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag
from typing import Self


class _NamedFlag(IntFlag):
    """Integer flag whose members carry a short and a long text."""

    meaning: str

    def __new__(cls, bit: int, meaning: str = "") -> Self:
        member = int.__new__(cls, bit)
        member._value_ = bit
        member.meaning = meaning
        return member


class NucleusFlag(_NamedFlag):
    """Why a nucleus is not counted, or what a reviewer should know of it.

    Sources: clinical-rules 1.2 (ATLAS2 p43, p51 fig 12). Members of `EXCLUDING` take the nucleus
    out of the count; the others only inform.
    """

    BORDER = 1 << 0, "touches the border of the picture"
    TOO_SMALL = 1 << 1, "smaller than a tumour nucleus: lymphocyte, fragment or debris"
    TOO_LARGE = 1 << 2, "larger than a single nucleus"
    CLUMP = 1 << 3, "irregular outline or unresolved clump of touching nuclei"
    OUT_OF_FOCUS = 1 << 4, "out of focus"
    SATURATED = 1 << 5, "too many saturated pixels"
    NO_SIGNAL = 1 << 6, "no signal of either probe end"
    ONLY_3P = 1 << 7, "3' signals only, no 5' signal: not evaluable, but counted separately"
    ONLY_5P = 1 << 8, "5' signals only, no 3' signal: not evaluable"
    TOO_MANY_SIGNALS = 1 << 9, "more signals than can be told apart"
    DOUBLET_3P = 1 << 10, "3'-5'-3' arrangement that looks fused: check in single-colour views"
    GAIN = 1 << 11, "copy-number gain of the locus"
    DIM_5P = 1 << 12, "a 5' signal of usual brightness could not have been seen here"
    DIM_3P = 1 << 13, "a 3' signal of usual brightness could not have been seen here"
    DOUBTFUL = 1 << 14, "the pattern hangs on one doubtful spot or on a separation near the limit"
    OUTSIDE_ROI = 1 << 15, "outside the outlined areas: kept, but not counted"


class SpotFlag(_NamedFlag):
    """What is unusual about a detected spot."""

    SATURATED = 1 << 0, "contains saturated pixels: the diameter is a lower-quality estimate"
    TOUCHING = 1 << 1, "fitted together with a touching spot of the same channel"
    DOUBLET = 1 << 2, "sister doublet: counted together with a neighbour as one signal"
    CROSSTALK = 1 << 3, "partly explained by bleed-through from the other channel"
    UNASSIGNED = 1 << 4, "outside every nucleus"


EXCLUDING: NucleusFlag = (
    NucleusFlag.BORDER
    | NucleusFlag.TOO_SMALL
    | NucleusFlag.TOO_LARGE
    | NucleusFlag.CLUMP
    | NucleusFlag.OUT_OF_FOCUS
    | NucleusFlag.SATURATED
    | NucleusFlag.NO_SIGNAL
    | NucleusFlag.ONLY_3P
    | NucleusFlag.ONLY_5P
    | NucleusFlag.TOO_MANY_SIGNALS
    | NucleusFlag.DIM_5P
    | NucleusFlag.DIM_3P
    | NucleusFlag.OUTSIDE_ROI
)


def flag_names(value: int, kind: type[_NamedFlag]) -> list[str]:
    """Return the lower-case names of the bits set in `value`, lowest bit first."""
    return [member.name.lower() for member in kind if value & member and member.name]


def join_flags(value: int, kind: type[_NamedFlag]) -> str:
    """Return the names of the bits set in `value` joined by ``;``; empty for 0."""
    return ";".join(flag_names(value, kind))


def parse_flags(names: str | Iterable[str], kind: type[_NamedFlag]) -> int:
    """Return the bits of flag names; the inverse of `join_flags`.

    Raises
    ------
    KeyError
        If a name is not a flag of `kind`.
    """
    parts = names.split(";") if isinstance(names, str) else names
    value = 0
    for part in parts:
        if part:
            value |= int(kind[part.upper()])
    return value
