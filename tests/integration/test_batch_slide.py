"""A slide in a batch: it is scored in tiles, and goes on where it was killed."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from alkfish.synthetic import LEVELS, simulate_field

PIXEL_UM = 0.3


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A sheet with a narrow slide of two fields and a small picture."""
    folder = tmp_path_factory.mktemp("lab")
    level = LEVELS["easy"].with_(name="dense", coverage=0.35, lymphocyte_share=0.0)
    for name, width in (("slide", 6_400), ("small", 400)):
        fov = simulate_field(level, seed=8, shape=(400, width), pixel_size_um=PIXEL_UM).fov
        planes = np.stack([fov.dapi, fov.three_prime, fov.five_prime])
        metadata = {
            "axes": "CYX",
            "Channel": {"Name": ["DAPI", "SpectrumOrange", "SpectrumGreen"]},
            "PhysicalSizeX": PIXEL_UM,
            "PhysicalSizeY": PIXEL_UM,
        }
        options = {"photometric": "minisblack", "tile": (256, 256), "compression": "zlib"}
        tifffile.imwrite(folder / f"{name}.ome.tif", planes, ome=True, metadata=metadata, **options)
    (folder / "cases.csv").write_text("case_id,images\nS,slide.ome.tif\nx,small.ome.tif\n")
    return folder


def test_a_slide_killed_in_the_middle_goes_on(alkfish, lab, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    out = lab / "out"
    command = [sys.executable, "-m", "alkfish", "score", "--manifest", lab / "cases.csv"]
    with subprocess.Popen(
        [*command, "-o", out, "--no-report", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as batch:  # fmt: skip
        told = {}
        while told.get("unit") != "tiles" or told["done"] < 1:
            told = json.loads(batch.stdout.readline())
        batch.send_signal(signal.SIGKILL)
    assert told["case_id"] == "S"
    assert (out / ".S.fields").is_dir()
    assert not (out / "S").exists()
    alkfish("score", "--manifest", lab / "cases.csv", "-o", out, "--no-report", "--workers", 2)
    assert {item.name for item in out.iterdir()} == {
        "S", "x", "summary.csv", "summary.html", "batch.log", "pictures.json", ".batch.lock",
    }  # fmt: skip
    kept = json.loads((out / "S" / "result.json").read_text("utf-8"))
    assert kept["n_nuclei"] > 0
