"""Columnar tables whose columns are declared once: name, dtype, unit and meaning.

The declaration of a column is read by the checks below, by the Parquet and CSV writers and by the
column reference of the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError

Array = npt.NDArray[Any]


_LEFT_OUT: tuple[()] = ()


def column(dtype: npt.DTypeLike, meaning: str, *, unit: str = "", optional: bool = False) -> Any:
    """Declare one column of a `Table`.

    Parameters
    ----------
    dtype : dtype-like
        NumPy dtype that the column is kept in; ``object`` for texts.
    meaning : str
        One sentence for the column reference.
    unit : str
        Unit of the values; empty for counts, ids and texts.
    optional : bool
        Whether a table may be made without it; it is then filled with 0. Optional columns come
        last.
    """
    declared = {
        "dtype": np.dtype(dtype), "meaning": meaning, "unit": unit, "optional": optional,
    }  # fmt: skip
    if optional:
        return field(default=_LEFT_OUT, metadata=declared)
    return field(metadata=declared)


@dataclass(frozen=True)
class ColumnInfo:
    """What is declared about one column."""

    name: str
    dtype: np.dtype[Any]
    unit: str
    meaning: str
    optional: bool = False


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """Base of the tables: equally long 1-D columns of declared dtypes.

    Subclasses are frozen dataclasses whose fields are all made by `column`. "Found nothing" is a
    table of length 0 with the right dtypes, as returned by `empty`.
    """

    def __post_init__(self) -> None:
        lengths: set[int] = set()
        for info in self.columns():
            given = getattr(self, info.name)
            if given is _LEFT_OUT:
                given = np.zeros(next(iter(lengths)), info.dtype)
            values = np.asarray(given, dtype=info.dtype)
            if values.ndim != 1:
                raise InputError(
                    "a column must be one-dimensional",
                    where=f"{type(self).__name__}.{info.name}",
                    found=f"shape {values.shape}",
                )
            object.__setattr__(self, info.name, values)
            lengths.add(len(values))
        if len(lengths) > 1:
            raise InputError(
                "all columns must have the same length",
                where=type(self).__name__,
                found={info.name: len(getattr(self, info.name)) for info in self.columns()},
            )

    def __len__(self) -> int:
        declared = fields(self)
        return len(getattr(self, declared[0].name)) if declared else 0

    def __repr__(self) -> str:
        names = ", ".join(info.name for info in self.columns())
        return f"{type(self).__name__}({len(self)} rows: {names})"

    @classmethod
    def columns(cls) -> Iterator[ColumnInfo]:
        """Yield the declared columns in order."""
        declared: tuple[Field[Any], ...] = fields(cls)
        for item in declared:
            meta = item.metadata
            yield ColumnInfo(
                item.name, meta["dtype"], meta["unit"], meta["meaning"], meta["optional"]
            )

    @classmethod
    def empty(cls) -> Self:
        """Return a table of length 0 with the declared dtypes."""
        return cls(**{info.name: np.empty(0, info.dtype) for info in cls.columns()})

    @classmethod
    def concatenate(cls, tables: Sequence[Self]) -> Self:
        """Return the rows of all `tables`, in order; empty if there are none."""
        if not tables:
            return cls.empty()
        names = [info.name for info in cls.columns()]
        return cls(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in names})

    def take(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Self:
        """Return the rows selected by a boolean mask or by row numbers."""
        return type(self)(**{info.name: getattr(self, info.name)[rows] for info in self.columns()})
