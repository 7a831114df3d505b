"""The background of normal specimens as a page, with its figures as JSON and CSV beside it."""

from __future__ import annotations

from pathlib import Path

from alkfish.evaluate.background import (
    CLASSES,
    POSITIVE,
    BackgroundStudy,
    LimitMethod,
    first_positive_text,
    specimen_row,
)
from alkfish.report import svg
from alkfish.report.charts import CUT
from alkfish.report.scatter import Frame, Point, value_range
from alkfish.report.study_files import origin, render_study, write_study
from alkfish.report.validation import pattern_word
from alkfish.score.statistics import wilson_interval

TABLES = ("specimens",)
"""Tables beside the page; see `free_study_paths`."""

LABEL_ROOM = 142
"""Width that the labels of the limits take at the right of the chart."""

FULL = 100.0
"""A limit above so many per cent is told, but cannot be drawn."""

_LINES = {
    LimitMethod.MEAN_3SD: ("mean + 3 SD", "6 4"),
    LimitMethod.BETA_INVERSE: ("beta-inverse", "2 3"),
    LimitMethod.BINOMIAL: ("binomial", "9 3 2 3"),
}


def write_background(
    study: BackgroundStudy,
    path: str | Path,
    *,
    written: str = "",
    lab_name: str = "",
    pdf: bool = False,
) -> tuple[Path, ...]:
    """Write the background of a laboratory: page, ``.json``, ``_specimens.csv``, and ``.pdf``.

    Parameters
    ----------
    study : BackgroundStudy
        From `measure_background`.
    path : path-like
        The page.
    written : str
        What was written into a probe profile; empty: nothing.
    lab_name : str
        Name of the laboratory.
    pdf : bool
        Also write the page as a PDF.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    OutputError
        If a file cannot be written.
    """
    record = origin() | {"profile_written": written}
    page = render_background(study, written=written, lab_name=lab_name)
    tables = {"specimens": [specimen_row(one) for one in study.specimens]}
    return write_study(Path(path), page, record | study.to_dict(), tables, pdf=pdf)


def render_background(study: BackgroundStudy, *, written: str = "", lab_name: str = "") -> str:
    """Return the page; see `write_background`.

    Raises
    ------
    InputError
        If the extra ``report`` is not installed.
    """
    rule = study.probe.case_rule.positive_percent
    values = {
        "s": study,
        "reached": any(study.positive.limit(method) >= rule for method in LimitMethod),
        "methods": tuple(LimitMethod),
        "first": first_positive_text,
        "kinds": CLASSES,
        "words": class_word,
        "chart": rate_chart(study),
        "written": written,
    }
    return render_study(
        "cutoff.html",
        values,
        heading="Background of normal specimens",
        subject=study.probe.title,
        lab_name=lab_name,
    )


def class_word(kind: str) -> str:
    """Return a class as people call it."""
    return "Positive (split or isolated 3')" if kind == POSITIVE else pattern_word(kind)


def rate_chart(study: BackgroundStudy) -> str:
    """Return the rates of positive nuclei per specimen with the limits and the cut-off."""
    ordered = sorted(study.specimens, key=lambda s: (s.rate(POSITIVE), s.case_id))
    rule = study.probe.case_rule.positive_percent
    spans = [wilson_interval(s.count(POSITIVE), s.counts.n_enumerated) for s in ordered]
    limits = {method: study.positive.limit(method) for method in LimitMethod}
    drawn = {method: limit for method, limit in limits.items() if limit <= FULL}
    heights = [0.0, rule, *drawn.values(), *(100 * high for _, high in spans)]
    top = min(FULL, value_range(heights, least=5)[1])
    frame = Frame((0.0, len(ordered) + 1.0), (0.0, top), right=LABEL_ROOM)
    for number, (low, high) in enumerate(spans, 1):
        x = frame.at_x(number)
        frame.parts.append(svg.line(x, frame.at_y(100 * low), x, frame.at_y(100 * high), width=1.2))
    labels: list[tuple[float, str]] = []
    for method, (words, dash) in _LINES.items():
        if method in drawn:
            frame.horizontal(drawn[method], class_="limit", stroke="#444", dash=dash)
            labels.append((drawn[method], f"{words} {drawn[method]:.1f} %"))
    frame.horizontal(rule, class_="cut", stroke=CUT, dash="5 3")
    frame.label_lines([*labels, (rule, f"cut-off {rule} %")])
    frame.axes("specimens, by rate", "% positive")
    frame.points(
        [
            Point(number, 100 * s.rate(POSITIVE), "agree", f"{s.case_id}: {s.count(POSITIVE)} of "
                  f"{s.counts.n_enumerated}")
            for number, s in enumerate(ordered, 1)
        ]
    )  # fmt: skip
    return frame.drawing(
        f"Rates of positive nuclei of {len(ordered)} normal specimens; limits "
        + ", ".join(f"{words} {limits[m]:.1f} %" for m, (words, _) in _LINES.items())
        + f"; cut-off {rule} %"
    )
