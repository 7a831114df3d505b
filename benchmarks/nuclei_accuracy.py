"""Nucleus F1 at IoU 0.5 on real labelled pictures, alkfish beside textbook methods.

Usage: python benchmarks/nuclei_accuracy.py [--data ../shared/data]

All methods run with one set of defaults on every picture, and none is told the pixel size. The Data
Science Bowl 2018 pictures are reported in two random halves: the first was used to fit the weights
of alkfish, the second was not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from scipy import ndimage
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.segmentation import watershed

from alkfish.evaluate.matching import match_labels
from alkfish.segment import segment_nuclei

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

Labels = npt.NDArray[np.int32]
Pair = tuple[str, npt.NDArray[Any], Labels]


def read_pairs(folder: Path) -> list[Pair]:
    """Return name, picture and truth of every ``x.tif`` with ``x_labels.tif``."""
    truths = sorted(folder.glob("*_labels.tif"))
    pictures = [path.with_name(path.name.replace("_labels", "")) for path in truths]
    return [
        (picture.stem, tifffile.imread(picture), tifffile.imread(truth).astype(np.int32))
        for picture, truth in zip(pictures, truths, strict=True)
    ]


def split_halves(count: int) -> tuple[list[int], list[int]]:
    """Return two fixed random halves of the numbers 0..count-1."""
    order = np.random.default_rng(7).permutation(count)
    middle = (count + 1) // 2
    return sorted(map(int, order[:middle])), sorted(map(int, order[middle:]))


def otsu_watershed(dapi: npt.NDArray[Any], min_distance: int) -> Labels:
    """Otsu, filled, split by the watershed of the distance map: the textbook."""
    smooth = ndimage.gaussian_filter(dapi.astype(np.float32), 1)
    mask = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 1)
    peaks = peak_local_max(distance, min_distance=min_distance, labels=ndimage.label(mask)[0])
    seeds = np.zeros(dapi.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(len(peaks)) + 1
    labels: Labels = watershed(-distance, seeds, mask=mask).astype(np.int32)
    return labels


METHODS: dict[str, Callable[[npt.NDArray[Any]], Labels]] = {
    "alkfish": lambda dapi: segment_nuclei(dapi, pixel_size_um=None),
    "otsu + watershed (min distance 5)": lambda dapi: otsu_watershed(dapi, 5),
    "otsu + watershed (min distance 10)": lambda dapi: otsu_watershed(dapi, 10),
}


def measure(pairs: list[Pair], segment: Callable[[npt.NDArray[Any]], Labels]) -> tuple[Any, float]:
    """Return the F1 of every picture and the seconds per megapixel."""
    start = time.process_time()
    found = [segment(picture) for _, picture, _ in pairs]
    seconds = time.process_time() - start
    scores = [match_labels(pair[2], labels).f1 for pair, labels in zip(pairs, found, strict=True)]
    return np.array(scores), seconds / sum(pair[1].size for pair in pairs) * 1e6


def run(data: Path) -> None:
    """Print one line per method."""
    bowl = read_pairs(data / "nuclei" / "dsb2018")
    stardist = read_pairs(data / "nuclei")
    first, second = split_halves(len(bowl))
    segment_nuclei(bowl[0][1], pixel_size_um=None)  # compile, or load what was compiled
    print(f"{'mean F1 @ IoU 0.5':36s} dsb2018  half 1  half 2  median  stardist   s/MP")
    for name, segment in METHODS.items():
        scores, cost = measure(bowl, segment)
        crowded, _ = measure(stardist, segment)
        print(
            f"{name:36s} {scores.mean():7.4f} {scores[first].mean():7.4f} "
            f"{scores[second].mean():7.4f} {np.median(scores):7.4f} {crowded.mean():9.4f} "
            f"{cost:6.3f}"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    run(parser.parse_args().data)
