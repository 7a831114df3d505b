"""alkfish beside its peers on the same simulated fields, in one run: time, memory, accuracy.

Usage: python benchmarks/compare_peers.py [--seeds 3] [--ufish MODEL.onnx]

Prints four tables: spots, channels without spots, nuclei, and patterns. For the patterns, the spots
of every peer are put into the nuclei of alkfish and paired and classified by its rule, so that only
the spots differ. Peers are told the true size of spots and nuclei, alkfish the pixel size only.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness import cpu_seconds, describe_machine, extra_peak_mb, print_table

# isort: split
import numpy as np
from peers import (
    FWHM,
    SEGMENTERS,
    Detector,
    Image,
    Optics,
    Points,
    as_points,
    load_detectors,
    quiet,
)

from alkfish.config import Config
from alkfish.detect import ChannelSpots, Crosstalk
from alkfish.evaluate import (
    LabelMatch,
    PatternComparison,
    PointMatch,
    compare_patterns,
    match_labels,
    match_points,
)
from alkfish.model.probe import ProbeEnd
from alkfish.model.result import FieldResult
from alkfish.model.signals import SpotRecords
from alkfish.model.spots import SpotTable
from alkfish.pipeline import (
    ChannelCorrection,
    FieldFindings,
    analyse_fov,
    checked_probe,
    measure_correction,
    score_findings,
)
from alkfish.synthetic import LEVELS, SimulatedField, simulate_field

LEVEL_NAMES = ("typical", "hard")
PIXEL_UM = 0.1
FIRST_SEED = 101
OPTICS = Optics(LEVELS["typical"].spot_sigma_um[0] / PIXEL_UM, PIXEL_UM)
CHAIN = "alkfish, both channels together"
CEILING = "true positions"


@dataclass(eq=False)
class Tally:
    """What one method did: CPU seconds per call; by level its matches and patterns.

    ``scorable`` tells of each truly scorable nucleus whether it was found.
    """

    seconds: list[float] = field(default_factory=list)
    spots: dict[str, list[PointMatch]] = field(default_factory=lambda: defaultdict(list))
    nuclei: dict[str, list[LabelMatch]] = field(default_factory=lambda: defaultdict(list))
    scorable: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    patterns: dict[str, PatternComparison] = field(
        default_factory=lambda: defaultdict(PatternComparison)
    )

    def times(self, reference: Tally) -> list[str]:
        """Return cells with the least and median time and the ratio of the least ones."""
        if not self.seconds:
            return ["-", "-", "-"]
        least, usual = min(self.seconds), float(np.median(self.seconds))
        return [f"{least:.3f}", f"{usual:.3f}", f"{least / min(reference.seconds):.1f}"]


Tallies = dict[str, Tally]


def positions(spots: SpotRecords, end: ProbeEnd) -> Points:
    """Return the places of the spots of one end."""
    rows = spots.end == end.value
    return as_points(spots.y_px[rows], spots.x_px[rows])


def probe_planes(simulated: SimulatedField) -> Iterator[tuple[ProbeEnd, Image]]:
    """Yield the two probe channels of a field."""
    yield ProbeEnd.THREE_PRIME, simulated.fov.three_prime
    yield ProbeEnd.FIVE_PRIME, simulated.fov.five_prime


def with_points(channel: ChannelSpots, points: Points) -> ChannelSpots:
    """Return the channel with spots of a peer, all certain and of the channel's usual width."""
    n = len(points)
    width_um = channel.model.width_px * FWHM * PIXEL_UM
    known = {
        "y_px": points[:, 0], "x_px": points[:, 1], "diameter_um": np.full(n, width_um),
        "snr": np.full(n, 20.0), "p_real": np.ones(n), "quality": np.ones(n),
    }  # fmt: skip
    columns = {info.name: np.zeros(n, info.dtype) for info in SpotTable.columns()}
    return replace(channel, table=SpotTable(**{**columns, **known}))


def score_points(
    findings: FieldFindings, points: dict[ProbeEnd, Points], correction: ChannelCorrection
) -> FieldResult:
    """Return the field scored with spots of a peer in the nuclei of alkfish."""
    swapped = replace(
        findings,
        three=with_points(findings.three, points[ProbeEnd.THREE_PRIME]),
        five=with_points(findings.five, points[ProbeEnd.FIVE_PRIME]),
    )
    only_shift = replace(correction, crosstalk_3p=Crosstalk(), crosstalk_5p=Crosstalk())
    return score_findings(
        swapped, correction=only_shift, probe=checked_probe(None), config=Config()
    )


def examine_field(
    simulated: SimulatedField, detectors: Sequence[Detector], tallies: Tallies
) -> None:
    """Add one field to the tallies of all detectors, of alkfish as a whole, and of the truth."""
    level = simulated.level.name
    findings = analyse_fov(simulated.fov)
    correction = measure_correction([findings])
    whole = score_findings(
        findings, correction=correction, probe=checked_probe(None), config=Config()
    )
    pairs = match_labels(simulated.labels, whole.labels).pairs
    truth = {end: positions(simulated.spots, end) for end in ProbeEnd}

    def add(name: str, points: dict[ProbeEnd, Points], result: FieldResult) -> None:
        for end in ProbeEnd:
            tallies[name].spots[level].append(match_points(truth[end], points[end]))
        tallies[name].patterns[level] += compare_patterns(simulated.nuclei, result.nuclei, pairs)

    for detector in detectors:
        points = {}
        for end, plane in probe_planes(simulated):
            seconds, points[end] = cpu_seconds(partial(quiet, detector.find, plane, OPTICS))
            tallies[detector.name].seconds.append(seconds)
        add(detector.name, points, score_points(findings, points, correction))
    add(CHAIN, {end: positions(whole.spots, end) for end in ProbeEnd}, whole)
    add(CEILING, truth, score_points(findings, truth, correction))


def examine_nuclei(simulated: SimulatedField, tallies: Tallies) -> None:
    """Add the nuclei of one field to the tallies of all segmenters."""
    level, truth = simulated.level.name, simulated.nuclei
    for name, segment in SEGMENTERS.items():
        seconds, labels = cpu_seconds(partial(segment, simulated.fov.dapi, PIXEL_UM))
        tallies[name].seconds.append(seconds)
        match = match_labels(simulated.labels, labels)
        tallies[name].nuclei[level].append(match)
        found = np.isin(truth.nucleus_id[truth.scorable], match.pairs[:, 0])
        tallies[name].scorable[level].extend(found.tolist())


def empty_channels(shape: tuple[int, int]) -> dict[str, Image]:
    """Return channels that hold no signal, by what they hold instead."""
    rng = np.random.default_rng(FIRST_SEED)

    def simulated(level: str) -> Image:
        return simulate_field(level, seed=FIRST_SEED, shape=shape).fov.five_prime

    return {
        "read noise": np.rint(rng.normal(100, 2, shape)).astype(np.uint16),
        "flat light": (rng.poisson(50, shape) + 100).astype(np.uint16),
        "haze, hot pixels": simulated("empty"),
        "hazy nuclei, debris": simulated("haze"),
        "failed probe, granules": simulated("failed_both"),
    }


def pooled_points(matches: Sequence[PointMatch]) -> PointMatch:
    """Return the sum of matches, without their pairs."""
    tp, fp, fn = (sum(getattr(match, key) for match in matches) for key in ("tp", "fp", "fn"))
    error = sum(match.squared_error_px2 for match in matches)
    return PointMatch(tp, fp, fn, error, np.empty((0, 2), np.int64))


def spot_rows(tallies: Tallies, memory: dict[str, str], reference: Tally) -> list[list[str]]:
    """Return the table of spots."""
    rows = []
    for name, tally in tallies.items():
        if not tally.spots or name == CEILING:
            continue
        cells = [*tally.times(reference), memory.get(name, "-")]
        for level in LEVEL_NAMES:
            found = pooled_points(tally.spots[level])
            cells += [f"{found.f1:.3f}", f"{found.precision:.3f}", f"{found.recall:.3f}"]
            cells += [f"{found.rmse_px:.2f}"]
        rows.append([name, *cells])
    return rows


def nucleus_rows(tallies: Tallies, memory: dict[str, str], reference: Tally) -> list[list[str]]:
    """Return the table of nuclei."""
    rows = []
    for name, tally in tallies.items():
        cells = [*tally.times(reference), memory.get(name, "-")]
        for level in LEVEL_NAMES:
            matches = tally.nuclei[level]
            tp, wrong = sum(m.tp for m in matches), sum(m.fp + m.fn for m in matches)
            overlap = sum(m.iou_sum for m in matches) / max(tp, 1)
            cells += [f"{2 * tp / max(2 * tp + wrong, 1):.3f}", f"{overlap:.3f}"]
            cells += [f"{np.mean(tally.scorable[level] or [True]):.3f}"]
        rows.append([name, *cells])
    return rows


def pattern_rows(tallies: Tallies) -> list[list[str]]:
    """Return the table of patterns."""
    rows = []
    for name, tally in tallies.items():
        cells = []
        for level in LEVEL_NAMES:
            found = tally.patterns[level]
            shares = (found.agreement, found.sensitivity, found.specificity)
            error = 100 * (found.found_rate.value - found.true_rate.value)
            cells += [*(f"{share.value:.3f}" for share in shares), f"{error:+.1f}"]
        rows.append([name, *cells])
    return rows


def measure_memory(
    detectors: Sequence[Detector], simulated: SimulatedField
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the extra peak memory of detectors and of segmenters, as text in MB."""
    fov = simulated.fov
    of_detectors = {
        detector.name: extra_peak_mb(partial(quiet, detector.find, optics=OPTICS), fov.three_prime)
        for detector in detectors
    }
    of_segmenters = {
        name: extra_peak_mb(partial(segment, pixel_size_um=PIXEL_UM), fov.dapi)
        for name, segment in SEGMENTERS.items()
    }
    return of_detectors, of_segmenters


def warm_up(detectors: Sequence[Detector], simulated: SimulatedField) -> None:
    """Call everything once on a corner, so that nothing is compiled or loaded while timed."""
    corner = slice(256), slice(256)
    for detector in detectors:
        quiet(detector.find, simulated.fov.three_prime[corner], OPTICS)
    for segment in SEGMENTERS.values():
        segment(simulated.fov.dapi[corner], PIXEL_UM)


def header(first: str, *cells: str, by_level: Sequence[str]) -> list[str]:
    """Return the header of a table whose last columns repeat for each level."""
    return [first, *cells, *(f"{level} {figure}" for level in LEVEL_NAMES for figure in by_level)]


def print_simulated(detectors: Sequence[Detector], size: int, seeds: int, *, memory: bool) -> None:
    """Measure spots, nuclei and patterns on simulated fields and print three tables."""
    spots: Tallies = defaultdict(Tally)
    nuclei: Tallies = defaultdict(Tally)
    first = simulate_field("typical", seed=FIRST_SEED, shape=(size, size), pixel_size_um=PIXEL_UM)
    warm_up(detectors, first)
    for level in LEVEL_NAMES:
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            one = simulate_field(level, seed=seed, shape=(size, size), pixel_size_um=PIXEL_UM)
            examine_field(one, detectors, spots)
            examine_nuclei(one, nuclei)
    mb_spots, mb_nuclei = measure_memory(detectors, first) if memory else ({}, {})
    cost = ("CPU s", "median", "x alkfish", "+MB")
    print_table(
        f"Spots: {2 * seeds} channels of {size} x {size} per level, match within 3 px",
        header("detector", *cost, by_level=["F1", "P", "R", "rmse px"]),
        spot_rows(spots, mb_spots, spots[detectors[0].name]),
    )
    print_table(
        f"Nuclei: fields of {size} x {size}, {seeds} per level, match at IoU 0.5",
        header("segmenter", *cost, by_level=["F1", "mean IoU", "scorable R"]),
        nucleus_rows(nuclei, mb_nuclei, nuclei["alkfish"]),
    )
    matched = {level: spots[CHAIN].patterns[level].n_both for level in LEVEL_NAMES}
    print_table(
        "Patterns per nucleus: " + ", ".join(f"{n} {level}" for level, n in matched.items()),
        header("spots from", by_level=["agreement", "sensitivity", "specificity", "rate error"]),
        pattern_rows(spots),
    )


def print_empty(detectors: Sequence[Detector], size: int) -> None:
    """Print how many spots each detector reports where there are none."""
    empty = empty_channels((size, size))
    print_table(
        f"Spots reported in channels of {size} x {size} that hold none",
        ["detector", *empty],
        [
            [one.name, *(str(len(quiet(one.find, plane, OPTICS))) for plane in empty.values())]
            for one in detectors
        ],
    )


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="fields per level")
    parser.add_argument("--ufish", type=Path, help="network of U-FISH (ONNX)")
    parser.add_argument("--quick", action="store_true", help="one small field, few peers")
    args = parser.parse_args()
    detectors = load_detectors(quick=args.quick, ufish=args.ufish)
    print(describe_machine([detector.package for detector in detectors[1:]]))
    size, seeds = (384, 1) if args.quick else (2048, args.seeds)
    print_simulated(detectors, size, seeds, memory=not args.quick)
    print_empty(detectors, size)


if __name__ == "__main__":
    main()
