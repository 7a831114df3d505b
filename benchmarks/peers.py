"""Spot detectors and nucleus segmenters that users could pick instead of alkfish.

Each is used as its documentation suggests, with its automatic threshold where it has one. Peers are
told the true size of the spots or nuclei; alkfish is told the pixel size only, or nothing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Image = npt.NDArray[Any]
Labels = npt.NDArray[np.int32]
Points = npt.NDArray[np.float64]

MAD_TO_SD = 1.4826
FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
NUCLEUS_UM = 11.0


@dataclass(frozen=True)
class Optics:
    """What is known of a picture: sigma of its spots, and the pixel size if that is known."""

    sigma_px: float
    pixel_size_um: float | None


@dataclass(frozen=True)
class Detector:
    """A spot detector: its name, what it imports, the package to name with a version."""

    name: str
    module: str
    package: str
    find: Callable[[Image, Optics], Points]


def as_points(y_px: Any, x_px: Any) -> Points:
    """Return coordinates as float64 of shape (N, 2)."""
    return np.stack([np.asarray(y_px, np.float64), np.asarray(x_px, np.float64)], axis=1)


def find_alkfish(image: Image, optics: Optics) -> Points:
    """Run alkfish at its defaults on one channel by itself."""
    from alkfish.detect import detect_spots

    table = detect_spots(image, pixel_size_um=optics.pixel_size_um)
    return as_points(table.y_px, table.x_px)


def find_blob_log(image: Image, optics: Optics, *, threshold_sd: float = 6.0) -> Points:
    """Run scikit-image `blob_log` at three sizes around the true one.

    It has no automatic threshold: `threshold_sd` robust standard deviations of the response.
    """
    from skimage.feature import blob_log

    raw, sigma = image.astype(np.float32), optics.sigma_px
    response = ndimage.gaussian_laplace(raw[::2, ::2], sigma / 2) * (sigma / 2) ** 2
    spread = MAD_TO_SD * float(np.median(np.abs(response - np.median(response))))
    found = blob_log(
        raw, min_sigma=0.8 * sigma, max_sigma=1.25 * sigma, num_sigma=3,
        threshold=threshold_sd * spread,
    )  # fmt: skip
    return as_points(found[:, 0], found[:, 1])


def find_big_fish(image: Image, optics: Optics) -> Points:
    """Run big-fish `detect_spots` with its automatic threshold."""
    from bigfish.detection import detect_spots

    size = (optics.sigma_px, optics.sigma_px)
    found = detect_spots(image, log_kernel_size=size, minimum_distance=size)
    return as_points(found[:, 0], found[:, 1])


def find_trackpy(image: Image, optics: Optics) -> Points:
    """Run trackpy `locate`, which has no automatic limit: Otsu's on the mass of the features."""
    import trackpy
    from skimage.filters import threshold_otsu

    diameter = 2 * round(1.5 * optics.sigma_px) + 1
    found = trackpy.locate(image, max(diameter, 3))
    if len(found) > 1:
        found = found[found["mass"] > threshold_otsu(found["mass"].to_numpy())]
    return as_points(found["y"], found["x"])


def find_dao(image: Image, optics: Optics, *, threshold_sd: float = 5.0) -> Points:
    """Run photutils `DAOStarFinder` above a background mesh of 64 px.

    `threshold_sd` is in the mesh's sigma-clipped standard deviations.
    """
    from photutils.background import Background2D
    from photutils.detection import DAOStarFinder

    raw = image.astype(np.float64)
    ground = Background2D(raw, (64, 64))
    threshold = threshold_sd * float(ground.background_rms_median)
    finder = DAOStarFinder(threshold, FWHM * optics.sigma_px)
    found = finder(raw - ground.background)
    if found is None:
        return np.empty((0, 2))
    return as_points(found["y_centroid"], found["x_centroid"])


def find_ufish(image: Image, optics: Optics, *, model: Path) -> Points:  # noqa: ARG001
    """Run the network of U-FISH on the CPU; it needs neither size nor threshold.

    Its own recipe: scaled to 0-255 unless outliers dominate, then peaks of the Laplacian of the
    enhanced picture above 0.5.
    """
    from skimage.filters import laplace
    from skimage.morphology import local_maxima

    raw = image.astype(np.float32)
    low, top = float(raw.min()), float(raw.max())
    usual = float(np.quantile(raw, 0.9999))
    if top - usual > usual:
        low, top = 0.0, usual
    scaled = np.clip((raw - low) / max(top - low, 1e-6), 0.0, 1.0) * np.float32(255)
    session = _ufish_session(model)
    feed = {session.get_inputs()[0].name: scaled[None, None].astype(np.float32)}
    sharp = laplace(session.run(None, feed)[0][0, 0])
    y, x = np.nonzero(local_maxima(sharp, connectivity=2) & (sharp > 0.5))
    return as_points(y, x)


@lru_cache(maxsize=1)
def _ufish_session(model: Path) -> Any:
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def find_ufish_model() -> Path | None:
    """Return the network that the package `ufish` holds, without importing the package."""
    spec = find_spec("ufish")
    folders = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return next((path for folder in folders for path in sorted(folder.rglob("*.onnx"))), None)


ALKFISH = Detector("alkfish", "alkfish", "alkfish", find_alkfish)
BLOB_LOG = Detector(
    "scikit-image blob_log, 6 MAD", "skimage.feature", "scikit-image", find_blob_log
)
DAO = Detector("photutils DAOStarFinder, 5 sd", "photutils.detection", "photutils", find_dao)
_OTHERS = (
    Detector("big-fish detect_spots, automatic", "bigfish.detection", "big-fish", find_big_fish),
    Detector("trackpy locate, Otsu", "trackpy", "trackpy", find_trackpy),
    DAO,
)


def load_detectors(*, quick: bool = False, ufish: Path | None = None) -> list[Detector]:
    """Return the detectors that can be imported, alkfish first; print a note on the others.

    Parameters
    ----------
    quick : bool
        Only alkfish and scikit-image.
    ufish : path-like, optional
        Network of U-FISH; looked for in the installed package `ufish` if left out.
    """
    if quick:
        return [ALKFISH, BLOB_LOG]
    wanted: list[Detector] = [ALKFISH, BLOB_LOG, *_OTHERS]
    model = ufish or find_ufish_model()
    if model is None:
        print("\nSkipped U-FISH: `pip install --no-deps ufish==0.1.1`, or give --ufish MODEL.onnx")
    else:
        find = partial(find_ufish, model=model)
        wanted.append(Detector("U-FISH 0.1.1, ONNX", "onnxruntime", "onnxruntime", find))
    return list(_importable(wanted))


def _importable(detectors: Iterable[Detector]) -> Iterable[Detector]:
    for detector in detectors:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import_module(detector.module)
            except ImportError as error:
                print(f"\nSkipped {detector.name}: {error}; `pip install 'alkfish[benchmark]'`")
                continue
        yield detector


def quiet(find: Callable[[Image, Optics], Points], image: Image, optics: Optics) -> Points:
    """Call a detector without its warnings and progress messages."""
    import logging

    logging.getLogger("trackpy").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return find(image, optics)


def segment_alkfish(dapi: Image, pixel_size_um: float) -> Labels:
    """Run alkfish at its defaults."""
    from alkfish.segment import segment_nuclei

    return segment_nuclei(dapi, pixel_size_um=pixel_size_um)


def segment_otsu(dapi: Image, pixel_size_um: float) -> Labels:
    """Follow the textbook: Gaussian, Otsu, holes filled, watershed of the distance map."""
    smooth = ndimage.gaussian_filter(dapi.astype(np.float32), 0.2 / pixel_size_um)
    return _split(smooth, pixel_size_um)


def segment_log_otsu(dapi: Image, pixel_size_um: float) -> Labels:
    """Do the same on log intensity over the local background, which keeps dim nuclei."""
    smooth = ndimage.gaussian_filter(dapi.astype(np.float32), 0.2 / pixel_size_um)
    step = 8
    nucleus = NUCLEUS_UM / pixel_size_um / step
    ground = ndimage.minimum_filter(smooth[::step, ::step], max(3, int(2 * nucleus)))
    ground = ndimage.gaussian_filter(ground, nucleus)
    ground = np.kron(ground, np.ones((step, step), np.float32))[: dapi.shape[0], : dapi.shape[1]]
    over = np.maximum(smooth - ground, 0.0)
    return _split(np.log(over + 0.1 * np.median(ground) + 1.0), pixel_size_um)


def _split(smooth: npt.NDArray[np.float32], pixel_size_um: float) -> Labels:
    from skimage.feature import peak_local_max
    from skimage.filters import threshold_otsu
    from skimage.morphology import remove_small_objects
    from skimage.segmentation import watershed

    mask = ndimage.binary_fill_holes(smooth > threshold_otsu(smooth))
    smallest = round(0.05 * math.pi / 4 * (NUCLEUS_UM / pixel_size_um) ** 2)
    mask = remove_small_objects(mask, max_size=smallest)
    distance = ndimage.gaussian_filter(ndimage.distance_transform_edt(mask), 0.4 / pixel_size_um)
    near = max(1, round(NUCLEUS_UM / 4 / pixel_size_um))
    peaks = peak_local_max(distance, min_distance=near, labels=ndimage.label(mask)[0])
    seeds = np.zeros(mask.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(len(peaks)) + 1
    labels: Labels = watershed(-distance, seeds, mask=mask).astype(np.int32)
    return labels


SEGMENTERS: dict[str, Callable[..., Labels]] = {
    "alkfish": segment_alkfish,
    "scikit-image Otsu + watershed": segment_otsu,
    "scikit-image log Otsu + watershed": segment_log_otsu,
}
