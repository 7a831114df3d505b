"""What the benchmarks share: one core, CPU time, memory of a fresh process, Markdown tables.

Import it before numpy: libraries read the thread limits when they load.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import gc
import multiprocessing
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

cv2.setNumThreads(1)

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
"""Public pictures; see ``docs/benchmarks.md`` for what they are."""

CORE_PACKAGES = ("alkfish", "numpy", "scipy", "numba", "opencv-python-headless")
WARM_PX = 256
MEGABYTE = 1e6

Array = npt.NDArray[Any]
_STATUS = Path("/proc/self/status")


def cpu_seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of this process, all threads together, and the answer of `call`."""
    start = time.process_time()
    answer = call()
    return time.process_time() - start, answer


def repeated_seconds(call: Callable[[], Any], repeats: int) -> list[float]:
    """Return the CPU seconds of each of `repeats` calls."""
    return [cpu_seconds(call)[0] for _ in range(repeats)]


def extra_peak_mb(call: Callable[[Array], Any], picture: Array) -> str:
    """Return by how much `call(picture)` raises the peak memory of a fresh process, in MB.

    The fresh process first calls it on a corner of the picture, so that libraries, compiled code
    and models are loaded, then loads the picture; what is resident at that moment is not counted.

    Parameters
    ----------
    call : callable
        Picklable: a function of a module, or a `functools.partial` of one.
    picture : ndarray of shape (..., H, W)
        Its argument.

    Returns
    -------
    str
        Whole megabytes; ``-`` where the system does not tell a process its peak (not Linux).
    """
    if not _STATUS.exists():
        return "-"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.npy"
        np.save(path, picture)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=1, mp_context=context) as pool:
            return f"{pool.submit(_extra_peak_here, call, path).result():.0f}"


def _extra_peak_here(call: Callable[[Array], Any], path: Path) -> float:
    call(np.load(path, mmap_mode="r")[..., :WARM_PX, :WARM_PX].copy())
    picture = np.load(path)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is resident
    before = _status_mb("VmRSS")
    call(picture)
    return max(_status_mb("VmHWM") - before, 0.0)


def _status_mb(key: str) -> float:
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith(key))
    return float(line.split()[1]) * 1024 / MEGABYTE


def describe_machine(packages: Sequence[str] = ()) -> str:
    """Return one line with the versions of Python and packages, and the number of cores."""
    known = [f"{name} {found}" for name in (*CORE_PACKAGES, *packages) if (found := _version(name))]
    return f"Python {platform.python_version()}, {', '.join(known)}; {os.cpu_count()} cores."


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table under a heading; the first column is left, the others right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n### {title}\n", line(header), line(rule), *map(line, rows), sep="\n", flush=True)
