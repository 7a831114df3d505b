"""What the error of positions comes from: `hard` fields with one cause at a time switched off.

Usage: python benchmarks/position_error.py [--fields 4] [--side 1024] [--first-seed 95001]

The same seeds are simulated with each change and scored with the defaults, both channels together.
The error is the rms distance of matched spots within 3 px, as everywhere.

`least possible` is the Cramer-Rao bound of the same spots: what shot and read noise leave to any
unbiased method that knows the model (Gaussian spots on tilted ground, neighbours within 1 um
known in number, widths known to a tenth) and fits place, brightness and width. Prints Markdown.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from harness import describe_machine, print_table

# isort: split
import numpy as np
import numpy.typing as npt

import alkfish
from alkfish.evaluate.matching import match_points
from alkfish.synthetic import simulate_field
from alkfish.synthetic.levels import LEVELS, Level

CAUSES: dict[str, dict[str, Any]] = {
    "hard as it is": {},
    "twice the light of spots": {"spot_photons": 12_000.0},
    "all spots in focus": {"defocus_slope": 0.0},
    "no light of other channels": {
        "red_into_green": 0.0, "green_into_red": 0.0, "dapi_into_green": 0.0,
    },
    "no debris or granules": {"debris": 0.0, "granules": 0.0},
    "even background": {"autofluorescence": 0.0, "gradient": 0.0, "vignetting": 0.0},
    "no haze over nuclei": {"nuclear_haze": 0.0},
    "no doublets, no gain": {"doublet_share": 0.0, "gain_share": 0.0},
}  # fmt: skip


MATCH_PX = 3.0

NEIGHBOUR_PX = 10.0
"""Spots this close are fitted together in the bound."""

WIDTH_KNOWN = 0.1
"""Relative standard deviation to which widths are known beforehand in the bound."""

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Channel:
    """What is true of the spots of one end: places (N, 2), widths and heights in px and counts."""

    places: Array
    sigma: Array
    height: Array
    variance: Array

    def spread(self, k: int) -> float:
        """Return the least possible rms distance of spot `k` in pixels."""
        y0, x0 = np.rint(self.places[k]).astype(int)
        reach = int(np.ceil(3.0 * self.sigma[k]))
        top, left = max(0, y0 - reach), max(0, x0 - reach)
        part = self.variance[top : y0 + reach + 1, left : x0 + reach + 1]
        grid = np.indices(part.shape).reshape(2, -1).astype(float)
        y, x, weight = grid[0] + top, grid[1] + left, 1.0 / part.ravel()
        apart = np.linalg.norm(self.places - self.places[k], axis=1)
        together = [k, *np.flatnonzero((apart <= NEIGHBOUR_PX) & (apart > 0))]
        slopes = [part for spot in together for part in self._slopes(spot, y, x)]
        j = np.stack([*slopes, np.ones_like(y), y - y0, x - x0])
        information = (j * weight) @ j.T
        for place, spot in enumerate(together):
            information[4 * place + 3, 4 * place + 3] += (WIDTH_KNOWN * self.sigma[spot]) ** -2
        covariance = np.linalg.pinv(information, hermitian=True)
        return float(np.sqrt(covariance[0, 0] + covariance[1, 1]))

    def _slopes(self, k: int, y: Array, x: Array) -> list[Array]:
        """Return the derivatives of a spot's light by y, x, height and width."""
        dy, dx, sigma = y - self.places[k, 0], x - self.places[k, 1], self.sigma[k]
        square = dy**2 + dx**2
        shape = np.exp(-square / (2.0 * sigma**2))
        light = self.height[k] * shape
        return [light * dy / sigma**2, light * dx / sigma**2, shape, light * square / sigma**3]


def errors_of(level: Level, seed: int, side: int) -> tuple[Array, Array]:
    """Return distance and least possible spread of the matched spots of both ends of a field."""
    field = simulate_field(level, seed=seed, shape=(side, side))
    lit = simulate_field(level.with_(vignetting=0.0), seed=seed, shape=(side, side))
    lamp = field.clean["dapi"] / np.maximum(lit.clean["dapi"], 1e-6)
    spots, distances, bounds = alkfish.score_fov(field.fov).spots, [], []
    for end, channel in (("3p", "three_prime"), ("5p", "five_prime")):
        true, found = (
            np.stack([t.y_px, t.x_px], axis=1)[t.end == end] for t in (field.spots, spots)
        )
        here = field.spots.end == end
        truth = Channel(
            places=true,
            sigma=field.spots.diameter_um[here] / FWHM_PER_SIGMA / field.fov.pixel_size_um,
            height=field.spots.amplitude[here] * lamp[tuple(np.rint(true).astype(int).T)],
            variance=level.camera_gain**2 * field.clean[channel].astype(float)
            + level.read_noise**2,
        )
        pairs = np.asarray(match_points(true, found).pairs, int).reshape(-1, 2)
        distances.append(np.linalg.norm(true[pairs[:, 0]] - found[pairs[:, 1]], axis=1))
        bounds.append(np.array([truth.spread(k) for k in pairs[:, 0]]))
    return np.concatenate(distances), np.concatenate(bounds)


def row(cause: str, fields: int, side: int, first_seed: int) -> list[str]:
    """Return one row of the table."""
    level = LEVELS["hard"].with_(**CAUSES[cause])
    parts = [errors_of(level, first_seed + k, side) for k in range(fields)]
    error, bound = (np.concatenate(part) for part in zip(*parts, strict=True))
    bound = np.minimum(bound, MATCH_PX)
    far = error > 0.5
    share = float((error[far] ** 2).sum() / (error**2).sum())
    figures = [f"{value:.3f}" for value in (rms(error), rms(bound), float(np.median(error)))]
    return [cause, str(len(error)), *figures, f"{100 * far.mean():.1f} %", f"{100 * share:.0f} %"]


def rms(values: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt((values**2).mean()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fields", type=int, default=4)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--first-seed", type=int, default=95001)
    options = parser.parse_args()
    print(describe_machine())
    rows = [row(cause, options.fields, options.side, options.first_seed) for cause in CAUSES]
    header = [
        "simulated",
        "spots",
        "rms px",
        "least possible",
        "median px",
        "beyond 0.5 px",
        "their share of squares",
    ]
    print_table("Error of positions, level hard", header, rows)


if __name__ == "__main__":
    main()
