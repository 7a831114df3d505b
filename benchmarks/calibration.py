"""Do the probabilities hold? Reliability of p_positive and of the called pattern, fresh seeds.

Usage: python benchmarks/calibration.py [--cases 4] [--fields 2] [--first-seed 7001]

Every level is simulated anew at two pixel sizes, with 0 to 60 % of the tumour nuclei rearranged,
and scored with the defaults. The seeds are not those on which anything was fitted. Prints Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from harness import describe_machine, print_table

# isort: split
import numpy as np
import numpy.typing as npt

import alkfish
from alkfish.evaluate import (
    MAX_CALIBRATION_ERROR,
    FieldEvaluation,
    FieldTables,
    Reliability,
    evaluate_field,
    reliability,
)
from alkfish.evaluate.patterns import Share
from alkfish.synthetic import SimulatedCase, simulate_case

LEVELS = ("typical", "hard", "dim", "other_camera")
FIELD_UM = 140.0
PIXEL_SIZES_UM = (0.1, 0.1625)
KINDS = ("positive", "called")
BADLY_OFF = 0.02
"""A bin is remarked on if what was told lies outside the interval and off by more than this."""


@dataclass(frozen=True)
class Group:
    """Cases of one level at one pixel size."""

    level: str
    pixel_size_um: float
    fields: tuple[FieldEvaluation, ...]

    def reliability(self, kind: str) -> Reliability:
        """Return the reliability of ``positive`` or ``called``."""
        return pool(self.fields, kind)


def pool(fields: tuple[FieldEvaluation, ...], kind: str) -> Reliability:
    told = [getattr(field, kind) for field in fields]
    probability: npt.NDArray[np.float64] = np.concatenate([one.probability for one in told])
    return reliability(probability, np.concatenate([one.outcome for one in told]))


def simulate(level: str, size_um: float, seed: int, n_fields: int) -> SimulatedCase:
    side = round(FIELD_UM / size_um)
    fraction = (0.0, 0.3, 0.08, 0.6)[seed % 4]
    return simulate_case(
        level, seed=seed, n_fields=n_fields, shape=(side, side), pixel_size_um=size_um,
        positive_fraction=fraction,
    )  # fmt: skip


def evaluate_case(case: SimulatedCase) -> Iterator[FieldEvaluation]:
    results = alkfish.iter_case([field.fov for field in case.fields])
    for field, result in zip(case.fields, results, strict=True):
        truth = FieldTables(field.labels, field.nuclei, field.spots)
        yield evaluate_field(truth, FieldTables(result.labels, result.nuclei, result.spots))


def measure(n_cases: int, n_fields: int, first_seed: int) -> list[Group]:
    groups = []
    for number, (level, size) in enumerate((lv, px) for lv in LEVELS for px in PIXEL_SIZES_UM):
        seeds = range(first_seed + 100 * number, first_seed + 100 * number + n_cases)
        cases = (simulate(level, size, seed, n_fields) for seed in seeds)
        fields = tuple(field for case in cases for field in evaluate_case(case))
        groups.append(Group(level, size, fields))
    return groups


def print_groups(groups: list[Group]) -> None:
    rows = []
    for group in groups:
        tables = [group.reliability(kind) for kind in KINDS]
        patterns = [field.patterns for field in group.fields]
        agreed = Share(
            sum(p.agreement.hits for p in patterns), sum(p.agreement.total for p in patterns)
        )
        rows.append(
            [group.level, f"{group.pixel_size_um:g}", str(agreed.total),
             f"{100 * agreed.value:.1f} %", *(f"{table.ece:.3f}" for table in tables)]
        )  # fmt: skip
    header = ["level", "um/px", "nuclei", "patterns right", "ECE p_positive", "ECE called pattern"]
    print_table(f"Expected calibration error (target: {MAX_CALIBRATION_ERROR:g})", header, rows)


def print_reliability(title: str, table: Reliability) -> None:
    rows = []
    for k in np.flatnonzero(table.count).tolist():
        count, told, true = int(table.count[k]), table.mean_p[k], table.observed[k]
        low, high = Share(round(true * count), count).interval
        is_off = not low <= told <= high and abs(told - true) > BADLY_OFF
        rows.append(
            [f"{table.edges[k]:.1f} to {table.edges[k + 1]:.1f}", str(count),
             f"{100 * told:.1f} %", f"{100 * true:.1f} %",
             f"{100 * low:.1f} to {100 * high:.1f} %", "off" if is_off else ""]
        )  # fmt: skip
    header = ["told", "nuclei", "mean told", "came true", "95 % interval", "remark"]
    print_table(f"{title}: ECE {table.ece:.3f}", header, rows)


def run() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=4, help="per level and pixel size")
    parser.add_argument("--fields", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=7001)
    options = parser.parse_args()
    print(describe_machine())
    groups = measure(options.cases, options.fields, options.first_seed)
    print_groups(groups)
    fields = tuple(field for group in groups for field in group.fields)
    print_reliability("p_positive, all levels", pool(fields, "positive"))
    print_reliability("p of the called pattern, all levels", pool(fields, "called"))
    for level in LEVELS:
        own = tuple(field for group in groups if group.level == level for field in group.fields)
        print_reliability(f"p of the called pattern, {level}", pool(own, "called"))


if __name__ == "__main__":
    run()
