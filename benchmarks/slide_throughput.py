"""Throughput and memory of `alkfish score` on whole slides, end to end.

Usage: python benchmarks/slide_throughput.py SLIDE... [--workers 2] [--repeats 1]

Each slide is scored by the command line as a user would start it: opening, tissue, scoring, tables,
labels with their pyramid and checksums included. Make slides with, for example:

    alkfish simulate slides --slide 32768

MPix/s counts the pixels of one channel plane of the whole slide; three channels are read. Memory of
workers counts pages that they share with the process they are forked from.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
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
        start, watch = time.perf_counter(), Watch()
        with subprocess.Popen(
            [*command, "--workers", str(workers)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            while process.poll() is None:
                watch.look(process.pid)
                time.sleep(POLL_S)
            seconds = time.perf_counter() - start
            text, complaint = process.communicate()
        if process.returncode != 0:
            raise SystemExit(complaint.decode())
        case = json.loads(text)["cases"][0]
    return Run(
        seconds, watch.cpu_seconds, watch.main_mb, watch.worker_mb, case["n_nuclei"], case["call"]
    )


class Watch:
    """What a program and all processes below it use, as seen now and then.

    The operating system adds up the time of processes that somebody waited for; workers are forked
    from a server that nobody waits for, so that their times are read while they live.
    """

    def __init__(self) -> None:
        self.main_mb = self.worker_mb = 0.0
        self._cpu: dict[tuple[int, float], float] = {}

    @property
    def cpu_seconds(self) -> float:
        """User and system time of all processes seen so far."""
        return sum(self._cpu.values())

    def look(self, pid: int) -> None:
        """Note time and resident memory of a process and its descendants."""
        try:
            main = psutil.Process(pid)
            self.main_mb = max(self.main_mb, self._note(main))
            for child in main.children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    self.worker_mb = max(self.worker_mb, self._note(child))
        except psutil.NoSuchProcess:
            return

    def _note(self, process: psutil.Process) -> float:
        with process.oneshot():
            times = process.cpu_times()
            self._cpu[process.pid, process.create_time()] = times.user + times.system
            return float(process.memory_info().rss / MEGABYTE)


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
