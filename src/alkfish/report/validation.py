"""A validation as a page to read, check and file, with its figures as JSON and CSV beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from alkfish.evaluate.call_agreement import CALLS
from alkfish.evaluate.method_comparison import MIN_PAIRS
from alkfish.evaluate.validation import ComparedCase, Outcome, Validation
from alkfish.io.provenance import sha256_path
from alkfish.model.signals import Pattern
from alkfish.report.scatter import Point, difference_plot, identity_plot
from alkfish.report.study_files import (
    Rows,
    origin,
    relative_link,
    render_study,
    write_study,
)
from alkfish.report.wording import PATTERN_WORDS, chance_text, signed_text
from alkfish.review.agreement import CATEGORIES, NOT_SCORABLE

CASE_REPORTS = ("report.html", "report-anonymous.html")
"""Names under which the report of a case stands in its bundle."""

ENOUGH_CASES = 20
"""Positive and negative cases that CAP asks for at least when immunohistochemistry of a predictive
marker is validated; taken as a yardstick, for no such figure is known for this assay."""

_KINDS = {
    Outcome.OPPOSITE: ("opposite", "OPPOSITE CALLS"),
    Outcome.UNDECIDED: ("undecided", "ONE WITHOUT A DEFINITE CALL"),
    Outcome.NO_REFERENCE: ("none", "NO REFERENCE CALL"),
    Outcome.AGREE: ("agree", "SAME CALL"),
}
_OUTLIER = "RATES FAR APART"
LEGEND = (
    ("agree", "●", "same call"),
    ("opposite", "◆", "opposite calls"),
    ("undecided", "▲", "one without a definite call"),
    ("none", "▽", "no reference call"),
)
SOURCES = (
    "Intervals: Wilson 1927, Clopper and Pearson 1934. Kappa: Cohen 1960, variance of Fleiss, "
    "Cohen and Everitt 1969. Limits of agreement: Bland and Altman 1999. Concordance: Lin 1989, "
    "2000. PPA, NPA and undecided results: FDA, Statistical Guidance on Reporting Results from "
    "Studies Evaluating Diagnostic Tests, 2007."
)
TABLES = ("cases", "nuclei")
"""Tables beside the page; see `free_study_paths`."""


@dataclass(frozen=True)
class Target:
    """A figure beside what the project aims at (clinical-rules 6.3).

    ``known`` is false where the figure cannot be told; ``met`` then says nothing.
    """

    name: str
    target: str
    found: str
    met: bool
    known: bool = True


def write_validation(
    validation: Validation,
    path: str | Path,
    *,
    subject: str,
    inputs: Sequence[Path] = (),
    lab_name: str = "",
    pdf: bool = False,
) -> tuple[Path, ...]:
    """Write a validation: page, ``.json``, ``_cases.csv``, ``_nuclei.csv``, and ``.pdf``.

    Parameters
    ----------
    validation : Validation
        From `validate_results`.
    path : path-like
        The page. Links to reports of cases are relative to it.
    subject : str
        What was validated, for the head of the page.
    inputs : sequence of Path
        The manual reads; their checksums are written down.
    lab_name : str
        Name of the laboratory.
    pdf : bool
        Also write the page as a PDF.

    Returns
    -------
    tuple of Path
        The files; older ones are replaced.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    OutputError
        If a file cannot be written.
    """
    target = Path(path)
    sums = [(file.name, sha256_path(file)) for file in inputs]
    page = render_validation(
        validation, target, subject=subject, inputs=sums, lab_name=lab_name
    )  # fmt: skip
    record = origin() | {"inputs": dict(sums)} | validation.to_dict()
    tables = {"cases": _case_rows(record["cases"]), "nuclei": _nucleus_rows(validation)}
    return write_study(target, page, record, tables, pdf=pdf)


def render_validation(
    validation: Validation,
    page: Path,
    *,
    subject: str,
    inputs: Sequence[tuple[str, str]] = (),
    lab_name: str = "",
) -> str:
    """Return the page of a validation; see `write_validation`.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    anchors = {case.case_id: str(number) for number, case in enumerate(validation.cases, 1)}
    reports = {case.case_id: _report_of(case) for case in validation.cases}
    known = validation.rates.is_known
    values = {
        "v": validation,
        "cautions": cautions_of(validation),
        "anchors": anchors,
        "kinds": {case.case_id: _kind_words(validation, case) for case in validation.cases},
        "links": {
            name: relative_link(report, page) if report.name else ""
            for name, report in reports.items()
        },
        "nucleus_links": _nucleus_links(validation, reports, page),
        "call_names": CALLS,
        "categories": CATEGORIES,
        "words": pattern_word,
        "chance": chance_text,
        "signed": signed_text,
        "identity": _identity(validation, anchors) if known else "",
        "difference": _difference(validation, anchors) if known else "",
        "legend": LEGEND,
        "min_pairs": MIN_PAIRS,
        "targets": targets_of(validation),
        "inputs": inputs,
        "sources": SOURCES,
    }
    return render_study(
        "validation.html",
        values,
        heading="Validation against manual reads",
        subject=subject,
        lab_name=lab_name,
    )


def pattern_word(name: str) -> str:
    """Return a pattern as people call it."""
    if name in PATTERN_WORDS:
        return PATTERN_WORDS[Pattern(name).value].name
    return "Not counted" if name in ("", NOT_SCORABLE) else name


def cautions_of(validation: Validation) -> list[str]:
    """Return what a reader of the figures must know first."""
    return [
        "The machine's proposals were compared as they are, before any review by a person.",
        *validation.remarks,
        *_few_cases(validation),
        *_mixed_methods(validation),
        *_left_out(validation),
    ]


def _few_cases(validation: Validation) -> Iterator[str]:
    """Yield that there are few cases, or none where calls are hardest."""
    calls = validation.calls
    positive, negative = (sum(row) for row in calls.confusion[:2])
    if min(positive, negative) < ENOUGH_CASES:
        yield (
            f"{positive} positive and {negative} negative cases by manual call are few: CAP asks "
            f"for at least {ENOUGH_CASES} of each where a predictive marker is validated by "
            "immunohistochemistry (no figure is known for this assay). True agreement could be as "
            f"low as {100 * calls.accuracy.exact_interval[0]:.0f} %."
        )
    if validation.rates.n and not any(map(_is_borderline, validation.cases)):
        yield "No case has a manual rate from 10 to 20 %, where calls are hardest."


def _mixed_methods(validation: Validation) -> Iterator[str]:
    if len(validation.methods) > 1:
        yield (
            "The results were not all made in the same way (version, probe profile or settings "
            "differ, see below): their figures must not be read as those of one method."
        )


def _left_out(validation: Validation) -> Iterator[str]:
    """Yield which cases and nuclei could not be compared."""
    reasons = [item.reason for item in validation.left_out]
    if missing := reasons.count("no result"):
        yield (
            f"{_count(missing, 'manually read case')} without a result. Cases that could not be "
            "scored belong into a validation."
        )
    if unread := reasons.count("no manual read"):
        yield f"{_count(unread, 'result')} without a manual read, left out."
    if validation.nuclei_not_found:
        lost = _count(len(validation.nuclei_not_found), "judged nucleus", "judged nuclei")
        yield (
            f"Not found: {lost}. Numbers of nuclei hold for one result only and change when a "
            "case is scored again."
        )


def _is_borderline(case: ComparedCase) -> bool:
    """Whether the manual rate lies from 10 to 20 %."""
    return case.reference.has_rate and 0.10 <= case.reference.rate <= 0.20


def _count(n: int, one: str, several: str = "") -> str:
    return f"{n} {one if n == 1 else several or one + 's'}"


def targets_of(validation: Validation) -> list[Target]:
    """Return the project's own targets beside what was found (clinical-rules 6.3)."""
    calls, rates = validation.calls, validation.rates
    clear = [
        case
        for case in validation.cases
        if case.outcome is Outcome.OPPOSITE and not _is_borderline(case)
    ]
    undecided = calls.undecided
    found = []
    if calls.n_definite:
        kappa, share = calls.kappa.value, calls.accuracy.value
        found.append(Target("Agreement of calls", "95 % or more", f"{100 * share:.1f} %",
                            share >= 0.95))  # fmt: skip
        told = f"{kappa:.2f}" if calls.has_kappa else "cannot be told"
        found.append(Target("Kappa", "0.85 or more", told, kappa >= 0.85, calls.has_kappa))
        found.append(Target("Opposite calls outside of 10 to 20 %", "none", str(len(clear)),
                            not clear))  # fmt: skip
    if undecided.total:
        found.append(Target("No definite machine call", "7 % or less",
                            f"{100 * undecided.value:.1f} %", undecided.value <= 0.07))  # fmt: skip
    if rates.is_known:
        r, off = rates.pearson.value, rates.mean_absolute
        found.append(Target("Correlation of rates r", "0.9 or more", f"{r:.3f}", r >= 0.9))
        found.append(Target("Mean absolute difference", "5 points or less", f"{off:.1f}", off <= 5))
    return found


def _kind_words(validation: Validation, case: ComparedCase) -> str:
    agrees = case.outcome in (Outcome.AGREE, Outcome.NO_REFERENCE)
    return _OUTLIER if agrees and validation.is_outlier(case) else _KINDS[case.outcome][1]


def _report_of(case: ComparedCase) -> Path:
    """Return the report in the bundle of a case; an empty path if there is none."""
    files = (case.machine.bundle / name for name in CASE_REPORTS)
    return next((file for file in files if file.is_file()), Path())


def _nucleus_links(
    validation: Validation, reports: Mapping[str, Path], page: Path
) -> dict[tuple[str, str, int], str]:
    """Return addresses of nuclei within the reports that show them; empty where one does not."""
    links = {}
    for case in validation.disagreements:
        report = reports[case.case_id]
        text = report.read_text("utf-8", "replace") if report.name else ""
        for nucleus in case.nuclei:
            anchor = f"nucleus-{quote(nucleus.fov)}-{nucleus.nucleus_id}"
            shown = f'id="{escape(anchor)}"' in text
            link = f"{relative_link(report, page)}#{anchor}" if shown else ""
            links[case.case_id, nucleus.fov, nucleus.nucleus_id] = link
    return links


def _points(
    validation: Validation, anchors: Mapping[str, str], *, differences: bool
) -> list[Point]:
    points = []
    for case in validation.cases:
        if not case.has_rates:
            continue
        manual, machine = 100 * case.reference.rate, 100 * case.machine.rate
        place = ((manual + machine) / 2, machine - manual) if differences else (manual, machine)
        kind, words = _KINDS[case.outcome]
        title = f"{case.case_id}: manual {manual:.1f} %, machine {machine:.1f} %, {words.lower()}"
        points.append(Point(*place, kind, title, f"#case-{anchors[case.case_id]}"))
    return points


def _identity(validation: Validation, anchors: Mapping[str, str]) -> str:
    cutoffs = {method.cutoff_percent for method in validation.methods}
    rates = validation.rates
    what = (
        f"Machine against manual rate of {rates.n} cases; Pearson's r {rates.pearson.value:.3f}, "
        f"concordance {rates.concordance.value:.3f}"
    )
    return identity_plot(
        _points(validation, anchors, differences=False),
        cutoff_percent=cutoffs.pop() if len(cutoffs) == 1 else 0,
        what=what,
    )


def _difference(validation: Validation, anchors: Mapping[str, str]) -> str:
    rates = validation.rates
    what = (
        f"Bland-Altman plot of {rates.n} cases: bias {rates.bias.value:+.1f} points, limits of "
        f"agreement {rates.lower.value:.1f} to {rates.upper.value:.1f}"
    )
    return difference_plot(_points(validation, anchors, differences=True), rates, what=what)


def _case_rows(cases: Sequence[Mapping[str, Any]]) -> Rows:
    def flat(value: Any) -> Any:
        return "; ".join(value) if isinstance(value, list) else value

    return [
        {key: flat(value) for key, value in case.items() if key != "nuclei_to_see"}
        for case in cases
    ]


def _nucleus_rows(validation: Validation) -> Rows:
    return [asdict(item) | {"differs": item.is_disagreement} for item in validation.judged]
