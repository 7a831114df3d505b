"""Spots painted on real cell and tissue background: F1 at 3 px, alkfish beside its peers.

Usage: python benchmarks/spots_real_background.py [--data ../shared/data] [--ufish MODEL.onnx]

Every method runs with one set of defaults on all pictures. Peers are told the true width of the
spots; alkfish is told nothing, not even the pixel size.
"""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from harness import DEFAULT_DATA, cpu_seconds, describe_machine, print_table

# isort: split
import numpy as np
import tifffile
from peers import (
    BLOB_LOG,
    DAO,
    Detector,
    Image,
    Optics,
    Points,
    find_blob_log,
    find_dao,
    load_detectors,
    quiet,
)

from alkfish.evaluate import PointMatch, match_points

PAINTED = Optics(sigma_px=1.75, pixel_size_um=None)
BEADS = Optics(sigma_px=1.05, pixel_size_um=None)
SWEEPS = {
    BLOB_LOG: (find_blob_log, (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 17.0, 22.0)),
    DAO: (find_dao, (0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 4.0, 5.0, 7.0)),
}
"""Thresholds to try, in the units of each detector."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture with its true spots; SNR 0 stands for the beads."""

    snr: int
    image: Image
    truth: Points


def read_pictures(folder: Path) -> list[Picture]:
    """Return the painted pictures and the beads of `folder`."""
    paths = [*sorted(folder.glob("synth_*.tif")), *folder.glob("beads_*.tif")]
    return [_read(path) for path in paths]


def _read(path: Path) -> Picture:
    found = re.search(r"snr(\d+)", path.stem)
    table = np.loadtxt(path.with_suffix(".csv"), delimiter=",", skiprows=1, ndmin=2)
    return Picture(int(found[1]) if found else 0, tifffile.imread(path), table[:, ::-1])


def optics(picture: Picture) -> Optics:
    """Return what peers are told about a picture."""
    return PAINTED if picture.snr else BEADS


def match(detector: Detector, picture: Picture) -> PointMatch:
    """Return the spots of one picture against its truth."""
    return match_points(picture.truth, quiet(detector.find, picture.image, optics(picture)))


def best_of_sweep(detector: Detector, picture: Picture) -> PointMatch:
    """Return the best that a detector reaches when someone knows the truth of each picture."""
    find, thresholds = SWEEPS[detector]
    tries = (
        match(replace(detector, find=partial(find, threshold_sd=threshold)), picture)
        for threshold in thresholds
    )
    return max(tries, key=lambda found: found.f1)


def measure(detector: Detector, pictures: list[Picture]) -> list[str]:
    """Return the cells of a detector at its defaults."""
    match(detector, pictures[0])  # loads or compiles what it needs
    seconds, matches = cpu_seconds(lambda: [match(detector, picture) for picture in pictures])
    return row(detector.name, pictures, matches, f"{1000 * seconds / len(pictures):.0f}")


def row(name: str, pictures: list[Picture], matches: list[PointMatch], cost: str) -> list[str]:
    """Return the cells of one method."""
    snr = np.array([picture.snr for picture in pictures])
    f1, precision, recall, rmse = (
        np.array([getattr(found, key) for found in matches])
        for key in ("f1", "precision", "recall", "rmse_px")
    )
    clear, painted = snr >= 10, snr > 0
    groups = [*(snr == level for level in (5, 10, 15, 20)), clear, painted, snr == 0]
    cells = [f"{f1[group].mean():.3f}" if group.any() else "-" for group in groups]
    detail = [f"{values[painted].mean():.3f}" for values in (precision, recall)]
    return [name, *cells, *detail, f"{rmse[clear].mean():.2f}", cost]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="folder that holds spots/")
    parser.add_argument("--ufish", type=Path, help="network of U-FISH (ONNX)")
    parser.add_argument("--quick", action="store_true", help="two pictures, few peers, no sweep")
    args = parser.parse_args()
    pictures = read_pictures(args.data / "spots")
    if not pictures:
        parser.error(f"no pictures in {args.data / 'spots'}; give the folder with --data")
    pictures = pictures[1:3] if args.quick else pictures
    detectors = load_detectors(quick=args.quick, ufish=args.ufish)
    rows = [measure(detector, pictures) for detector in detectors]
    for detector in () if args.quick else SWEEPS:
        best = [best_of_sweep(detector, picture) for picture in pictures]
        name = detector.name.split(",")[0]
        rows.append(row(f"{name}, best threshold of each picture", pictures, best, "-"))
    print(describe_machine([detector.package for detector in detectors[1:]]))
    print_table(
        f"F1 @ 3 px on {len(pictures)} pictures",
        ["method", "SNR 5", "10", "15", "20", "mean >= 10", "all painted", "beads", "precision",
         "recall", "rmse px", "CPU ms"],
        rows,
    )  # fmt: skip


if __name__ == "__main__":
    main()
