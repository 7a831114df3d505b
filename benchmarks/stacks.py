"""Score focus stacks in three dimensions and, for comparison, their maximum projections.

Usage: python benchmarks/stacks.py [--levels typical hard] [--cases 4] [--fields 3]
       [--first-seed 9001] [--planes 16] [--z-step-um 0.4] [--separation clinical]
       [--mix population] [--size 1024]

The same simulated stacks are scored twice: as stacks, and as single planes made of the maximum of
their planes. Truth is the pattern by distances in space. Agreement is over the nuclei scorable in
truth that this way of scoring counts; because the two ways do not exclude the same ones, the share
of all nuclei scorable in truth that are counted and right is given as well. A third row, "truth
seen from above", reads the true spots without their depth: no scoring of a projection can be
expected to agree better. Only split nuclei can gain much, and single cases are mostly of one kind,
split or isolated: with ``--mix population`` all cases have the shares of the population (0.6 split
to 0.4 isolated 3', the default of `PatternMix`), with ``--mix drawn`` each case its own. In small
fields (``--size 640``) of a few nuclei a single one decides: the second table counts the fields in
which the stack agrees better, equally and worse than its projection. Prints Markdown.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from harness import describe_machine, print_table

# isort: split
import numpy as np

import alkfish
from alkfish.evaluate import FieldTables, evaluate_field
from alkfish.evaluate.patterns import PATTERNS, PatternComparison, Share
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeEnd
from alkfish.synthetic import SimulatedCase, SimulatedField, simulate_case
from alkfish.synthetic.loci import PatternMix
from alkfish.synthetic.rule import Point, classify

SIDE_PX = 1024
FRACTIONS = (0.3, 0.6, 0.1, 0.45)
WAYS = ("stack", "maximum", "truth seen from above")


@dataclass
class Tally:
    """Patterns compared and seconds spent, summed over cases."""

    patterns: PatternComparison = field(default_factory=PatternComparison)
    seconds: float = 0.0
    fields: list[Share] = field(default_factory=list)

    @property
    def n_fields(self) -> int:
        """Fields scored."""
        return len(self.fields)


def projected(fov: FieldOfView) -> FieldOfView:
    """Return the field with each stack replaced by the maximum of its planes."""
    three, five = fov.three_prime.max(axis=0), fov.five_prime.max(axis=0)
    return replace(
        fov, dapi=fov.dapi.max(axis=0), three_prime=three, five_prime=five, z_step_um=0.0
    )


def seen_from_above(one: SimulatedField) -> PatternComparison:
    """Compare the patterns of a field's true spots with those of the same spots without depth."""
    size = one.fov.pixel_size_um
    counts = np.zeros((len(PATTERNS), len(PATTERNS)), np.int64)
    shifts = {ProbeEnd.THREE_PRIME.value: (0.0, 0.0), ProbeEnd.FIVE_PRIME.value: one.shift_um}
    for number, pattern, scorable in zip(
        one.nuclei.nucleus_id, one.nuclei.pattern, one.nuclei.scorable, strict=True
    ):
        ends = []
        for end, (dy, dx) in shifts.items():
            spots = one.spots.take((one.spots.nucleus_id == number) & (one.spots.end == end))
            y_um, x_um = spots.y_px * size - dy, spots.x_px * size - dx
            ends.append([Point(*row) for row in zip(y_um, x_um, spots.diameter_um, strict=True)])
        if scorable and all(ends):
            seen = classify(*ends).pattern
            counts[PATTERNS.index(pattern), PATTERNS.index(seen)] += 1
    return PatternComparison(counts)


def add_case(tallies: dict[str, Tally], case: SimulatedCase) -> None:
    """Score a case both ways and add what came of it."""
    fields: dict[str, Iterable[FieldOfView]] = {
        "stack": [one.fov for one in case.fields],
        "maximum": [projected(one.fov) for one in case.fields],
    }
    for one in case.fields:
        tallies[WAYS[2]].patterns += seen_from_above(one)
    for way in WAYS[:2]:
        tally, start = tallies[way], time.process_time()
        results = list(alkfish.iter_case(fields[way]))
        tally.seconds += time.process_time() - start
        for one, result in zip(case.fields, results, strict=True):
            truth = FieldTables(one.labels, one.nuclei, one.spots)
            found = FieldTables(result.labels, result.nuclei, result.spots)
            patterns = evaluate_field(truth, found).patterns
            tally.patterns += patterns
            tally.fields.append(patterns.agreement)


def fields_apart(level: str, tallies: dict[str, Tally]) -> list[str]:
    """Return in how many fields stacks agree better, equally and worse than projections."""
    pairs = list(zip(tallies["stack"].fields, tallies["maximum"].fields, strict=True))
    gain = [a.value - b.value for a, b in pairs if a.total and b.total]
    better, worse = sum(g > 0 for g in gain), sum(g < 0 for g in gain)
    return [level, *map(str, (len(gain), better, len(gain) - better - worse, worse))]


def row(level: str, way: str, tally: Tally) -> list[str]:
    """Return the figures of one level and way as texts."""
    found = tally.patterns
    low, high = found.agreement.interval
    right = Share(found.agreement.hits, found.true_rate.total)
    return [
        level, way, str(found.n_both), f"{found.agreement.value:.1%}", f"{low:.1%} to {high:.1%}",
        f"{right.value:.1%}", f"{found.sensitivity.value:.1%}", f"{found.specificity.value:.1%}",
        str(found.n_true_only + found.n_unmatched_true),
        str(found.n_found_only + found.n_unmatched_found),
        f"{tally.seconds / max(tally.n_fields, 1):.2f}",
    ]  # fmt: skip


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--levels", nargs="+", default=["typical", "hard"])
    parser.add_argument("--cases", type=int, default=4)
    parser.add_argument("--fields", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=9001)
    parser.add_argument("--planes", type=int, default=16)
    parser.add_argument("--z-step-um", type=float, default=0.4)
    parser.add_argument("--separation", default="clinical")
    parser.add_argument("--size", type=int, default=SIDE_PX)
    parser.add_argument("--mix", choices=["population", "drawn"], default="population")
    given = parser.parse_args()
    rows, fields, confusions = [], [], []
    for level in given.levels:
        tallies = {way: Tally() for way in WAYS}
        for number in range(given.cases):
            case = simulate_case(
                level, seed=given.first_seed + number, n_fields=given.fields,
                shape=(given.size, given.size), n_planes=given.planes, z_step_um=given.z_step_um,
                positive_fraction=FRACTIONS[number % len(FRACTIONS)], separation=given.separation,
                mix=PatternMix() if given.mix == "population" else None,
            )  # fmt: skip
            add_case(tallies, case)
        fields.append(fields_apart(level, tallies))
        for way in WAYS:
            rows.append(row(level, way, tallies[way]))
            for true, counts in zip(PATTERNS, tallies[way].patterns.confusion, strict=True):
                confusions.append([f"{level}, {way}, {true}", *map(str, counts.tolist())])
    print(describe_machine())
    print_table(
        f"{given.planes} planes of {given.z_step_um} um, {given.separation} separations",
        ["level", "scored as", "nuclei", "agreement", "95 %", "counted and right",
         "sensitivity", "specificity",
         "only in truth", "only found", "s/field"],
        rows,
    )  # fmt: skip
    print_table("Fields", ["level", "fields", "stack better", "equal", "stack worse"], fields)
    print_table("True patterns (rows) and found patterns", ["true", *PATTERNS], confusions)


if __name__ == "__main__":
    main()
