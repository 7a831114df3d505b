"""Whole slides through the command line: workers, tiles, Ctrl-C, SIGKILL, outlines."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tifffile

from alkfish.io.bundle import open_bundle
from alkfish.synthetic import LEVELS, simulate_field

PIXEL_UM = 0.3
LEVEL = LEVELS["easy"].with_(name="dense", coverage=0.35, lymphocyte_share=0.0)
CHANNELS = ["DAPI", "SpectrumOrange", "SpectrumGreen"]


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """A narrow slide of three fields with a pyramid."""
    fov = simulate_field(LEVEL, seed=8, shape=(400, 12_800), pixel_size_um=PIXEL_UM).fov
    planes = np.stack([fov.dapi, fov.three_prime, fov.five_prime])
    path = tmp_path_factory.mktemp("slides") / "narrow.ome.tif"
    options = {"photometric": "minisblack", "tile": (256, 256), "compression": "zlib"}
    metadata = {
        "axes": "CYX",
        "Channel": {"Name": CHANNELS},
        "PhysicalSizeX": PIXEL_UM,
        "PhysicalSizeY": PIXEL_UM,
    }
    with tifffile.TiffWriter(path, ome=True) as tif:
        tif.write(planes, subifds=2, metadata=metadata, **options)
        for step in (2, 4):
            small = planes[:, ::step, ::step]
            tif.write(small, subfiletype=1, **options)
    return path


def command(slide, out, *options):
    return [sys.executable, "-m", "alkfish", "score", str(slide), "-o", str(out), *options]


def score(slide, out, *options):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "0"}
    done = subprocess.run(
        command(slide, out, *options), capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return out / "narrow"


def contents(bundle):
    """Return the bytes of every file of a bundle."""
    files = sorted(item for item in bundle.rglob("*") if item.is_file())
    return {item.relative_to(bundle).as_posix(): item.read_bytes() for item in files}


@pytest.fixture(scope="module")
def undisturbed(slide, tmp_path_factory):
    return contents(score(slide, tmp_path_factory.mktemp("undisturbed")))


def test_the_slide_is_scored_as_one_field(slide, tmp_path):
    result = open_bundle(score(slide, tmp_path))
    assert list(result.labels) == ["narrow"]
    assert result.labels["narrow"].shape == (400, 12_800)
    assert len(result.nuclei) > 80
    assert result.nuclei.x_px.max() > 12_000
    assert [item.name for item in tmp_path.glob(".*")] == [".batch.lock"]


@pytest.mark.parametrize("options", [("--workers", "2"), ("--tile-fields", "3")])
def test_workers_and_tiles_change_no_byte(slide, undisturbed, tmp_path, options):
    assert contents(score(slide, tmp_path, *options)) == undisturbed


def start(slide, out, *options):
    return subprocess.Popen(
        command(slide, out, *options),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
    )


def finished_fields(out):
    return sorted(out.glob(".narrow.fields/*/field-*.npz"))


def wait_for_a_field(process, out):
    end = time.monotonic() + 120
    while not finished_fields(out):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_run_is_finished_by_the_same_command(slide, undisturbed, tmp_path, workers):
    with start(slide, tmp_path, "--workers", workers) as process:
        wait_for_a_field(process, tmp_path)
        process.send_signal(signal.SIGKILL)
    kept = {path.name: path.stat().st_mtime_ns for path in finished_fields(tmp_path)}
    assert kept
    assert not (tmp_path / "narrow").exists()
    assert contents(score(slide, tmp_path, "--workers", workers)) == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a process on Windows")
def test_ctrl_c_stops_cleanly(slide, undisturbed, tmp_path):
    with start(slide, tmp_path, "--workers", "2") as process:
        wait_for_a_field(process, tmp_path)
        os.killpg(process.pid, signal.SIGINT)
        _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert "goes on" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "narrow").exists()
    assert contents(score(slide, tmp_path)) == undisturbed


def outline(path, polygon, name="Tumor"):
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[*polygon, polygon[0]]]},
        "properties": {"objectType": "annotation", "classification": {"name": name}},
    }
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def test_only_outlined_nuclei_count(slide, tmp_path):
    roi = outline(tmp_path / "roi.geojson", [[3000, 0], [9000, 0], [9000, 399], [3000, 399]])
    result = open_bundle(score(slide, tmp_path / "out", "--roi", str(roi)))
    nuclei = result.nuclei
    inside = (nuclei.x_px >= 3000) & (nuclei.x_px < 9000)
    flagged = np.array(["outside_roi" in text.split(";") for text in nuclei.flags])
    assert 0 < inside.sum() < len(nuclei)
    assert np.array_equal(flagged, ~inside)
    assert not (nuclei.scorable & ~inside).any()
    assert nuclei.scorable[inside].any()
    (note,) = result.notes["narrow"]
    assert "roi.geojson" in note
    assert "Tumor" in note
    assert any(caution.text == note for caution in result.call.cautions)


def test_outlines_without_nuclei_are_named_as_the_reason(slide, tmp_path):
    roi = outline(tmp_path / "um.geojson", [[1, 1], [5, 1], [5, 5], [1, 5]])
    result = open_bundle(score(slide, tmp_path / "out", "--roi", str(roi)))
    assert result.call.call == "NOT_EVALUABLE"
    assert "within the outlined areas" in result.call.reasons[0]
