"""The benchmark scripts run; what they measure is not tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the benchmarks compare with scikit-image")

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
HEADINGS = {
    "speed.py": ["One field of", "Cost against pixels", "Cost against nuclei"],
    "compare_peers.py": ["Spots: ", "Nuclei: ", "Patterns per nucleus", "Spots reported"],
    "spots_real_background.py": ["F1 @ 3 px on 2 pictures"],
}


@pytest.mark.parametrize("script", HEADINGS)
def test_quick_run_prints_its_tables(script):
    if script == "spots_real_background.py" and not (DATA / "spots").is_dir():
        pytest.skip("the public pictures are not here")
    done = subprocess.run(
        [sys.executable, f"benchmarks/{script}", "--quick"],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "utf-8"}, capture_output=True, text=True,
        encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    tables = done.stdout.split("### ")[1:]
    assert len(tables) == len(HEADINGS[script])
    for table, title in zip(tables, HEADINGS[script], strict=True):
        assert table.startswith(title)
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len(rows) >= 3
        assert len({row.count("|") for row in rows}) == 1
