"""What the error of positions comes from: `hard` fields with one cause at a time switched off.

Usage: python benchmarks/position_error.py [--fields 4] [--side 1024] [--first-seed 95001]

The same seeds are simulated with each change and scored with the defaults, both channels together.
The error is the rms distance of matched spots within 3 px, as everywhere. Prints Markdown.
"""

from __future__ import annotations

import argparse
from typing import Any

from harness import describe_machine, print_table

# isort: split
import numpy as np
import numpy.typing as npt

import alkfish
from alkfish.evaluate.matching import match_points
from alkfish.synthetic import simulate_field
from alkfish.synthetic.levels import LEVELS

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


def distances(level: Any, seed: int, side: int) -> npt.NDArray[np.float64]:
    """Return the distances of matched spots of both ends in one field."""
    field = simulate_field(level, seed=seed, shape=(side, side))
    spots, parts = alkfish.score_fov(field.fov).spots, []
    for end in ("3p", "5p"):
        true, found = (
            np.stack([t.y_px, t.x_px], axis=1)[t.end == end] for t in (field.spots, spots)
        )
        pairs = np.asarray(match_points(true, found).pairs).reshape(-1, 2)
        parts.append(np.linalg.norm(true[pairs[:, 0]] - found[pairs[:, 1]], axis=1))
    return np.concatenate(parts)


def row(cause: str, fields: int, side: int, first_seed: int) -> list[str]:
    """Return one row of the table."""
    level = LEVELS["hard"].with_(**CAUSES[cause])
    error = np.concatenate([distances(level, first_seed + k, side) for k in range(fields)])
    rms = float(np.sqrt((error**2).mean()))
    far = error > 0.5
    share = float((error[far] ** 2).sum() / (error**2).sum())
    return [cause, str(len(error)), f"{rms:.3f}", f"{np.median(error):.3f}",
            f"{100 * far.mean():.1f} %", f"{100 * share:.0f} %"]  # fmt: skip


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
        "median px",
        "beyond 0.5 px",
        "their share of squares",
    ]
    print_table("Error of positions, level hard", header, rows)


if __name__ == "__main__":
    main()
