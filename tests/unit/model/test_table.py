"""Tables: declared columns, checks, empty tables, rows; the first columns are frozen."""

import numpy as np
import pytest

from alkfish.errors import InputError
from alkfish.model.nuclei import Nuclei, NucleusTable
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.spots import SpotTable

TABLES = [NucleusRecords, SpotRecords, NucleusTable, SpotTable]

NUCLEI_FIRST = [
    "fov",
    "nucleus_id",
    "y_px",
    "x_px",
    "area_um2",
    "scorable",
    "flags",
    "pattern",
    "n_fused",
    "n_3p",
    "n_5p",
    "max_separation_diam",
    "max_separation_um",
]
SPOTS_FIRST = ["fov", "nucleus_id", "end", "y_px", "x_px", "snr", "diameter_um", "signal_id"]


def names(kind):
    return [info.name for info in kind.columns()]


def spots(n):
    values = {info.name: np.arange(n).astype(info.dtype) for info in SpotTable.columns()}
    return SpotTable(**values)


def test_first_columns_of_the_written_tables_are_frozen():
    assert names(NucleusRecords)[: len(NUCLEI_FIRST)] == NUCLEI_FIRST
    assert names(SpotRecords)[: len(SPOTS_FIRST)] == SPOTS_FIRST


@pytest.mark.parametrize("kind", TABLES)
def test_every_column_is_declared_in_full(kind):
    for info in kind.columns():
        assert info.meaning
        for suffix, unit in (("_px", "px"), ("_um", "um"), ("_um2", "um2")):
            if info.name.endswith(suffix):
                assert info.unit == unit


@pytest.mark.parametrize("kind", TABLES)
def test_empty_table_has_the_declared_dtypes(kind):
    table = kind.empty()
    assert len(table) == 0
    for info in kind.columns():
        assert getattr(table, info.name).dtype == info.dtype


@pytest.mark.parametrize("kind", TABLES)
def test_nothing_concatenated_is_the_empty_table(kind):
    assert len(kind.concatenate([])) == 0


def test_lists_are_converted_to_the_declared_dtype():
    columns = {info.name: [1, 2] for info in SpotTable.columns()}
    table = SpotTable(**columns)
    assert table.y_px.dtype == np.float64
    assert table.flags.dtype == np.int32


def test_columns_must_be_equally_long():
    columns = {info.name: [1.0, 2.0] for info in SpotTable.columns()}
    with pytest.raises(InputError, match="same length"):
        SpotTable(**{**columns, "snr": [1.0]})


def test_columns_must_be_one_dimensional():
    columns = {info.name: [1.0] for info in SpotTable.columns()}
    with pytest.raises(InputError, match=r"SpotTable\.x_px: a column must be one-dimensional"):
        SpotTable(**{**columns, "x_px": [[1.0]]})


def test_concatenate_keeps_the_order():
    both = SpotTable.concatenate([spots(2), spots(3)])
    np.testing.assert_array_equal(both.y_px, [0, 1, 0, 1, 2])


def test_take_by_mask_and_by_number():
    table = spots(4)
    np.testing.assert_array_equal(table.take(table.y_px > 1).x_px, [2, 3])
    np.testing.assert_array_equal(table.take(np.array([3, 0])).x_px, [3, 0])
    assert len(table.take(np.zeros(4, bool))) == 0


def test_repr_says_rows_and_columns():
    assert repr(spots(2)).startswith("SpotTable(2 rows: y_px, x_px")


@pytest.mark.parametrize("labels", [np.zeros((2, 2), np.uint16), np.zeros(4, np.int32)])
def test_labels_must_be_a_flat_int32_image(labels):
    with pytest.raises(InputError, match="2-D int32"):
        Nuclei(labels, NucleusTable.empty())


def test_nuclei_are_counted_by_their_table():
    assert len(Nuclei(np.zeros((2, 2), np.int32), NucleusTable.empty())) == 0
