"""Sensitivity and specificity against the separation rule, on simulated cases.

Usage: python benchmarks/operating_curve.py [--cases 12] [--png FILE]

Half of the cases are positive: every rearranged nucleus carries a split allele whose ends lie
apart as published for the ALK inversion, or clearly. The share of rearranged nuclei is drawn per
case. The same limits are applied to what alkfish found in the pictures and to the true spots (the
rule alone). Prints Markdown and draws the figure of docs/evaluation.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import describe_machine, print_table

# isort: split
import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

import alkfish
from alkfish.evaluate.operating import (
    OperatingCase,
    OperatingCurve,
    OperatingPoint,
    operating_curves,
)
from alkfish.evaluate.operating_files import simulated_operating_case
from alkfish.evaluate.operating_output import MEASURES, draw_operating_curve, mark_limit
from alkfish.evaluate.patterns import Share
from alkfish.model.probe import SeparationMeasure, SeparationRule
from alkfish.synthetic import PatternMix, simulate_case

PNG = Path(__file__).resolve().parents[1] / "docs" / "images" / "operating_curve.png"
SEPARATIONS = {
    "published": "distances as published\n(0.97 ± 0.51 µm)",
    "clinical": "clear splits\n(2 to 6 µm apart)",
}
FIELD_UM, PIXEL_SIZE_UM = 156.0, 0.13
MARKS = {
    SeparationRule(): "default: 2",
    SeparationRule(SeparationMeasure.CENTRE_DIAMETERS, 3.0): "3: same for equal spots",
    SeparationRule(SeparationMeasure.CENTRE_UM, 1.2): "1.2: other programs",
}
SHOWN = {
    SeparationMeasure.GAP_DIAMETERS: (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0),
    SeparationMeasure.CENTRE_DIAMETERS: (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0),
    SeparationMeasure.CENTRE_UM: (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.8, 2.4, 3.2),
}
"""Limits of the printed tables."""


@dataclass(frozen=True)
class Curves:
    """Curves of one kind of separation, one per measure: of the program and of the rule alone."""

    found: tuple[OperatingCurve, ...]
    true: tuple[OperatingCurve, ...]


Pair = tuple[OperatingCase, OperatingCase]


def make_pair(seed: int, separation: str, *, positive: bool, level: str, n_fields: int) -> Pair:
    """Simulate and score a case; return it as found and as it is."""
    side = round(FIELD_UM / PIXEL_SIZE_UM)
    case = simulate_case(
        level, seed=seed, n_fields=n_fields, shape=(side, side), pixel_size_um=PIXEL_SIZE_UM,
        positive=positive, separation=separation, mix=PatternMix(1.0, 0.0, 0.03),
    )  # fmt: skip
    result = alkfish.score_case([field.fov for field in case.fields])
    return simulated_operating_case(case, result), simulated_operating_case(case)


def measure(n_cases: int, level: str, n_fields: int) -> dict[str, Curves]:
    """Return the curves of each kind of separation; they share the negative cases."""
    half, shared = n_cases // 2, {"level": level, "n_fields": n_fields}
    negative = [
        make_pair(9001 + k, "clinical", positive=False, **shared) for k in range(n_cases - half)
    ]
    curves = {}
    for separation in SEPARATIONS:
        positive = [make_pair(9501 + k, separation, positive=True, **shared) for k in range(half)]
        found, true = zip(*positive, *negative, strict=True)
        curves[separation] = Curves(operating_curves(found), operating_curves(true))
    return curves


def text(share: Share) -> str:
    return f"{100 * share.value:.0f}" if share.total else "-"


def both(found: Share, true: Share) -> str:
    return f"{text(found)} ({text(true)})"


def print_curves(number: int, curves: dict[str, Curves]) -> None:
    published, clinical = curves["published"], curves["clinical"]
    kind = published.found[number].measure
    name, unit = MEASURES[kind]
    header = [
        f"limit ({unit})", "sens. nuclei, published", "sens. nuclei, clear", "spec. nuclei",
        "sens. cases, published", "sens. cases, clear", "spec. cases",
    ]  # fmt: skip
    columns = (published.found, published.true, clinical.found, clinical.true)
    rows = [
        _row(SeparationRule(kind, points[0].limit), points)
        for points in zip(*(column[number].points for column in columns), strict=True)
        if points[0].limit in SHOWN[kind]
    ]
    print_table(f"{name} ({unit}); in %; in brackets the rule alone", header, rows)


def _row(rule: SeparationRule, points: Sequence[OperatingPoint]) -> list[str]:
    found, true, found_clear, true_clear = points
    cells = [
        both(found.sensitivity, true.sensitivity),
        both(found_clear.sensitivity, true_clear.sensitivity),
        both(found.specificity, true.specificity),
        *map(text, (found.case_sensitivity, found_clear.case_sensitivity, found.case_specificity)),
    ]
    limit = f"{rule.limit:g}"
    return [f"**{limit}**" if rule == SeparationRule() else limit, *cells]


def print_counts(curves: dict[str, Curves]) -> None:
    for separation, pair in curves.items():
        point = pair.found[0].points[0]
        print(
            f"\n{separation}: {point.sensitivity.total} rearranged and "
            f"{point.specificity.total} native nuclei, {point.case_sensitivity.total} positive and "
            f"{point.case_specificity.total} negative cases could be called."
        )


def draw(curves: dict[str, Curves], path: Path, n_cases: int) -> None:
    mpl.use("Agg")
    figure, panels = plt.subplots(2, 3, figsize=(12.5, 7.8), layout="constrained", sharey=True)
    for row, (separation, pair) in zip(panels, curves.items(), strict=True):
        for panel, found, true in zip(row, pair.found, pair.true, strict=True):
            draw_operating_curve(panel, found)
            _draw_rule_alone(panel, true)
            for rule, remark in MARKS.items():
                if rule.measure is found.measure:
                    mark_limit(panel, rule.limit, remark)
        row[0].set_ylabel(f"{SEPARATIONS[separation]}\n\nshare (%)", fontsize=11)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    figure.suptitle(f"{n_cases} simulated cases per row; pairs at or beyond the limit are split")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def _draw_rule_alone(panel: Axes, curve: OperatingCurve) -> None:
    limits = [point.limit for point in curve.points]
    for name, colour in (("sensitivity", "#d55e00"), ("specificity", "#0072b2")):
        shares = [100 * getattr(point, name).value for point in curve.points]
        label = f"{name}, nuclei, rule alone on true spots"
        panel.plot(limits, shares, color=colour, linestyle=":", linewidth=1.6, label=label)


def run() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=32, help="half of them positive")
    parser.add_argument("--fields", type=int, default=3)
    parser.add_argument("--level", default="typical")
    parser.add_argument("--png", type=Path, default=PNG)
    options = parser.parse_args()
    curves = measure(options.cases, options.level, options.fields)
    print(describe_machine(("matplotlib",)))
    print_counts(curves)
    for number in range(len(MEASURES)):
        print_curves(number, curves)
    draw(curves, options.png, options.cases)


if __name__ == "__main__":
    run()
