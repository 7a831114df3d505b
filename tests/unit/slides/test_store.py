import numpy as np
import pytest

from alkfish.errors import OutputError
from alkfish.model.window import Window
from alkfish.slides.parts import FieldPart
from alkfish.slides.store import PartStore

JOB = {"config": "abc", "files": [["a.tif", 1, 2]]}


@pytest.fixture
def part(nuclei_at, spots_at):
    return FieldPart(
        number=7,
        core=Window(0, 64, 128, 256),
        nuclei=nuclei_at([(3.25, 4), (5, 6)], flags=["border;gain", ""], fov="Präparat 1"),
        spots=spots_at([(1, 2)], end="5p"),
        blocks={(0, 1): b"\x01\x02", (2, 0): b"\x03"},
        saturated=(1, 9),
    )


def test_parts_come_back_as_they_were(tmp_path, part):
    store = PartStore(tmp_path / "work", JOB)
    assert not store.has(7)
    store.write(part)
    again = PartStore(tmp_path / "work", dict(JOB))
    assert again.has(7)
    found = again.read(7)
    assert (found.number, found.core, found.saturated) == (7, part.core, (1, 9))
    assert found.blocks == part.blocks
    for table in ("nuclei", "spots"):
        one, other = getattr(part, table), getattr(found, table)
        for info in one.columns():
            assert np.array_equal(getattr(one, info.name), getattr(other, info.name)), info.name
            assert getattr(other, info.name).dtype == info.dtype


def test_empty_tables_come_back(tmp_path, nuclei_at, spots_at):
    store = PartStore(tmp_path, JOB)
    store.write(FieldPart(0, Window(0, 0, 1, 1), nuclei_at([]), spots_at([]), {}))
    assert len(store.read(0).nuclei) == 0
    assert store.read(0).blocks == {}


def test_parts_of_another_job_are_not_reused(tmp_path, part):
    PartStore(tmp_path, JOB).write(part)
    assert not PartStore(tmp_path, {**JOB, "config": "other"}).has(7)


def test_half_written_parts_do_not_count(tmp_path, part):
    store = PartStore(tmp_path, JOB)
    store.write(part)
    whole = (tmp_path / "field-000007.npz").read_bytes()
    (tmp_path / "field-000007.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "field-000008.partial").write_bytes(whole[:100])
    again = PartStore(tmp_path, JOB)
    assert not again.has(7)
    assert not list(tmp_path.glob("*.partial"))


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be kept"):
        PartStore(tmp_path / "file" / "work", JOB)
