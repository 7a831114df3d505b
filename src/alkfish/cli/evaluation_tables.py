"""What ``alkfish evaluate`` prints for people."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType

from alkfish.cli.output import make_table, percent
from alkfish.evaluate import Evaluation, PointMatch, Reliability
from alkfish.evaluate.patterns import PATTERNS, PatternComparison, Share


def print_evaluation(console: Console, evaluation: Evaluation) -> None:
    """Print the figures of an evaluation as tables."""
    for table in _tables(evaluation):
        console.print(table)
        console.print()
    if evaluation.missing_cases:
        console.print(f"truths without a result: {', '.join(evaluation.missing_cases)}")


def _tables(evaluation: Evaluation) -> Iterator[RenderableType]:
    nuclei = evaluation.nuclei
    rows = [("nuclei, IoU 0.5", f"F1 {nuclei.f1:.3f}", f"mean IoU {nuclei.mean_iou:.3f}", "")]
    rows += [_spot_row(end, match) for end, match in evaluation.spots.items()]
    rows += [_share_row(name, share) for name, share in _shares(evaluation.patterns)]
    yield make_table("Nuclei, spots, patterns", ("what", "figure", "more", "95 % interval"), rows)
    confusion = evaluation.patterns.confusion.tolist()
    yield make_table(
        "Patterns of nuclei counted in both: rows true, columns found",
        ("", *PATTERNS),
        ([name, *map(str, row)] for name, row in zip(PATTERNS, confusion, strict=True)),
    )
    yield _reliability_table(evaluation.reliability)
    yield make_table(
        f"Cases: {evaluation.n_calls_right} of {len(evaluation.cases)} calls right, "
        f"mean rate error {100 * evaluation.mean_rate_error:.1f} points",
        ("case", "call", "true call", "rate", "true rate", "counted", "truly scorable"),
        (
            (
                case.case,
                case.call,
                case.true_call,
                percent(case.rate),
                percent(case.true_rate),
                str(case.n_scorable),
                str(case.true_n_scorable),
            )
            for case in evaluation.cases
        ),
    )


def _spot_row(end: str, match: PointMatch) -> tuple[str, str, str, str]:
    return (
        f"spots {end}, 3 px",
        f"precision {match.precision:.3f}",
        f"recall {match.recall:.3f}, error {match.rmse_px:.2f} px",
        "",
    )


def _shares(patterns: PatternComparison) -> Iterator[tuple[str, Share]]:
    yield "pattern agreement", patterns.agreement
    yield "sensitivity for positive nuclei", patterns.sensitivity
    yield "specificity for positive nuclei", patterns.specificity
    yield "rate found", patterns.found_rate
    yield "true rate", patterns.true_rate


def _share_row(name: str, share: Share) -> tuple[str, str, str, str]:
    low, high = share.interval
    counts = f"{share.hits} of {share.total}"
    return name, percent(share.value), counts, f"{percent(low)} to {percent(high)}"


def _reliability_table(table: Reliability) -> RenderableType:
    filled = [k for k, n in enumerate(table.count.tolist()) if n]
    return make_table(
        f"Probability of being positive against truth: calibration error {table.ece:.3f}",
        ("told", "nuclei", "mean told", "truly positive"),
        (
            (
                f"{table.edges[k]:.1f} to {table.edges[k + 1]:.1f}",
                str(table.count[k]),
                percent(float(table.mean_p[k])),
                percent(float(table.observed[k])),
            )
            for k in filled
        ),
    )
