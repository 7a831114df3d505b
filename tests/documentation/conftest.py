"""A folder with everything that the pages of the documentation talk about, all of it simulated."""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

SETTING_UP = """
alkfish simulate . --seed 17 --name case_17 --fields 3 --size 1024 --positive-fraction 0.5
alkfish simulate cases --seed 18 --name case_18 --fields 1 --size 512 --positive-fraction 0
mv cases/case_18 keep && rm -r cases && mkdir cases && mv keep cases/case_18
cp -r case_17 cases/case_17
alkfish score case_17 -o results
alkfish simulate slides --slide 2048 --name slide --seed 19
mv slides/slide/slide.ome.tif . && rm -r slides
"""

TIME_LIMIT_S = 400


def _run_shell(script: str, folder: Path) -> subprocess.CompletedProcess:
    """Run lines as a reader would type them; the first that fails ends all, servers included."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    log = folder.parent / "printed.txt"
    with log.open("w+") as printed:
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder,
            env={**os.environ, "PATH": path, "COLUMNS": "120"},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=TIME_LIMIT_S)
        finally:
            with suppress(ProcessLookupError):  # what was started with & goes on otherwise
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return subprocess.CompletedProcess(script, code, log.read_text("utf-8"))


@pytest.fixture(scope="session")
def run_shell():
    return _run_shell


@pytest.fixture(scope="session")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("documented")
    done = _run_shell(SETTING_UP, folder)
    assert done.returncode == 0, done.stdout
    square = [[200, 200], [1800, 200], [1800, 1800], [200, 1800], [200, 200]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [square]},
        "properties": {"classification": {"name": "Tumor"}},
    }
    collection = {"type": "FeatureCollection", "features": [feature]}
    rows = ["case_id,images,lot,notes", "A,cases/case_17,498512,", "B,cases/case_18,498512,recut"]
    (folder / "cases.csv").write_text("\n".join(rows), "utf-8")
    (folder / "tumour.geojson").write_text(json.dumps(collection), "utf-8")
    return folder


@pytest.fixture
def desk(prepared, tmp_path) -> Path:
    """A copy of it for one page."""
    folder = tmp_path / "desk"
    shutil.copytree(prepared, folder)
    return folder
