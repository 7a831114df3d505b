"""Throughput and memory of `alkfish score` on whole slides, end to end.

Usage: python benchmarks/slide_throughput.py SLIDE... [--workers 2] [--repeats 1]

Each slide is scored by the command line as a user would start it: opening, tissue, scoring, tables,
labels with their pyramid and checksums included. Make slides with, for example:

    alkfish simulate slides --slide 32768

MPix/s counts the pixels of one channel plane of the whole slide; three channels are read.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from harness import MEGABYTE, describe_machine, print_table

from alkfish.io.images import open_case

POLL_S = 0.2


@dataclass(frozen=True)
class Run:
    """What one run of the command needed."""

    seconds: float
    cpu_seconds: float
    peak_main_mb: float
    peak_worker_mb: float
    n_nuclei: int
    call: str


def run_once(slide: Path, workers: int) -> Run:
    """Score a slide with the command line and watch its processes."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "alkfish", "score", str(slide), "-o", out, "--json"]
        start, cpu = time.perf_counter(), children_cpu()
        with subprocess.Popen(
            [*command, "--workers", str(workers)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            main_mb = worker_mb = 0.0
            while process.poll() is None:
                own, children = resident_mb(process.pid)
                main_mb, worker_mb = max(main_mb, own), max(worker_mb, children)
                time.sleep(POLL_S)
            seconds = time.perf_counter() - start
            text, complaint = process.communicate()
        if process.returncode != 0:
            raise SystemExit(complaint.decode())
        case = json.loads(text)["cases"][0]
    used = children_cpu() - cpu
    return Run(seconds, used, main_mb, worker_mb, case["n_nuclei"], case["call"])


def children_cpu() -> float:
    """Return the CPU seconds of all processes that have ended below this one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def resident_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process, and that of its largest descendant, in MB."""
    try:
        main = psutil.Process(pid)
        children = main.children(recursive=True)
        own = main.memory_info().rss / MEGABYTE
    except psutil.NoSuchProcess:
        return 0.0, 0.0
    largest = 0.0
    for child in children:
        try:
            largest = max(largest, child.memory_info().rss / MEGABYTE)
        except psutil.NoSuchProcess:
            continue
    return own, largest


def main() -> None:
    """Score the slides and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slides", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    print(describe_machine())
    rows = []
    for slide in options.slides:
        height, width = open_case(slide).fields[0].shape
        runs = [run_once(slide, options.workers) for _ in range(options.repeats)]
        best = min(runs, key=lambda run: run.seconds)
        mpix = height * width / 1e6
        rows.append(
            [
                slide.name,
                f"{width} x {height}",
                f"{slide.stat().st_size / 1e6:.0f}",
                f"{best.n_nuclei:,}",
                best.call,
                f"{best.seconds:.1f}",
                f"{mpix / best.seconds:.1f}",
                f"{best.cpu_seconds:.1f}",
                f"{max(run.peak_main_mb for run in runs):.0f}",
                f"{max(run.peak_worker_mb for run in runs):.0f}",
            ]
        )
    heads = ["slide", "px", "MB", "nuclei", "call", "s", "MPix/s", "CPU s", "main MB", "worker MB"]
    print_table(f"Whole slides, {options.workers} workers", heads, rows)


if __name__ == "__main__":
    main()
