"""Writing reports: the one way in for command line and Python."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from alkfish.errors import InputError, output_errors
from alkfish.io.batch_note import NO_NOTE, BatchNote
from alkfish.io.images import Case
from alkfish.io.provenance import is_scored_file, sha256_path
from alkfish.model.result import CaseResult
from alkfish.report.anonymous import Aliases, anonymous_result, anonymous_review, rename_fields
from alkfish.report.content import make_content
from alkfish.report.details import CaseDetails, with_note
from alkfish.report.evidence import gather
from alkfish.report.options import ReportOptions
from alkfish.report.page import render_page
from alkfish.report.pdf import write_pdf
from alkfish.report.pictures import Source
from alkfish.report.review import ReviewState


def render_html(
    result: CaseResult,
    *,
    images: Case | None = None,
    details: CaseDetails | None = None,
    review: ReviewState | None = None,
    note: BatchNote = NO_NOTE,
    options: ReportOptions | None = None,
) -> str:
    """Return the report of a case as one self-contained HTML page.

    Parameters
    ----------
    result : CaseResult
        From `score_case` or `open_bundle`.
    images : Case, optional
        The images that were scored; without them outlines and signals are drawn without pictures.
    details : CaseDetails, optional
        What the laboratory knows of the case.
    review : ReviewState, optional
        What people did with it; by default nobody has read it.
    note : BatchNote
        What a batch noted of the case, as `read_note` gives it for a bundle: failed control slides
        stand before the cautions of the result.
    options : ReportOptions, optional
        Choices of the laboratory.

    Raises
    ------
    InputError
        If the images are not those that were scored, logo or template cannot be used, or the extra
        ``report`` is not installed.
    """
    chosen, known, state = options or ReportOptions(), details or CaseDetails(), review
    state = state or ReviewState()
    pictures: Mapping[str, Source] = {} if images is None else checked_images(result, images)
    if chosen.anonymous:
        aliases = Aliases.of(result)
        pictures = rename_fields(pictures, aliases)
        result = anonymous_result(result, aliases)
        known, state = known.without_identifiers(), anonymous_review(state)
        note = note.without_names()
    result, known = with_note(result, known, note)
    content = make_content(result, review=state, details=known, options=chosen)
    evidence = gather(result, pictures, per_pattern=chosen.nuclei_per_pattern)
    return render_page(content, evidence, chosen)


def write_report(
    result: CaseResult,
    path: str | Path,
    *,
    images: Case | None = None,
    details: CaseDetails | None = None,
    review: ReviewState | None = None,
    note: BatchNote = NO_NOTE,
    options: ReportOptions | None = None,
    pdf: bool = False,
) -> tuple[Path, ...]:
    """Write the report of a case.

    Parameters
    ----------
    path : path-like
        An HTML file, or a PDF if it ends in ``.pdf``. An older file is replaced.
    pdf : bool
        Also write a PDF beside the HTML file.

    result, images, details, review, note, options
        As for `render_html`.

    Returns
    -------
    tuple of Path
        The files written.

    Raises
    ------
    InputError
        As `render_html`.
    OutputError
        If a file cannot be written.
    """
    target = Path(path)
    page = render_html(
        result, images=images, details=details, review=review, note=note, options=options
    )  # fmt: skip
    if target.suffix.lower() == ".pdf":
        write_pdf(page, target)
        return (target,)
    with output_errors("the report cannot be written", target):
        target.write_text(page, encoding="utf-8", newline="\n")
    if not pdf:
        return (target,)
    paper = target.with_suffix(".pdf")
    write_pdf(page, paper)
    return target, paper


def checked_images(result: CaseResult, images: Case) -> Mapping[str, Source]:
    """Return the images by field name, once their checksums are those of the scored files.

    Raises
    ------
    InputError
        If a file differs from the scored one, or no field is of the case.
    """
    fields = {qc.fov for qc in result.fields}
    sources = {source.name: source for source in images.fields if source.name in fields}
    scored = result.provenance.inputs
    for source in sources.values():
        for path in source.paths:
            if not scored or "://" in str(path):
                continue
            if not is_scored_file(scored, Path(path).name, sha256_path(path)):
                raise InputError(
                    "the images are not those that were scored",
                    where=path,
                    found="another checksum",
                    remedy="give the images of this case, or score them again",
                )
    if not sources:
        raise InputError(
            "the images hold no field of this case",
            where=images.case_id,
            found=", ".join(source.name for source in images.fields[:5]),
            allowed=", ".join(sorted(fields)[:5]),
        )
    return sources
