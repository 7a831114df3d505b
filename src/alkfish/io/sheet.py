"""Sheets that people fill in, CSV or Excel: their rows, and all that is wrong told at once."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from alkfish.errors import InputError

DELIMITERS = (",", ";", "\t")
XLSX_SUFFIXES = (".xlsx", ".xlsm")
_MAX_BYTES = 50_000_000
_MAX_PROBLEMS = 100


@dataclass(frozen=True)
class Sheet:
    """Texts of a sheet.

    Attributes
    ----------
    header : tuple of str
        Names of the columns, as written.
    rows : tuple of (int, tuple of str)
        Number of each row as a spreadsheet counts it (the header is row 1 or later) and its cells,
        without blanks around them. Rows without any text are left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read_sheet(path: str | Path) -> Sheet:
    """Read a CSV file, or the first sheet of an Excel file.

    Commas, semicolons and tabs are told apart by the header. UTF-8 with or without a byte order
    mark, UTF-16 with one, and the Western Windows code page are read.

    Raises
    ------
    InputError
        If the file cannot be read or has no header.
    """
    file = Path(path)
    table = _read_xlsx(file) if file.suffix.lower() in XLSX_SUFFIXES else _read_csv(file)
    rows = [(number, cells) for number, cells in table if any(cells)]
    if not rows:
        raise InputError(
            "the sheet is empty",
            where=file,
            remedy="write a header and one row per case",
        )
    return Sheet(rows[0][1], tuple(rows[1:]))


def _read_csv(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    text = _decoded(path)
    lines = text.splitlines()
    first = lines[0].strip().strip('"').lower() if lines else ""
    told = first[4:5] if first.startswith("sep=") else ""
    skipped = 1 if told else 0
    body = "\n".join(lines[skipped:]) if skipped else text
    delimiter = told or _delimiter(next((line for line in lines if line.strip()), ""))
    try:
        records = list(csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise InputError(
            "the sheet is not valid CSV",
            where=path,
            found=error,
            remedy="save it again as CSV (UTF-8) from the spreadsheet program",
        ) from error
    return _numbered(records, first=1 + skipped)


def _delimiter(header: str) -> str:
    """Return the delimiter that occurs most often in the header; a comma if there is none."""
    return max(DELIMITERS, key=header.count)


def _decoded(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError("the file is too large for a sheet", where=path)
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            "the sheet cannot be read",
            where=path,
            found=error.strerror or error,
            remedy="check the path and its spelling",
        ) from error
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(
            "the file is no sheet of texts",
            where=path,
            allowed="CSV, or Excel (.xlsx)",
            remedy="save it as CSV (UTF-8) from the spreadsheet program",
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _read_xlsx(path: Path) -> list[tuple[int, tuple[str, ...]]]:
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(
            "Excel files need a package that is not installed",
            where=path,
            found=error,
            remedy='install it with: python -m pip install "alkfish[export]", or save as CSV',
        ) from error
    try:
        records, written = (_cells(openpyxl, path, values=values) for values in (True, False))
    except Exception as error:
        # The reader lets any exception of zip and XML parsers through.
        if not isinstance(error, OSError | ValueError | KeyError | LookupError | SyntaxError) and (
            type(error).__module__.partition(".")[0] not in {"openpyxl", "zipfile", "zlib"}
        ):
            raise
        raise InputError(
            "the Excel file cannot be read",
            where=path,
            found=getattr(error, "strerror", None) or type(error).__name__,
            remedy="open it in the spreadsheet program and save it again, or save as CSV",
        ) from error
    _check_formulas(records, written, where=path)
    return _numbered(records, first=1)


def _cells(openpyxl: Any, path: Path, *, values: bool) -> list[list[Any]]:
    """Return the cells of the first sheet: what formulas came to, or the formulas."""
    book = openpyxl.load_workbook(path, read_only=True, data_only=values)
    try:
        return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()


def _check_formulas(
    records: Sequence[Sequence[Any]], written: Sequence[Sequence[Any]], *, where: Path
) -> None:
    """Refuse formulas that no program has worked out: their cells would count as empty."""
    found = [
        f"row {number}, cell {place}: {text}"
        for number, (cells, texts) in enumerate(zip(records, written, strict=True), 1)
        for place, (cell, text) in enumerate(zip(cells, texts, strict=True), 1)
        if cell is None and isinstance(text, str) and text.startswith("=")
    ]
    if found:
        raise InputError(
            "the sheet holds formulas without their values",
            where=where,
            found="; ".join(found[:_MAX_PROBLEMS]),
            remedy="save it in the spreadsheet program, or put values in place of formulas",
        )


def _numbered(records: Iterable[Sequence[Any]], *, first: int) -> list[tuple[int, tuple[str, ...]]]:
    return [
        (number, tuple(_text(cell) for cell in cells))
        for number, cells in enumerate(records, first)
    ]


def _text(cell: Any) -> str:
    """Return a cell as text: 17.0 of a spreadsheet is 17, a date is 2026-03-01."""
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if not cell.time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell).strip().strip("\ufeff")


@dataclass(frozen=True)
class SheetProblem:
    """What is wrong at one place of a sheet; an empty column is the whole row."""

    row: int
    column: str
    text: str

    def __str__(self) -> str:
        place = f"row {self.row}, column {self.column}" if self.column else f"row {self.row}"
        return f"{place}: {self.text}"


def raise_problems(problems: Sequence[SheetProblem], *, where: object, remedy: str) -> None:
    """Raise one error that tells all problems of a sheet, by row, if there are any.

    Raises
    ------
    InputError
        With row and column of each.
    """
    if not problems:
        return
    order = sorted(problems, key=lambda item: item.row)
    texts = [str(item) for item in order[:_MAX_PROBLEMS]]
    texts += [f"and {len(order) - _MAX_PROBLEMS} more"] if len(order) > _MAX_PROBLEMS else []
    count = "1 problem" if len(order) == 1 else f"{len(order)} problems"
    raise InputError(
        f"the sheet has {count}",
        where=where,
        found="\n    " + "\n    ".join(texts),
        remedy=remedy,
    )
