"""Results that no longer stand for their case: the batch that should have replaced them failed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from alkfish.errors import InputError
from alkfish.io.bundle import RESULT
from alkfish.io.sheet import read_sheet

SUMMARY = "summary.csv"
"""Table of a batch, in the folder of its results."""

_NOT_MADE = ("failed", "not reached")


def outdated_results(folder: Path, case_ids: Iterable[str]) -> list[str]:
    """Return a remark on each result that the last batch in its folder did not make or confirm.

    Parameters
    ----------
    folder : Path
        A folder of results, or one result in it. Without a table of a batch nothing is said.
    case_ids : iterable of str
        Cases whose results are used.
    """
    home = folder.absolute().parent if (folder / RESULT).is_file() else folder
    table = home / SUMMARY
    if not table.is_file():
        return []
    try:
        sheet = read_sheet(table)
    except InputError:
        return [f"{table.name} of the batch cannot be read: older results may be among these."]
    rows = [dict(zip(sheet.header, cells, strict=False)) for _, cells in sheet.rows]
    status = {row.get("case_id", ""): row for row in rows}
    return [
        _remark(name, status[name])
        for name in case_ids
        if status.get(name, {}).get("status") in _NOT_MADE
    ]


def _remark(case_id: str, row: dict[str, str]) -> str:
    why = row.get("reason", "").rstrip(".")
    return (
        f"case {case_id}: the last batch did not make this result ({row['status']}"
        f"{f': {why}' if why else ''}); it is an older one and may not belong to the pictures, "
        "settings or probe of today. Score the case again."
    )
