"""Time and memory of scoring one field in memory on one core, by stage, size and nuclei.

Usage: python benchmarks/speed.py

Times are CPU seconds of the process, the least of several repeats: other programs on the machine
change them little. The first use is measured in fresh processes with an empty compile cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import (
    Array,
    cpu_seconds,
    describe_machine,
    extra_peak_mb,
    print_table,
    repeated_seconds,
)

# isort: split
import numpy as np

from alkfish.detect import detect_channel
from alkfish.model.fov import FieldOfView
from alkfish.model.result import FieldResult
from alkfish.pipeline import score_fov
from alkfish.segment import find_nuclei
from alkfish.synthetic import LEVELS, Level, simulate_field

PIXEL_UM = 0.1
SEED = 201
COVERAGES = (0.02, 0.1, 0.2, 0.35, 0.5)
FIRST_USE = """
import sys, time
import numpy
from alkfish import FieldOfView, score_fov
planes = numpy.load(sys.argv[1])
score_fov(FieldOfView(dapi=planes[0], three_prime=planes[1], five_prime=planes[2],
                      pixel_size_um=float(sys.argv[2])))
print(time.process_time())
"""
"""Scores a field in a fresh process and prints its CPU seconds, import included."""


def make_field(side: int, level: str | Level = "typical") -> FieldOfView:
    """Return a simulated square field."""
    simulated = simulate_field(level, seed=SEED, shape=(side, side), pixel_size_um=PIXEL_UM)
    return simulated.fov


def as_planes(fov: FieldOfView) -> Array:
    """Return DAPI, 3' and 5' as one array of shape (3, H, W)."""
    return np.stack([fov.dapi, fov.three_prime, fov.five_prime])


def score_planes(planes: Array) -> FieldResult:
    """Score planes of shape (3, H, W)."""
    return score_fov(
        FieldOfView(
            dapi=planes[0], three_prime=planes[1], five_prime=planes[2], pixel_size_um=PIXEL_UM
        )
    )


def stage_rows(fov: FieldOfView, repeats: int) -> list[list[str]]:
    """Return the CPU time of each stage of a warm run; the rest is the total less the others."""
    stages = {
        "nuclei": lambda: find_nuclei(fov.dapi, pixel_size_um=PIXEL_UM),
        "spots 3'": lambda: detect_channel(fov.three_prime, pixel_size_um=PIXEL_UM),
        "spots 5'": lambda: detect_channel(fov.five_prime, pixel_size_um=PIXEL_UM),
        "score_fov, all": lambda: score_fov(fov),
    }
    rounds = [{n: cpu_seconds(call)[0] for n, call in stages.items()} for _ in range(repeats + 1)]
    times = {name: [one[name] for one in rounds[1:]] for name in stages}
    least = {name: min(seconds) for name, seconds in times.items()}
    usual = {name: float(np.median(seconds)) for name, seconds in times.items()}
    rest = "shift, crosstalk, pairing, tables"
    for figures in (least, usual):
        total = figures.pop("score_fov, all")
        figures[rest] = total - sum(figures.values())
        figures["score_fov, all"] = total
    return [[name, f"{1000 * least[name]:.1f}", f"{1000 * usual[name]:.1f}"] for name in least]


def first_use_rows(fov: FieldOfView) -> list[list[str]]:
    """Return wall and CPU seconds, import included, of fresh processes that share one cache."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "planes.npy"
        np.save(path, as_planes(fov))
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(Path(folder) / "cache")}
        command = [sys.executable, "-c", FIRST_USE, str(path), str(PIXEL_UM)]
        for name in ("first process, empty compile cache", "second process", "third process"):
            start = time.perf_counter()
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )
            whole = time.perf_counter() - start
            rows.append([name, f"{whole:.1f}", f"{float(done.stdout):.1f}"])
    return rows


def scaling_row(fov: FieldOfView, repeats: int) -> list[str]:
    """Return size, nuclei, spots, time and time per megapixel of one field."""
    result = score_fov(fov)
    seconds = min(repeated_seconds(lambda: score_fov(fov), repeats))
    pixels = fov.dapi.size
    counts = [str(len(result.nuclei)), str(len(result.spots))]
    size = f"{fov.shape[0]} x {fov.shape[1]}"
    return [size, *counts, f"{1000 * seconds:.0f}", f"{1e9 * seconds / pixels:.1f}"]


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="of each timed call")
    parser.add_argument("--quick", action="store_true", help="small fields, no fresh processes")
    args = parser.parse_args()
    side, repeats = (256, 2) if args.quick else (2048, args.repeats)
    print(describe_machine())
    fov = make_field(side)
    print_table(
        f"One field of {side} x {side} x 3, warm, one core",
        ["stage", f"CPU ms, least of {repeats}", "median"],
        stage_rows(fov, repeats),
    )
    if not args.quick:
        used = extra_peak_mb(score_planes, as_planes(fov))
        print(f"\nPeak memory above the loaded picture: {used} MB.")
        print_table("First use", ["process", "wall s", "CPU s"], first_use_rows(fov))
    steps, shares = ((1, 2), COVERAGES[:2]) if args.quick else ((1, 2, 4), COVERAGES)
    header = ["field", "nuclei", "spots", "CPU ms", "ms per megapixel"]
    print_table(
        "Cost against pixels, level typical",
        header,
        [scaling_row(make_field(side * n // 2), max(2, repeats // n)) for n in steps],
    )
    covered = [LEVELS["typical"].with_(coverage=share) for share in shares]
    print_table(
        "Cost against nuclei, at fixed pixels",
        header,
        [scaling_row(make_field(side, level), max(2, repeats // 2)) for level in covered],
    )


if __name__ == "__main__":
    main()
