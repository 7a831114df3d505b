"""A result as an Excel workbook: one formatted sheet per table. Texts stay texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from alkfish.errors import InputError, output_errors
from alkfish.io.batch_note import read_note
from alkfish.io.bundle import folder_name, open_bundle
from alkfish.model.result import Call, CaseResult
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Table
from alkfish.report.content import Content, make_content
from alkfish.report.details import CaseDetails, with_note
from alkfish.report.options import ReportOptions
from alkfish.report.reviewed import review_of_bundle
from alkfish.report.wording import CALL_WORDS

MAX_ROWS = 1_048_575
"""Rows of a sheet below its header."""

_MIN_WIDTH = 10

Row = Sequence[Any]


def export_xlsx(
    bundle_path: str | Path, out_dir: str | Path, *, store: str | Path | None = None
) -> Path:
    """Write a bundle as ``<case>.xlsx``; an older file of the same name is replaced.

    Sheets: case, patterns, excluded, fields, nuclei, spots, and the meaning of the columns. Once
    readers have called the case, call, figures and nuclei are theirs, as in
    `alkfish.report.reviewed.review_of_bundle`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    BundleError
        If the bundle cannot be read.
    InputError
        If openpyxl is not installed, or a table has more rows than a sheet.
    OutputError
        If the file cannot be written.
    StoreError
        If there is a review store that cannot be read.
    """
    shown, review = review_of_bundle(bundle_path, open_bundle(bundle_path), store=store)
    result, details = with_note(shown, CaseDetails(), read_note(bundle_path))
    _check_rows(result)
    openpyxl = _openpyxl()
    book = openpyxl.Workbook(write_only=True)
    content = make_content(result, review=review, details=details, options=ReportOptions())
    for title, header, rows, widths in _sheets(result, content):
        _write_sheet(book, title, header, rows, widths)
    data = BytesIO()  # openpyxl cannot be stopped halfway through a file
    book.save(data)
    target = Path(out_dir) / f"{folder_name(result.case_id)}.xlsx"
    with output_errors("the workbook cannot be written", target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.getvalue())
    return target


def _sheets(
    result: CaseResult, content: Content
) -> Iterator[tuple[str, Row, Iterable[Row], Sequence[int]]]:
    """Yield title, header, rows and widths of each sheet."""
    yield "case", ("what", "value"), _case_rows(result, content), (34, 100)
    patterns = ((row.words.name, row.count, row.words.counts_as) for row in content.patterns)
    yield "patterns", ("pattern", "nuclei", "counts as"), patterns, (16, 10, 12)
    yield "excluded", ("reason", "nuclei"), content.excluded, (70, 10)
    names = ("fov", "n_nuclei", "n_scorable", "focus", "n_planes", "verdict")
    fields = (
        (*(getattr(qc, name) for name in names), "; ".join(qc.reasons)) for qc in result.fields
    )
    yield "fields", (*names, "reasons"), fields, (24, 10, 10, 10, 10, 10, 80)
    for title, table in (("nuclei", result.nuclei), ("spots", result.spots)):
        header = [info.name for info in table.columns()]
        yield title, header, _table_rows(table), [max(_MIN_WIDTH, len(h) + 4) for h in header]
    meanings = (
        (title, info.name, info.unit, info.meaning)
        for title, kind in (("nuclei", NucleusRecords), ("spots", SpotRecords))
        for info in kind.columns()
    )
    yield "columns", ("table", "column", "unit", "meaning"), meanings, (10, 24, 18, 100)


def _case_rows(result: CaseResult, content: Content) -> Iterator[Row]:
    yield "notice", content.notice
    yield "state", content.review.heading
    yield "case", content.case_id
    yield "call", content.call_words
    if content.review.machine_call:
        yield "call of the machine", CALL_WORDS[Call(content.review.machine_call)]
    yield "positive nuclei", content.n_positive
    yield "counted nuclei", content.n_counted
    if content.rate:
        yield "rate", result.call.rate
        yield "95 % interval, from", result.call.interval[0]
        yield "95 % interval, to", result.call.interval[1]
    yield from (("reason", reason) for reason in content.reasons)
    yield from (("caution", text) for _, text in content.cautions)
    if content.iscn:
        yield "ISCN, to be checked by a cytogeneticist", content.iscn
    yield from content.method
    yield from content.origin
    yield from ((f"SHA-256 of {name}", checksum) for name, checksum in content.inputs)


def _table_rows(table: Table) -> Iterator[Row]:
    columns = [getattr(table, info.name).tolist() for info in table.columns()]
    return zip(*columns, strict=True)


def _check_rows(result: CaseResult) -> None:
    longest = max(len(result.nuclei), len(result.spots))
    if longest > MAX_ROWS:
        raise InputError(
            "a table has more rows than a sheet of a workbook",
            where=result.case_id,
            found=longest,
            allowed=MAX_ROWS,
            remedy="export it as CSV: --csv",
        )


def _write_sheet(
    book: Any, title: str, header: Row, rows: Iterable[Row], widths: Sequence[int]
) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = min(width, 100)
    head = [_cell(sheet, name) for name in header]
    for cell in head:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="DDE3EA")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.append(head)
    n_rows = 1
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
        n_rows += 1
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(header))}{n_rows}"


def _cell(sheet: Any, value: Any) -> Any:
    """Return a cell; a text that looks like a formula stays a text."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, str):
        cell = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)[:32_000])
        cell.data_type = "s"
        return cell
    cell = WriteOnlyCell(sheet, value=value)
    if isinstance(value, float):
        cell.number_format = "0.000"
    return cell


def _openpyxl() -> Any:
    try:
        import openpyxl
    except ImportError as error:
        raise InputError(
            "a workbook needs a package that is not installed",
            found=error,
            remedy='install it with: python -m pip install "alkfish[export]"',
        ) from error
    return openpyxl
