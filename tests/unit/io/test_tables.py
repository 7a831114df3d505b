"""Tables on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alkfish.errors import BundleError, OutputError
from alkfish.io.tables import read_table, write_csv, write_table
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Array, Table, column


@dataclass(frozen=True, eq=False, repr=False)
class Toy(Table):
    name: Array = column(object, "a text")
    size: Array = column(np.float64, "a length", unit="um")
    count: Array = column(np.int32, "a number")
    good: Array = column(np.bool_, "a truth")


def toy(n: int = 3) -> Toy:
    return Toy(
        name=np.array([f"né {i}," for i in range(n)], object),
        size=np.arange(n) / 3,
        count=np.arange(n, dtype=np.int32),
        good=np.arange(n) % 2 == 0,
    )


def assert_same(found: Table, expected: Table) -> None:
    for info in expected.columns():
        values = getattr(found, info.name)
        assert values.dtype == info.dtype
        assert values.tolist() == getattr(expected, info.name).tolist()


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_round_trip(tmp_path: Path, n: int) -> None:
    write_table(toy(n), tmp_path / "t.parquet")
    assert_same(read_table(Toy, tmp_path / "t.parquet"), toy(n))


@pytest.mark.parametrize("kind", [NucleusRecords, SpotRecords])
def test_round_trip_of_empty_records(tmp_path: Path, kind: type[Table]) -> None:
    write_table(kind.empty(), tmp_path / "t.parquet")
    assert_same(read_table(kind, tmp_path / "t.parquet"), kind.empty())


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8")),
            st.floats(allow_nan=False, allow_infinity=False),
            st.integers(-(2**31), 2**31 - 1),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_any_rows_survive(tmp_path_factory: pytest.TempPathFactory, rows: list) -> None:
    texts = np.empty(len(rows), object)
    texts[:] = [row[0] for row in rows]
    table = Toy(texts, *(np.array([row[i] for row in rows]) for i in (1, 2, 3)))
    path = tmp_path_factory.mktemp("any") / "t.parquet"
    write_table(table, path)
    assert_same(read_table(Toy, path), table)


def test_same_bytes(tmp_path: Path) -> None:
    write_table(toy(5000), tmp_path / "a.parquet")
    write_table(toy(5000), tmp_path / "b.parquet")
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_units_and_meanings_are_in_the_schema(tmp_path: Path) -> None:
    write_table(toy(), tmp_path / "t.parquet")
    schema = pq.read_schema(tmp_path / "t.parquet")
    assert schema.field("size").metadata[b"unit"] == b"um"
    assert schema.field("size").metadata[b"meaning"] == b"a length"
    assert schema.field("name").type == pa.utf8()
    assert schema.metadata[b"alkfish_table"] == b"Toy"


def test_all_schema_problems_are_listed(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"size": [1.0, float("nan")], "count": ["a", "b"], "good": [True, None]}), path
    )
    with pytest.raises(BundleError, match=r"t\.parquet") as caught:
        read_table(Toy, path)
    text = str(caught.value)
    assert "column name is missing" in text
    assert "column size has NaN" in text
    assert "column count is string, must be int32" in text
    assert "column good has 1 missing values" in text


def test_additional_columns_and_other_orders_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(toy(), path)
    raw = pq.read_table(path)
    extra = raw.select(["good", "size", "name", "count"]).append_column("more", pa.array([1, 2, 3]))
    pq.write_table(extra, path, use_dictionary=True)
    assert_same(read_table(Toy, path), toy())


def test_dictionary_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(toy(), path)
    raw = pq.read_table(path)
    coded = raw.set_column(0, "name", raw.column("name").dictionary_encode())
    pq.write_table(coded, path)
    assert_same(read_table(Toy, path), toy())


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all" * 10])
def test_damaged_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.parquet").write_bytes(content)
    with pytest.raises(BundleError, match="cannot be read"):
        read_table(Toy, tmp_path / "t.parquet")


def test_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_table(toy(2000), path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BundleError, match="cannot be read"):
        read_table(Toy, path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.parquet"):
        read_table(Toy, tmp_path / "none.parquet")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_is_refused(tmp_path: Path, value: float) -> None:
    table = Toy(["a"], [value], [1], [True])
    with pytest.raises(BundleError, match=r"column size[\s\S]*NaN or infinite"):
        write_table(table, tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_none_as_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"column name[\s\S]*NoneType"):
        write_table(Toy([None], [1.0], [1], [True]), tmp_path / "t.parquet")


@pytest.mark.parametrize("write", [write_table, write_csv])
def test_unwritable(tmp_path: Path, write) -> None:
    with pytest.raises(OutputError, match="no folder"):
        write(toy(), tmp_path / "no folder" / "t")


def test_csv(tmp_path: Path) -> None:
    write_csv(toy(2), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes().decode() == (
        'name,size,count,good\n"né 0,",0.0,0,true\n"né 1,",0.3333333333333333,1,false\n'
    )


def test_empty_csv_is_a_header(tmp_path: Path) -> None:
    write_csv(Toy.empty(), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "name,size,count,good\n"
