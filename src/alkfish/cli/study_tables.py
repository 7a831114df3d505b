"""What ``alkfish validate`` and ``alkfish cutoff`` print for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from alkfish.cli.evaluation_tables import share_row
from alkfish.cli.output import make_table, stdout_console
from alkfish.evaluate.background import BackgroundStudy, LimitMethod, first_positive_text
from alkfish.evaluate.call_agreement import CALLS, CallAgreement
from alkfish.evaluate.method_comparison import Estimate, RateAgreement
from alkfish.evaluate.patterns import Share
from alkfish.evaluate.validation import Validation
from alkfish.report.wording import signed_text

_LIMITS = {
    LimitMethod.MEAN_3SD: "mean + 3 SD",
    LimitMethod.BETA_INVERSE: "beta-inverse",
    LimitMethod.BINOMIAL: "binomial",
}
_COLUMNS = ("what", "figure", "counts", "95 % interval")


def print_validation(validation: Validation, files: Sequence[Path]) -> None:
    """Print the figures of a validation, its disagreements, and where its files are."""
    console = stdout_console()
    calls = validation.calls
    console.print(make_table("Calls", _COLUMNS, _call_rows(calls)))
    console.print(
        make_table(
            "Cases: rows manual, columns machine",
            ("", *CALLS),
            ([n, *map(str, row)] for n, row in zip(CALLS, calls.confusion, strict=True)),
        )
    )
    if validation.rates.is_known:
        rows = _rate_rows(validation.rates)
        console.print(make_table("Rates, percentage points", _COLUMNS, rows))
    if validation.disagreements:
        console.print(
            make_table(
                f"Disagreements: {len(validation.disagreements)}",
                ("case", "manual", "machine", "difference"),
                (
                    (
                        case.case_id,
                        case.reference.call or "-",
                        case.machine.call,
                        signed_text(case.difference) if case.has_rates else "-",
                    )
                    for case in validation.disagreements
                ),
            )
        )
    for item in validation.left_out:
        typer.echo(f"left out: {item.case_id}: {item.reason}")
    for file in files:
        typer.echo(str(file))


def _call_rows(calls: CallAgreement) -> Iterator[tuple[str, str, str, str]]:
    shares: tuple[tuple[str, Share], ...] = (
        ("sensitivity (PPA)", calls.sensitivity),
        ("specificity (NPA)", calls.specificity),
        ("agreement", calls.accuracy),
        ("no definite machine call", calls.undecided),
    )
    for name, share in shares:
        yield share_row(name, share) if share.total else (name, "none to count", "", "")
    if calls.n_definite:
        kappa = calls.kappa
        span = _span(kappa, 2) if calls.has_kappa_interval else "cannot be told"
        value = f"{kappa.value:.2f}" if calls.has_kappa else "cannot be told"
        yield "Cohen's kappa", value, str(calls.n_definite), span


def _rate_rows(rates: RateAgreement) -> Iterator[tuple[str, str, str, str]]:
    n = str(rates.n)
    yield "bias, machine minus manual", f"{rates.bias.value:+.2f}", n, _span(rates.bias, 2)
    yield "lower limit of agreement", f"{rates.lower.value:+.2f}", n, _span(rates.lower, 2)
    yield "upper limit of agreement", f"{rates.upper.value:+.2f}", n, _span(rates.upper, 2)
    yield "Pearson's r", f"{rates.pearson.value:.3f}", n, _span(rates.pearson, 3)
    yield "Spearman's rho", f"{rates.spearman.value:.3f}", n, _span(rates.spearman, 3)
    yield "Lin's concordance", f"{rates.concordance.value:.3f}", n, _span(rates.concordance, 3)


def _span(estimate: Estimate, digits: int) -> str:
    low, high = estimate.interval
    return f"{low:.{digits}f} to {high:.{digits}f}"


def print_background(study: BackgroundStudy, written: str, files: Sequence[Path]) -> None:
    """Print the background of normal specimens, its limits and warnings, and the files."""
    console = stdout_console()
    n = len(study.specimens)
    console.print(
        make_table(
            f"Background of {n} normal specimens, {study.total_nuclei} nuclei, in per cent",
            ("class", "all nuclei", "mean", "SD", "highest", *_LIMITS.values()),
            (
                [one.kind, *(f"{v:.1f}" for v in (one.pooled, one.mean, one.sd, one.highest)),
                 *(f"{one.limit(method):.1f}" for method in _LIMITS)]
                for one in study.limits
            ),
        )
    )  # fmt: skip
    starts = ", ".join(
        f"{words} {first_positive_text(study.positive.limit(method))}"
        for method, words in _LIMITS.items()
    )
    typer.echo(f"positive from: {starts} (binomial: of {study.n_nuclei} nuclei)")
    for item in study.left_out:
        typer.echo(f"left out: {item.case_id}: {item.reason}")
    for text in study.warnings:
        typer.echo(f"warning: {text}")
    if written:
        typer.echo(f"probe profile written: {written}")
    for file in files:
        typer.echo(str(file))
