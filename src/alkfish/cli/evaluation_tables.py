"""What ``alkfish evaluate`` prints for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.markup import escape

from alkfish.cli.output import make_table, percent
from alkfish.evaluate import MAX_CALIBRATION_ERROR, Evaluation, PointMatch, Reliability
from alkfish.evaluate.operating import OperatingCurve
from alkfish.evaluate.operating_output import MEASURES
from alkfish.evaluate.patterns import PATTERNS, PatternComparison, Share
from alkfish.model.probe import SeparationRule

_TARGET = MAX_CALIBRATION_ERROR


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
    rows += [share_row(name, share) for name, share in _shares(evaluation.patterns)]
    yield make_table("Nuclei, spots, patterns", ("what", "figure", "more", "95 % interval"), rows)
    confusion = evaluation.patterns.confusion.tolist()
    yield make_table(
        "Patterns of nuclei counted in both: rows true, columns found",
        ("", *PATTERNS),
        ([name, *map(str, row)] for name, row in zip(PATTERNS, confusion, strict=True)),
    )
    yield _reliability_table(
        "Probability of being positive, against truth", "truly positive", evaluation.reliability
    )
    yield _reliability_table(
        "Probability of the called pattern, against truth", "call right",
        evaluation.reliability_called,
    )  # fmt: skip
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


def share_row(name: str, share: Share) -> tuple[str, str, str, str]:
    """Return name, percentage, counts and interval of a share."""
    low, high = share.interval
    counts = f"{share.hits} of {share.total}"
    return name, percent(share.value), counts, f"{percent(low)} to {percent(high)}"


def _reliability_table(title: str, outcome: str, table: Reliability) -> RenderableType:
    filled = [k for k, n in enumerate(table.count.tolist()) if n]
    rows = [
        (
            f"{table.edges[k]:.1f} to {table.edges[k + 1]:.1f}",
            str(table.count[k]),
            percent(float(table.mean_p[k])),
            _share_text(Share(round(table.observed[k] * table.count[k]), int(table.count[k]))),
        )
        for k in filled
    ]
    caption = f"expected calibration error {table.ece:.3f} (target: at most {_TARGET:g})"
    shown = make_table(title, ("told", "nuclei", "mean told", f"{outcome}, 95 % interval"), rows)
    shown.caption, shown.caption_justify = caption, "left"
    shown.min_width = max(len(title), len(caption)) + 1
    return shown


def _share_text(share: Share) -> str:
    low, high = share.interval
    return f"{percent(share.value)} ({percent(low)} to {percent(high)})"


def print_operating_point(
    console: Console, curves: Sequence[OperatingCurve], used: SeparationRule, path: Path
) -> None:
    """Print where the rule used lies on its curve, and where the curves were written."""
    point = next(
        point
        for curve in curves
        for point in curve.points
        if (curve.measure, point.limit) == (used.measure, used.limit)
    )
    name, unit = MEASURES[used.measure]
    rows = [
        ("sensitivity, rearranged nuclei", point.sensitivity),
        ("specificity, native nuclei", point.specificity),
        ("sensitivity, positive cases", point.case_sensitivity),
        ("specificity, negative cases", point.case_specificity),
    ]
    title = f"At the separation rule used: {name}, at least {used.limit:g} {unit}"
    shown = make_table(
        title, ("what", "figure", "counts", "95 % interval"), [_point_row(*row) for row in rows]
    )
    shown.min_width = len(title) + 1
    console.print(shown)
    console.print(f"operating curves: {escape(str(path))}", soft_wrap=True)


def _point_row(name: str, share: Share) -> tuple[str, str, str, str]:
    return share_row(name, share) if share.total else (name, "none to count", "", "")
