"""Tables on disk: Parquet with declared columns, and CSV for spreadsheets.

Every Parquet column carries its unit and meaning, as declared in `alkfish.model`, in the metadata
of the file's schema. The same table always gives the same bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from alkfish.errors import BundleError, OutputError
from alkfish.model.table import Array, ColumnInfo, Table

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T", bound=Table)

_ROWS_PER_GROUP = 1 << 20


def write_table(table: Table, path: str | Path) -> None:
    """Write `table` as a Parquet file; the same table always gives the same bytes.

    Texts become utf8 columns, the other columns keep their dtype. An empty table is a file with
    all its columns and no rows.

    Parameters
    ----------
    table : Table
        What to write.
    path : path-like
        File to create or replace.

    Raises
    ------
    BundleError
        If a column holds NaN, infinities, or something other than texts where texts are declared.
    OutputError
        If the file cannot be written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = list(table.columns())
    arrays = [_to_arrow(getattr(table, info.name), info, where=path) for info in columns]
    schema = pa.schema(
        [_arrow_field(info) for info in columns],
        metadata={"alkfish_table": type(table).__name__},
    )
    try:
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema),
            Path(path),
            compression="zstd",
            row_group_size=_ROWS_PER_GROUP,
            store_schema=True,
        )
    except OSError as error:
        raise _cannot_write(path, error) from error


def read_table(kind: type[T], path: str | Path) -> T:
    """Read a Parquet file into a table of type `kind`; the inverse of `write_table`.

    Columns that `kind` does not declare are ignored, so that tables with additional columns can be
    read; their order in the file does not matter. Optional columns that the file lacks are 0.

    Parameters
    ----------
    kind : type of Table
        Declares the columns that must be there.
    path : path-like
        File to read.

    Raises
    ------
    BundleError
        If the file is missing or damaged, a column is missing or of another type, or a column
        holds missing or non-finite values. All schema problems are reported at once.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        raw = pq.ParquetFile(Path(path)).read()
    except (OSError, pa.ArrowException) as error:
        raise BundleError(
            "the table cannot be read",
            where=path,
            found=_first_line(error),
            remedy="score the case again, or restore the file from a copy",
        ) from error
    columns = [c for c in kind.columns() if not (c.optional and c.name not in raw.column_names)]
    problems = [text for info in columns if (text := _schema_problem(raw, info))]
    if problems:
        raise BundleError(
            "the table does not have the declared columns",
            where=path,
            found="; ".join(problems),
            allowed=f"the columns of {kind.__name__}",
            remedy="read it with the version of alkfish that wrote it, or score the case again",
        )
    return kind(**{info.name: _from_arrow(raw.column(info.name), info) for info in columns})


def write_csv(table: Table, path: str | Path) -> None:
    """Write `table` as UTF-8 CSV with a header line; numbers keep every digit.

    Booleans are written ``true`` and ``false``, lines end in a line feed on every system.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    columns = list(table.columns())
    texts = [_to_texts(getattr(table, info.name)) for info in columns]
    try:
        with Path(path).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(info.name for info in columns)
            writer.writerows(zip(*texts, strict=True))
    except OSError as error:
        raise _cannot_write(path, error) from error


def _to_texts(values: Array) -> list[str]:
    if values.dtype == np.bool_:
        return ["true" if value else "false" for value in values.tolist()]
    return [str(value) for value in values.tolist()]


def _arrow_type(info: ColumnInfo) -> pa.DataType:
    import pyarrow as pa

    return pa.utf8() if info.dtype == object else pa.from_numpy_dtype(info.dtype)


def _arrow_field(info: ColumnInfo) -> pa.Field:
    import pyarrow as pa

    meta = {"unit": info.unit, "meaning": info.meaning}
    return pa.field(info.name, _arrow_type(info), nullable=False, metadata=meta)


def _to_arrow(values: Array, info: ColumnInfo, *, where: object) -> pa.Array:
    import pyarrow as pa

    if info.dtype == object:
        strangers = sorted({type(value).__name__ for value in values if not isinstance(value, str)})
        if strangers:
            raise _bad_values(where, info, found=", ".join(strangers), allowed="texts only")
        return _text_array([str(value).encode() for value in values])
    if info.dtype.kind == "f" and not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise _bad_values(where, info, found=f"{count} NaN or infinite", allowed="finite numbers")
    data = np.packbits(values, bitorder="little") if info.dtype == np.bool_ else values
    buffer = pa.py_buffer(np.ascontiguousarray(data))
    return pa.Array.from_buffers(_arrow_type(info), len(values), [None, buffer])


def _text_array(texts: Sequence[bytes]) -> pa.Array:
    """Return a column of texts; made from buffers, since pa.array would import pandas."""
    import pyarrow as pa

    ends = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))]
    return pa.Array.from_buffers(pa.utf8(), len(texts), buffers)


def _bad_values(where: object, info: ColumnInfo, *, found: str, allowed: str) -> BundleError:
    return BundleError(
        f"column {info.name} holds values that a table must not hold",
        where=where,
        found=found,
        allowed=allowed,
    )


def _schema_problem(raw: pa.Table, info: ColumnInfo) -> str:
    """Return what is wrong with one column of a file; empty if nothing is."""
    import pyarrow.compute as pc

    if info.name not in raw.column_names:
        return f"column {info.name} is missing"
    values, expected = raw.column(info.name), _arrow_type(info)
    if not _same_kind(values.type, expected):
        return f"column {info.name} is {values.type}, must be {expected}"
    if values.null_count:
        return f"column {info.name} has {values.null_count} missing values, must have none"
    if info.dtype.kind == "f" and not pc.all(pc.is_finite(values), min_count=0).as_py():
        return f"column {info.name} has NaN or infinite values, must be finite"
    return ""


def _same_kind(found: pa.DataType, expected: pa.DataType) -> bool:
    import pyarrow as pa

    # Dictionary-coded and large texts are written by other programs for the same meaning.
    if expected == pa.utf8():
        plain = found.value_type if pa.types.is_dictionary(found) else found
        return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))
    return bool(found == expected)


def _from_arrow(values: pa.ChunkedArray, info: ColumnInfo) -> Array:
    array: Array
    if info.dtype == object:
        array = np.empty(len(values), object)
        array[:] = values.to_pylist()
        return array
    array = values.to_numpy().astype(info.dtype)
    return array


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _cannot_write(path: str | Path, error: OSError) -> OutputError:
    reason: Any = error.strerror or error
    return OutputError(
        "the file cannot be written",
        where=path,
        found=reason,
        remedy="choose a folder that exists and that you may write to, with space left",
    )
