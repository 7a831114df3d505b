"""The case bundle."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import alkfish.io.bundle as bundle_module
from alkfish.config import Config
from alkfish.errors import BundleError, OutputError, ProbeError
from alkfish.io.bundle import (
    check_bundle_target,
    export_csv,
    folder_name,
    open_bundle,
    place_bundle,
    write_bundle,
)
from alkfish.io.probes import load_probe
from alkfish.io.provenance import provenance
from alkfish.model.result import (
    Call,
    CaseCall,
    CaseResult,
    Caution,
    ChannelQC,
    FieldQC,
    PatternCounts,
)
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Table

KEYS = {
    "case", "call", "rate", "n_nuclei", "n_scorable", "n_enumerated", "counts", "excluded",
    "interval", "p_positive", "cautions", "reasons", "fields", "probe", "config",
    "config_fingerprint", "version", "inputs", "created", "schema_version", "notes",
}  # fmt: skip


def rows(kind: type[Table], n: int, **given: object) -> Table:
    """A table of `n` rows of plausible values, some columns given."""
    made = {}
    for info in kind.columns():
        default = np.array(["f1"] * n, object) if info.dtype == object else np.arange(n)
        made[info.name] = given.get(info.name, default.astype(info.dtype))
    return kind(**made)


@pytest.fixture
def result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CaseResult:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    picture = tmp_path / "f1.ome.tif"
    picture.write_bytes(b"pixels")
    qc = ChannelQC(7, 20.5, 100.0, 3.0, 0.0, 0.9)
    counts = PatternCounts(fused=1, split=1)
    labels = np.zeros((30, 40), np.int32)
    labels[3:9, 4:12] = 1
    return CaseResult(
        case_id="case µ 1",
        call=CaseCall(
            Call.NOT_EVALUABLE, counts, 0.5, (0.1, 0.9), 1 / 3, ("too few nuclei",),
            (Caution("borderline", "Look again."),),
        ),
        nuclei=rows(
            NucleusRecords, 3, scorable=[True, True, False], pattern=["FUSED", "SPLIT", ""],
            flags=["", "", "border;clump"],
        ),
        spots=rows(SpotRecords, 5, end=["3p", "5p", "3p", "5p", "3p"]),
        fields=(
            FieldQC("f1", 3, 2, 0.8, qc, qc, (0.01, -0.02), True, (0.0, 0.1), "caution", ("dim",)),
        ),
        excluded={"border": 1, "clump": 1},
        probe=load_probe(),
        provenance=provenance(Config(), [picture]),
        labels={"f1": labels},
        pixel_size_um={"f1": 0.1},
        notes={"f1": ("z-stack of 3 planes projected (maximum)",)},
    )  # fmt: skip


def tree_bytes(root: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()
    }


def test_round_trip(result: CaseResult, tmp_path: Path) -> None:
    folder = write_bundle(result, tmp_path / "out" / "deep")
    assert folder == tmp_path / "out" / "deep" / "case µ 1"
    found = open_bundle(folder)
    for field in dataclasses.fields(CaseResult):
        if field.name in ("nuclei", "spots", "labels"):
            continue
        assert getattr(found, field.name) == getattr(result, field.name), field.name
    for name in ("nuclei", "spots"):
        for info in getattr(result, name).columns():
            values = getattr(getattr(found, name), info.name)
            assert values.dtype == info.dtype
            assert values.tolist() == getattr(getattr(result, name), info.name).tolist()
    assert list(found.labels) == ["f1"]
    np.testing.assert_array_equal(found.labels["f1"], result.labels["f1"])


def test_layout(result: CaseResult, tmp_path: Path) -> None:
    folder = write_bundle(result, tmp_path / "out")
    assert {item.name for item in folder.iterdir()} == {
        "result.json", "nuclei.parquet", "spots.parquet", "labels.zarr",
    }  # fmt: skip
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["case µ 1"]
    data = json.loads((folder / "result.json").read_text("utf-8"))
    assert set(data) == KEYS
    assert data["case"] == "case µ 1"
    assert data["call"] == "NOT_EVALUABLE"
    assert (data["n_nuclei"], data["n_scorable"], data["n_enumerated"]) == (3, 2, 2)
    assert data["counts"] == {"FUSED": 1, "SPLIT": 1, "ISOLATED_3P": 0, "ISOLATED_5P": 0}
    assert data["excluded"] == {"border": 1, "clump": 1}
    assert data["cautions"] == [{"code": "borderline", "text": "Look again."}]
    assert data["probe"]["name"] == "vysis-alk"
    assert data["config"] == Config().model_dump(mode="json")
    assert data["config_fingerprint"] == Config().fingerprint()
    assert data["fields"][0]["three_prime"]["median_snr"] == 20.5
    assert data["fields"][0]["pixel_size_um"] == 0.1
    assert data["created"] == "2023-11-14T22:13:20+00:00"
    assert list(data["inputs"]) == ["f1.ome.tif"]
    assert len(data["inputs"]["f1.ome.tif"]) == 64


def test_same_bytes(result: CaseResult, tmp_path: Path) -> None:
    first = tree_bytes(write_bundle(result, tmp_path / "a"))
    assert tree_bytes(write_bundle(result, tmp_path / "b")) == first
    assert (
        tree_bytes(write_bundle(open_bundle(tmp_path / "a" / "case µ 1"), tmp_path / "c")) == first
    )


def test_empty_result(result: CaseResult, tmp_path: Path) -> None:
    empty = dataclasses.replace(
        result, nuclei=NucleusRecords.empty(), spots=SpotRecords.empty(), labels={}, fields=(),
        pixel_size_um={}, notes={}, excluded={},
    )  # fmt: skip
    found = open_bundle(write_bundle(empty, tmp_path / "out"))
    assert len(found.nuclei) == len(found.spots) == len(found.labels) == 0


def test_profile_made_in_python(result: CaseResult, tmp_path: Path) -> None:
    probe = dataclasses.replace(result.probe, sources={})
    folder = write_bundle(dataclasses.replace(result, probe=probe), tmp_path / "a")
    assert open_bundle(folder).probe == probe
    bad = dataclasses.replace(result, probe=dataclasses.replace(probe, name="My Kit"))
    with pytest.raises(ProbeError, match="My Kit"):
        write_bundle(bad, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_existing_bundle_is_refused(result: CaseResult, tmp_path: Path) -> None:
    folder = write_bundle(result, tmp_path / "out")
    before = tree_bytes(tmp_path / "out")
    other = dataclasses.replace(result, excluded={})
    with pytest.raises(OutputError, match=r"already[\s\S]*--overwrite"):
        write_bundle(other, tmp_path / "out")
    assert tree_bytes(tmp_path / "out") == before
    write_bundle(other, tmp_path / "out", overwrite=True)
    assert open_bundle(folder).excluded == {}
    assert [item.name for item in (tmp_path / "out").iterdir()] == ["case µ 1"]


def test_overwriting_keeps_other_files_but_no_stale_tables(
    result: CaseResult, tmp_path: Path
) -> None:
    folder = write_bundle(result, tmp_path / "out")
    (folder / "reads").mkdir()
    for name in ("notes.txt", "reads/r1.json", "case_nuclei.csv"):
        (folder / name).write_text("mine", encoding="utf-8")
    write_bundle(result, tmp_path / "out", overwrite=True)
    assert (folder / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert (folder / "reads" / "r1.json").is_file()
    assert not (folder / "case_nuclei.csv").exists()
    assert [item.name for item in (tmp_path / "out").iterdir()] == [folder.name]


@pytest.mark.parametrize("step", ["write_table", "write_labels", "_move"])
def test_failure_keeps_the_old_bundle(
    result: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_bundle(result, tmp_path / "out")
    before = tree_bytes(tmp_path / "out")

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle_module, step, fail)
    with pytest.raises(OutputError, match="No space left on device"):
        write_bundle(result, tmp_path / "out", overwrite=True)
    assert tree_bytes(tmp_path / "out") == before


def test_failure_of_the_last_move_brings_the_old_bundle_back(
    result: CaseResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(result, tmp_path / "out")
    before = tree_bytes(tmp_path / "out")
    rename = Path.rename

    def rename_but_not_the_new_one(self: Path, target: Path) -> Path:
        if self.name.endswith("partial"):
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_but_not_the_new_one)
    with pytest.raises(OutputError, match="Input/output error"):
        write_bundle(result, tmp_path / "out", overwrite=True)
    assert tree_bytes(tmp_path / "out") == before


def test_failure_leaves_nothing(result: CaseResult, tmp_path: Path) -> None:
    bad = dataclasses.replace(result, call=dataclasses.replace(result.call, rate=float("nan")))
    with pytest.raises(BundleError, match="NaN"):
        write_bundle(bad, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    nuclei = rows(NucleusRecords, 1, y_px=[np.inf])
    with pytest.raises(BundleError, match="column y_px"):
        write_bundle(dataclasses.replace(result, nuclei=nuclei), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_only_bundles_of_the_same_case_are_replaced(result: CaseResult, tmp_path: Path) -> None:
    target = tmp_path / "case µ 1"
    target.mkdir()
    (target / "f1.tif").write_bytes(b"the only copy of the picture")
    with pytest.raises(OutputError, match=r"taken by something else[\s\S]*no bundle"):
        write_bundle(result, tmp_path, overwrite=True)
    (target / "result.json").write_text('{"case": "another"}')
    with pytest.raises(OutputError, match="'another'"):
        write_bundle(result, tmp_path, overwrite=True)
    (target / "result.json").write_text('{"case": "case µ 1"}', "utf-8")
    with pytest.raises(OutputError, match="found: pictures"):
        write_bundle(result, tmp_path, overwrite=True)
    assert (target / "f1.tif").exists()


def test_out_is_a_file(result: CaseResult, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    for out in (tmp_path / "out", tmp_path / "out" / "deeper"):
        with pytest.raises(OutputError, match="is not a folder"):
            write_bundle(result, out)


def test_target_check_writes_nothing(tmp_path: Path) -> None:
    assert check_bundle_target(tmp_path / "a" / "b", "c") == tmp_path / "a" / "b" / "c"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "case_id", ["", " ", ".", "..", "...", "a/b", "../a", "a\\b", "a\nb", "a\0b", "x" * 151]
)
def test_case_ids_that_play_tricks(case_id: str) -> None:
    with pytest.raises(OutputError, match="cannot name a folder"):
        folder_name(case_id)


@pytest.mark.parametrize(
    ("case_id", "name"),
    [("case 1", "case 1"), ("Fall Ä-7", "Fall Ä-7"), ("a:b?", "a_b_"), (".hidden", "_hidden"),
     ("a.", "a_"), ("nul", "nul_"), ("COM1.x", "COM1.x_"), ("a.b", "a.b")],
)  # fmt: skip
def test_folder_names(case_id: str, name: str) -> None:
    assert folder_name(case_id) == name


@pytest.mark.parametrize(
    ("part", "message"),
    [("result.json", "not the bundle"), ("nuclei.parquet", r"nuclei\.parquet"),
     ("spots.parquet", r"spots\.parquet"), ("labels.zarr/zarr.json", r"labels\.zarr")],
)  # fmt: skip
def test_missing_parts(result: CaseResult, tmp_path: Path, part: str, message: str) -> None:
    folder = write_bundle(result, tmp_path / "out")
    (folder / part).unlink()
    with pytest.raises(BundleError, match=message):
        open_bundle(folder)


@pytest.mark.parametrize("path", ["none", ""])
def test_no_bundle(tmp_path: Path, path: str) -> None:
    with pytest.raises(BundleError, match="not the bundle of a case"):
        open_bundle(tmp_path / path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3}, "another layout"),
        ({"schema_version": None}, "another layout"),
        ({"n_nuclei": 4}, "n_nuclei is 4, the table has 3 rows"),
        ({"n_scorable": 3}, "n_scorable is 3"),
        ({"call": "MAYBE"}, "MAYBE"),
        ({"counts": {"FUSED": 1}}, "SPLIT"),
        ({"counts": {"FUSED": -1, "SPLIT": 0, "ISOLATED_3P": 0, "ISOLATED_5P": 0}}, "negative"),
        ({"interval": [1]}, "damaged"),
        ({"rate": "x"}, "damaged"),
        ({"rate": None}, "damaged"),
        ({"fields": [{"fov": "f1"}]}, "n_nuclei: field required"),
        ({"fields": None}, "damaged"),
        ({"probe": {}}, "name is missing"),
        ({"probe": 3}, "damaged"),
        ({"notes": 3}, "damaged"),
        ({"inputs": 3}, "inputs"),
    ],
)
def test_damaged_result(result: CaseResult, tmp_path: Path, change: dict, message: str) -> None:
    file = write_bundle(result, tmp_path / "out") / "result.json"
    data = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps(data | change), "utf-8")
    with pytest.raises(BundleError, match=message):
        open_bundle(file.parent)


def test_bundles_of_the_first_layout_are_read(result: CaseResult, tmp_path: Path) -> None:
    file = write_bundle(result, tmp_path / "out") / "result.json"
    data = json.loads(file.read_text("utf-8"))
    assert data["schema_version"] == 2
    file.write_text(json.dumps(data | {"schema_version": 1}), "utf-8")
    assert open_bundle(file.parent).case_id == result.case_id


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"schema_version": 1}'])
def test_result_is_no_result(result: CaseResult, tmp_path: Path, text: str) -> None:
    file = write_bundle(result, tmp_path / "out") / "result.json"
    file.write_text(text)
    with pytest.raises(BundleError, match=r"damaged|another layout"):
        open_bundle(file.parent)


def test_export_csv(result: CaseResult, tmp_path: Path) -> None:
    folder = write_bundle(result, tmp_path / "out")
    nuclei, spots = export_csv(folder, tmp_path / "csv")
    assert nuclei == tmp_path / "csv" / "case µ 1_nuclei.csv"
    lines = nuclei.read_text("utf-8").splitlines()
    assert lines[0].startswith("fov,nucleus_id,y_px,x_px,area_um2,scorable,flags,pattern,n_fused")
    assert lines[3].startswith("f1,2,2.0,2.0,2.0,false,border;clump,,2")
    assert len(spots.read_text("utf-8").splitlines()) == 6
    assert export_csv(folder, tmp_path / "csv") == (nuclei, spots)
    assert len(list((tmp_path / "csv").iterdir())) == 2


def test_export_to_a_file(result: CaseResult, tmp_path: Path) -> None:
    folder = write_bundle(result, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        export_csv(folder, tmp_path / "file")


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be asked for harmlessly")
def test_what_a_killed_program_left_is_removed(result: CaseResult, tmp_path: Path) -> None:
    name = folder_name(result.case_id)
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left = tmp_path / f".{name}.{dead.pid}-0.partial"
    busy = tmp_path / f".{name}.{os.getpid()}-7.partial"
    for folder in (left, busy):
        folder.mkdir()
        (folder / "result.json").write_text("{}")
    write_bundle(result, tmp_path)
    assert not left.exists()
    assert busy.exists()


def test_a_complete_bundle_takes_the_place_of_an_older_one(
    result: CaseResult, tmp_path: Path
) -> None:
    older = write_bundle(result, tmp_path / "out")
    for name in ("notes.txt", "report.html", "batch.json"):
        (older / name).write_text("older", "utf-8")
    made = write_bundle(result, tmp_path / "made")
    (made / "batch.json").write_text("newer", "utf-8")
    placed = place_bundle(made, tmp_path / "out", result.case_id)
    assert placed == older
    assert not made.exists()
    assert (placed / "notes.txt").read_text("utf-8") == "older"
    assert (placed / "batch.json").read_text("utf-8") == "newer"
    assert not (placed / "report.html").exists()
    assert [item.name for item in placed.parent.iterdir()] == [placed.name]
