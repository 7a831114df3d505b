"""Files of a study beside each other: the page, its PDF, JSON, and tables as CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alkfish._version import __version__
from alkfish.errors import OutputError, output_errors
from alkfish.io.provenance import timestamp
from alkfish.report.page import render_template
from alkfish.report.pdf import write_pdf
from alkfish.report.wording import NOTICE

Rows = Sequence[Mapping[str, Any]]
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def study_paths(path: str | Path, tables: Sequence[str], *, pdf: bool) -> tuple[Path, ...]:
    """Return the files of a study: page, JSON, one CSV per table, and the PDF if wanted."""
    page = Path(path)
    files = [page, page.with_suffix(".json")]
    files += [page.with_name(f"{page.stem}_{name}.csv") for name in tables]
    return (*files, page.with_suffix(".pdf")) if pdf else tuple(files)


def free_study_paths(
    path: str | Path, tables: Sequence[str], *, pdf: bool, overwrite: bool
) -> tuple[Path, ...]:
    """Return the files of a study if they may be written; find out before the work.

    Raises
    ------
    OutputError
        If one is there and may not be replaced, or the page is not named ``.html``.
    """
    files = study_paths(path, tables, pdf=pdf)
    if files[0].suffix.lower() not in (".html", ".htm"):
        raise OutputError(
            "the page needs a name that ends in .html", where=files[0], remedy="name it with -o"
        )
    for file in files:
        if file.exists() and not overwrite:
            raise OutputError(
                "there is a file already",
                where=file,
                remedy="choose another file with -o, or replace it with --overwrite",
            )
    return files


def origin() -> dict[str, Any]:
    """Return what the JSON file of every study begins with: version and time."""
    return {"alkfish": __version__, "created": timestamp()}


def render_study(
    template: str, values: Mapping[str, Any], *, heading: str, subject: str, lab_name: str
) -> str:
    """Return the page of a study: its own values and what all studies show at head and foot.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    common = {
        "heading": heading,
        "subject": subject,
        "lab_name": lab_name,
        "notice": NOTICE,
        "version": __version__,
        "created": timestamp(),
    }
    return render_template(template, {**common, **values}, styles=("report.css", "study.css"))


def write_study(
    path: Path, page: str, record: Mapping[str, Any], tables: Mapping[str, Rows], *, pdf: bool
) -> tuple[Path, ...]:
    """Write the files of a study; older ones are replaced.

    Parameters
    ----------
    path : Path
        The page; the other files stand beside it and share the beginning of its name.
    page : str
        The HTML page.
    record : mapping
        What the JSON file holds: plain values without NaN.
    tables : mapping of str to rows
        Tables by name; all rows of a table have the same keys. An empty table has no columns.
    pdf : bool
        Whether to write the page as a PDF as well.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    files = study_paths(path, list(tables), pdf=pdf)
    texts = [page, json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"]
    texts += [csv_text(rows) for rows in tables.values()]
    with output_errors("the study cannot be written", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, text in zip(files, texts, strict=False):
            file.write_text(text, encoding="utf-8", newline="")
    if pdf:
        write_pdf(page, files[-1])
    return files


def csv_text(rows: Rows) -> str:
    """Return rows as CSV; a text that a spreadsheet would take for a formula begins with ``'``."""
    stream = io.StringIO()
    if rows:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return stream.getvalue()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value + 0.0 if isinstance(value, float) else value)  # -0.0 becomes 0.0
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def relative_link(target: Path, page: Path) -> str:
    """Return the address of a file as seen from a page: relative, and safe as an attribute."""
    try:
        way = os.path.relpath(target.absolute(), page.absolute().parent)
    except ValueError:  # another drive
        return target.absolute().as_uri()
    return "./" + quote(Path(way).as_posix())
