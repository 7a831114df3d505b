"""What human readers found, from sheets: calls and rates of cases, patterns of nuclei."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alkfish.errors import InputError
from alkfish.io.sheet import Sheet, SheetProblem, raise_problems, read_sheet
from alkfish.model.result import Call
from alkfish.model.signals import Pattern
from alkfish.review.agreement import NOT_SCORABLE

CASE_COLUMNS: Mapping[str, str] = {
    "case_id": "The case, as its result is named.",
    "call": "POSITIVE, NEGATIVE, EQUIVOCAL or NOT_EVALUABLE; POS and NEG for short.",
    "rate_percent": "Positive nuclei in per cent, 0 to 100.",
    "rate": "The same as a share from 0 to 1, or in per cent with a % sign.",
    "n_positive": "Nuclei that the reader counted as positive.",
    "n_counted": "Nuclei that the reader counted in all.",
    "reader": "Who read; 'consensus' for what several readers agreed on.",
    "notes": "Not used.",
}
"""Columns of a sheet of cases; case_id and a call, a rate or counts are needed."""

NUCLEUS_COLUMNS: Mapping[str, str] = {
    "case_id": "The case.",
    "fov": "The field, as in the result.",
    "nucleus_id": "The nucleus, as in the result; or instead of it",
    "y_px": "a point within the nucleus: row, and",
    "x_px": "column.",
    "pattern": "FUSED, SPLIT, ISOLATED_3P, ISOLATED_5P or NOT_SCORABLE.",
    "reader": "Who read.",
    "notes": "Not used.",
}
"""Columns of a sheet of nuclei; case_id, pattern, and a nucleus or a point are needed."""

CONSENSUS = "consensus"
"""Reader whose rows stand above those of single readers."""

_CALLS = {call.value: call for call in Call} | {"POS": Call.POSITIVE, "NEG": Call.NEGATIVE}
_PATTERNS = (*(pattern.value for pattern in Pattern), NOT_SCORABLE)
_REMEDY = "correct the sheet; its columns are described in docs/validation.md"
_ROUNDING = 0.0051
_MAX_COUNT = 10_000_000


@dataclass(frozen=True)
class ManualRead:
    """What one reader found in one case.

    Attributes
    ----------
    call : str
        A value of `Call`; empty: none was given.
    has_rate : bool
        Whether a rate was given or counts.
    rate : float
        Share of positive nuclei; 0 without a rate.
    n_positive, n_counted : int
        Counts; both 0 if they were not given.
    row : int
        Row of the sheet; 0 if it does not come from one.
    """

    case_id: str
    reader: str = ""
    call: str = ""
    has_rate: bool = False
    rate: float = 0.0
    n_positive: int = 0
    n_counted: int = 0
    row: int = 0


@dataclass(frozen=True)
class ManualNucleus:
    """What a reader says of one nucleus: its number, or if that is 0 a point within it.

    ``result`` is the fingerprint of the result that the number belongs to; empty: not known.
    """

    case_id: str
    fov: str
    pattern: str
    nucleus_id: int = 0
    y_px: float = 0.0
    x_px: float = 0.0
    reader: str = ""
    row: int = 0
    result: str = ""


@dataclass(frozen=True)
class ManualReads:
    """What human readers found: cases and single nuclei, in the order of the sheets.

    ``remarks`` says what a reader of the figures must know of these reads.
    """

    cases: tuple[ManualRead, ...] = ()
    nuclei: tuple[ManualNucleus, ...] = ()
    remarks: tuple[str, ...] = ()

    def __add__(self, other: ManualReads) -> ManualReads:
        return ManualReads(
            self.cases + other.cases, self.nuclei + other.nuclei, self.remarks + other.remarks
        )


def read_manual(path: str | Path) -> ManualReads:
    """Read a sheet of manual reads: of nuclei if it has a column ``pattern``, else of cases.

    Parameters
    ----------
    path : path-like
        CSV (comma, semicolon or tab; with or without byte order mark) or Excel file.

    Raises
    ------
    InputError
        If the file cannot be read; else naming all problems with row and column.
    """
    file = Path(path)
    sheet = read_sheet(file)
    names = [_plain_name(text) for text in sheet.header]
    if "pattern" in names:
        return _Nuclei(file, sheet, names, NUCLEUS_COLUMNS).read()
    return _Cases(file, sheet, names, CASE_COLUMNS).read()


def _plain_name(text: str) -> str:
    return text.strip().casefold().replace(" ", "_").replace("-", "_")


@dataclass
class _Reader:
    """Reads the rows of a sheet and collects what is wrong with them."""

    file: Path
    sheet: Sheet
    names: list[str]
    known: Mapping[str, str]
    problems: list[SheetProblem] = field(default_factory=list)

    def told(self, row: int, column: str, text: str) -> None:
        self.problems.append(SheetProblem(row, column, text))

    def rows(self, required: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
        """Return the cells by column, once the header is right."""
        for name in self.names:
            if name and name not in self.known:
                self.told(1, name, f"unknown column; known are {', '.join(self.known)}")
            elif name and self.names.count(name) > 1:
                self.told(1, name, "the column stands twice")
        for name in required:
            if name not in self.names:
                self.told(1, name, "the column is missing")
        if not self.sheet.rows:
            self.told(2, "", "there is no row below the header")
        self.problems = list(dict.fromkeys(self.problems))
        self.finish()
        for number, cells in self.sheet.rows:
            if any(cells[len(self.names) :]):
                self.told(number, "", "a cell stands beyond the last column")
        return [
            (number, {name: cell for name, cell in zip(self.names, cells, strict=False) if name})
            for number, cells in self.sheet.rows
        ]

    def finish(self) -> None:
        raise_problems(self.problems, where=self.file, remedy=_REMEDY)

    def case_id(self, row: int, cells: Mapping[str, str]) -> str:
        text = cells.get("case_id", "")
        if not text or not text.isprintable():
            self.told(row, "case_id", "every row needs the name of a case")
        return text

    def count(self, row: int, column: str, cells: Mapping[str, str]) -> int:
        """Return a whole number; -1 if the cell is empty or wrong."""
        text = cells.get(column, "")
        if not text:
            return -1
        if text.isascii() and text.isdigit() and int(text[:9]) <= _MAX_COUNT and len(text) < 9:
            return int(text)
        self.told(row, column, f"{text!r} is no whole number from 0 to {_MAX_COUNT}")
        return -1

    def number(self, row: int, column: str, text: str) -> float:
        """Return a number written with a point or a decimal comma; -1 if it is none."""
        plain = text.replace(",", ".") if text.count(",") == 1 else text
        try:
            value = float(plain)
        except ValueError:
            value = math.nan
        if math.isfinite(value):
            return value
        self.told(row, column, f"{text!r} is no number")
        return -1.0


class _Cases(_Reader):
    """Reads a sheet of cases."""

    def read(self) -> ManualReads:
        rows = self.rows(("case_id",))
        if not set(self.names) & {"call", "rate", "rate_percent", "n_positive"}:
            self.told(1, "call", "the sheet has neither call, rate_percent, rate nor n_positive")
        reads = [self._one(row, cells) for row, cells in rows]
        seen: dict[tuple[str, str], int] = {}
        for read in reads:
            key = (read.case_id, read.reader.casefold())
            if read.case_id and key in seen:
                who = f" by {read.reader}" if read.reader else ""
                text = f"{read.case_id!r}{who} stands in row {seen[key]} already"
                self.told(read.row, "case_id", text)
            seen.setdefault(key, read.row)
        self.finish()
        return ManualReads(cases=tuple(reads))

    def _one(self, row: int, cells: Mapping[str, str]) -> ManualRead:
        positive, counted = self._counts(row, cells)
        rate = self._rate(row, cells)
        if counted > 0 and rate >= 0 and abs(rate - positive / counted) > _ROUNDING:
            text = f"{100 * rate:g} % is not {positive} of {counted}"
            self.told(row, "rate_percent" if cells.get("rate_percent") else "rate", text)
        if counted > 0:
            rate = positive / counted
        call = self._call(row, cells)
        if not call and rate < 0 and not any(problem.row == row for problem in self.problems):
            self.told(row, "", "neither a call nor a rate nor counts")
        return ManualRead(
            self.case_id(row, cells), cells.get("reader", ""), call, rate >= 0, max(rate, 0.0),
            max(positive, 0), max(counted, 0), row,
        )  # fmt: skip

    def _call(self, row: int, cells: Mapping[str, str]) -> str:
        text = cells.get("call", "")
        call = _CALLS.get(_plain_name(text).upper())
        if text and call is None:
            self.told(row, "call", f"{text!r} is none of {', '.join(Call)}")
        return call.value if call is not None else ""

    def _counts(self, row: int, cells: Mapping[str, str]) -> tuple[int, int]:
        positive = self.count(row, "n_positive", cells)
        counted = self.count(row, "n_counted", cells)
        given = bool(cells.get("n_positive")), bool(cells.get("n_counted"))
        if given[0] != given[1]:
            lacks, has = ("n_counted", "n_positive") if given[0] else ("n_positive", "n_counted")
            self.told(row, lacks, f"missing, although {has} is given")
            return -1, -1
        if positive > counted >= 0:
            self.told(row, "n_positive", f"{positive} of {counted} counted nuclei are too many")
            return -1, -1
        return positive, counted

    def _rate(self, row: int, cells: Mapping[str, str]) -> float:
        """Return the rate as a share; -1 if there is none, or it is wrong."""
        both = [name for name in ("rate_percent", "rate") if cells.get(name)]
        if len(both) == 2:
            self.told(row, "rate", "give the rate in rate or in rate_percent, not in both")
        if not both:
            return -1.0
        text = cells[both[0]]
        in_percent = both[0] == "rate_percent" or text.endswith("%")
        value = self.number(row, both[0], text.removesuffix("%").strip())
        if 0 <= value <= (100 if in_percent else 1):
            return value / 100 if in_percent else value
        if not any(p.row == row and p.column == both[0] for p in self.problems):
            allowed = "0 to 100 %" if in_percent else "0 to 1; write per cent in rate_percent"
            self.told(row, both[0], f"{text!r} is not from {allowed}")
        return -1.0


class _Nuclei(_Reader):
    """Reads a sheet of nuclei."""

    def read(self) -> ManualReads:
        rows = self.rows(("case_id", "fov", "pattern"))
        if "nucleus_id" not in self.names and not {"y_px", "x_px"} <= set(self.names):
            self.told(1, "nucleus_id", "the column is missing, and so are y_px and x_px")
        self.finish()
        nuclei = [self._one(row, cells) for row, cells in rows]
        seen: dict[ManualNucleus, int] = {}
        for item in nuclei:
            key = ManualNucleus(
                item.case_id, item.fov, "", item.nucleus_id, item.y_px, item.x_px,
                item.reader.casefold(),
            )  # fmt: skip
            if key in seen:
                self.told(item.row, "", f"this nucleus stands in row {seen[key]} already")
            seen.setdefault(key, item.row)
        self.finish()
        return ManualReads(nuclei=tuple(nuclei))

    def _one(self, row: int, cells: Mapping[str, str]) -> ManualNucleus:
        pattern = _plain_name(cells.get("pattern", "")).upper()
        if pattern not in _PATTERNS:
            found = cells.get("pattern", "")
            self.told(row, "pattern", f"{found!r} is none of {', '.join(_PATTERNS)}")
        if not cells.get("fov"):
            self.told(row, "fov", "every row needs the name of a field")
        number, y, x = max(self.count(row, "nucleus_id", cells), 0), 0.0, 0.0
        point = [cells.get(name, "") for name in ("y_px", "x_px")]
        if number == 0 and all(point):
            y, x = (self.number(row, n, t) for n, t in zip(("y_px", "x_px"), point, strict=True))
            if min(y, x) < -0.5:
                self.told(row, "y_px", "a point lies outside of the picture")
        elif number == 0:
            self.told(row, "nucleus_id", "a number above 0 is missing, or else y_px and x_px")
        return ManualNucleus(
            self.case_id(row, cells), cells.get("fov", ""), pattern, number, y, x,
            cells.get("reader", ""), row,
        )  # fmt: skip


def only_reader(reads: ManualReads, reader: str) -> ManualReads:
    """Return the rows of one reader.

    Raises
    ------
    InputError
        If there are none; the message names the readers there are.
    """
    wanted = reader.casefold()
    kept = ManualReads(
        tuple(read for read in reads.cases if read.reader.casefold() == wanted),
        tuple(item for item in reads.nuclei if item.reader.casefold() == wanted),
        reads.remarks,
    )
    if not (kept.cases or kept.nuclei):
        readers = [read.reader for read in reads.cases] + [item.reader for item in reads.nuclei]
        named = sorted({name or "(no name)" for name in readers})
        raise InputError(
            "the manual sheets have no rows of this reader",
            found=reader,
            allowed=", ".join(named),
        )
    return kept
