"""Speed of review in napari on a whole slide: opening, the next nucleus, a decision; memory.

Usage: python benchmarks/review_speed.py [--folder WORK] [--steps 1000] [--side 16640]

Simulates a slide of about 10,000 nuclei, scores it with the command line (both are kept in WORK and
used again), and opens it in a real napari window of 1280 x 800 with all docks, on a virtual screen
(Xvfb, OpenGL by software) if there is no other. Keys do what they do for a reader. A step counts
from the key to the picture that shows it: every layer redrawn, nothing waiting.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import MEGABYTE, describe_machine, print_table

CASE = "review_speed"
SETTLE_S = 60.0
MEMORY_EVERY = 50
REST_S, PACE_S = 0.02, 0.5
"""Between two keys: of one who holds the key down, and of a quick reader.

Without a rest, reading ahead and tiles of the gallery take time from the next step."""
AT_PACE = 100


def main() -> None:
    """Make the case, open the window, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="kept; default: a temporary one")
    parser.add_argument("--side", type=int, default=16640, help="pixels of the slide")
    parser.add_argument("--steps", type=int, default=1000)
    options = parser.parse_args()
    if not os.environ.get("DISPLAY") and sys.platform.startswith("linux"):
        screen = ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]
        os.execvp(screen[0], [*screen, sys.executable, *sys.argv])  # noqa: S606
    if options.folder:
        measure(make_case(options.folder, options.side), options.steps)
        return
    with tempfile.TemporaryDirectory() as name:
        measure(make_case(Path(name), options.side), options.steps)


def make_case(folder: Path, side: int) -> Path:
    """Return the folder of results of the simulated slide; made if it is not there."""
    slide, results = folder / CASE / f"{CASE}.ome.tif", folder / "results"
    alkfish = [sys.executable, "-m", "alkfish"]
    if not slide.exists():
        what = ["--slide", str(side), "--tissue", "1.0", "--seed", "7", "--name", CASE]
        subprocess.run([*alkfish, "simulate", str(folder), *what, "--json"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    if not (results / CASE).exists():
        subprocess.run([*alkfish, "score", str(slide), "-o", str(results), "--json"], check=True,
                       stdout=subprocess.DEVNULL)  # fmt: skip
    for log in results.glob("review.sqlite*"):
        log.unlink()
    return results


class Timer:
    """The open window, and how long a step takes in it.

    Parameters
    ----------
    results : Path
        Folder of results.
    """

    def __init__(self, results: Path) -> None:
        import napari
        from qtpy.QtWidgets import QApplication

        from alkfish.plugin.desk import desk_of

        self.viewer = napari.Viewer(show=False)
        self.viewer.window.show()
        self.viewer.window.resize(1280, 800)
        self.desk = desk_of(self.viewer)
        self.app = QApplication.instance()
        self.canvas = self.viewer.window._qt_viewer.canvas
        self.draws = 0
        self.canvas._scene_canvas.events.draw.connect(self._drawn)
        self.settle()
        self.opened = self.timed(lambda: self.desk.workspace.open(results, reader="A. Reader"))
        self.again = self.timed(lambda: self.desk.workspace.open_case(CASE))

    def _drawn(self, _event: Any) -> None:
        self.draws += 1

    def timed(self, step: Callable[[], object], rest_s: float = 0.0) -> tuple[float, float]:
        """Return wall and CPU seconds of a step until all of it is drawn; then rest."""
        wall, cpu = time.perf_counter(), time.process_time()
        step()
        self.settle(tiles=False)
        spent = time.perf_counter() - wall, time.process_time() - cpu
        stop = time.perf_counter() + rest_s
        while time.perf_counter() < stop:
            self.app.processEvents()
            time.sleep(0.005)
        return spent

    def settle(self, *, tiles: bool = True) -> None:
        """Wait until nothing is drawn any more; with `tiles`, also until the gallery is filled."""
        quiet, stop = 0, time.perf_counter() + SETTLE_S
        while quiet < 2 and time.perf_counter() < stop:
            before = self.draws
            self.app.sendPostedEvents()
            self.app.processEvents()
            busy = tiles and self.desk.gallery.worker.n_waiting > 0
            quiet = 0 if busy or self.draws != before else quiet + 1

    def key(self, name: str) -> Callable[[], None]:
        """Return a function that does what the key of an action does."""
        from alkfish.plugin.keys import BY_NAME

        return lambda: self.desk.press(BY_NAME[name])


def measure(results: Path, steps: int) -> None:
    """Open the case, step through it, decide, and print the tables."""
    import psutil

    from alkfish.review import ReadMode

    print(describe_machine(("napari", "PySide6-Essentials", "vispy")))
    window = Timer(results)
    session = window.desk.workspace.session
    rows = [
        ["open the folder and its case, in a new window", *_seconds([window.opened])],
        ["open a case from the worklist", *_seconds([window.again])],
    ]
    window.timed(lambda: session.start_read(ReadMode.FULL))
    window.desk.workspace.session.set_order("position")
    memory, process = [], psutil.Process()
    spent = []
    for number in range(steps):
        if number % MEMORY_EVERY == 0:
            memory.append(process.memory_info().rss / MEGABYTE)
            print(f"{number} steps: {memory[-1]:.0f} MB", file=sys.stderr, flush=True)
        spent.append(window.timed(window.key("next"), REST_S))
    memory.append(process.memory_info().rss / MEGABYTE)
    rows.append([f"next nucleus, {steps} times, one after the other", *_seconds(spent)])
    for words, name in (("next nucleus", "next"), ("decision and next nucleus", "fused")):
        calm = [window.timed(window.key(name), PACE_S) for _ in range(min(steps, AT_PACE))]
        rows.append([f"{words}, {len(calm)} times, every {PACE_S:g} s", *_seconds(calm)])
    heads = ["step", "wall median s", "wall p95 s", "CPU median s", "CPU p95 s"]
    n = len(session.keys)
    print_table(f"Review of {n:,} nuclei in a window of 1280 x 800", heads, rows)
    heads = ["after steps", *(str(k * MEMORY_EVERY) for k in range(len(memory) - 1)), str(steps)]
    print_table("Resident memory", heads, [["MB", *(f"{each:.0f}" for each in memory)]])
    window.viewer.close()


def _seconds(spent: list[tuple[float, float]]) -> list[str]:
    """Return median and 95th percentile of wall and CPU seconds as text."""
    found = []
    for values in zip(*spent, strict=True):
        ordered = sorted(values)
        found += [
            statistics.median(ordered),
            ordered[min(len(ordered) - 1, 95 * len(ordered) // 100)],
        ]
    return [f"{value:.3f}" for value in found]


if __name__ == "__main__":
    main()
