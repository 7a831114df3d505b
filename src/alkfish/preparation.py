"""The first run after installing: kernels are compiled once, on two processors at a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_WARM_DETECTION = "from alkfish.preparation import warm_detection; warm_detection()"


def prepare_kernels(announce: Callable[[str], None]) -> None:
    """Compile all kernels and announce it, if this has not been done yet.

    Detection is compiled by a second process while this one compiles segmentation; both leave
    their code in numba's cache on disk. If the second process fails, its part is compiled later.
    """
    if _is_prepared():
        return
    announce("preparing, first run only: compiling the numerical kernels")
    command = [sys.executable, "-c", _WARM_DETECTION]
    with subprocess.Popen(  # noqa: S603 - our own interpreter and our own text
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ):
        warm_segmentation()


def warm_segmentation() -> None:
    """Run segmentation once on a small simulated field."""
    from alkfish.segment import find_nuclei
    from alkfish.synthetic.field import simulate_field

    fov = simulate_field("typical", seed=0, shape=(400, 400), pixel_size_um=0.16).fov
    find_nuclei(fov.dapi, pixel_size_um=fov.pixel_size_um)


def warm_detection() -> None:
    """Run detection and what is measured between the channels once on a small simulated field."""
    from alkfish.detect import bleed_ratios, detect_channel, unresolved_spots
    from alkfish.synthetic.field import simulate_field

    field = simulate_field("typical", seed=0, shape=(400, 400), pixel_size_um=0.16)
    size = field.fov.pixel_size_um
    planes = field.fov.three_prime, field.fov.five_prime
    three, five = (detect_channel(plane, pixel_size_um=size) for plane in planes)
    bleed_ratios(three, five, planes[1], pixel_size_um=size)
    unresolved_spots(planes[0], three, field.labels, pixel_size_um=size)


def _is_prepared() -> bool:
    """Return whether the largest kernel has been compiled by an earlier run."""
    from alkfish.detect.fitting import fit_spots

    stats = getattr(fit_spots, "stats", None)
    if stats is None:
        return True
    return any(Path(stats.cache_path).glob("fitting.fit_spots-*.nbi"))
