"""From fields of view to the result of a case.

Fields of the sample are analysed once and kept without their pictures; the others stream through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.config import Config
from alkfish.errors import InputError, ProbeError
from alkfish.io.bundle import folder_name
from alkfish.io.geojson import Regions
from alkfish.io.images import Case, FieldSource
from alkfish.io.probes import load_probe
from alkfish.io.provenance import Checksums, provenance
from alkfish.model.fov import FieldOfView
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult, FieldResult
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.pipeline.correction import measure_correction
from alkfish.pipeline.field import FieldFindings, analyse_fov, mark_outside, score_findings
from alkfish.pipeline.slide import Executor, SlideProgress, run_here, score_slide
from alkfish.score.case import call_case, count_excluded
from alkfish.segment import Segmenter
from alkfish.slides import is_slide

SAMPLE_FIELDS = 8
"""Fields on which what belongs to the case is measured, spread evenly over it."""


def score_fov(
    fov: FieldOfView,
    *,
    probe: ProbeProfile | None = None,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
) -> FieldResult:
    """Score one field of view: nuclei, spots, pairs and patterns.

    Parameters
    ----------
    fov : FieldOfView
        DAPI and both probe ends.
    probe : ProbeProfile, optional
        Rules of the kit; the default is ``vysis-alk``.
    config : Config, optional
        Settings; the defaults if left out.
    segmenter : Segmenter, optional
        Replaces the built-in nucleus segmenter.

    Returns
    -------
    FieldResult
        Tables of nuclei and spots, the label image, and quality figures. Tables are empty if
        nothing is found.

    Raises
    ------
    ProbeError
        If the profile has not been confirmed.

    Examples
    --------
    >>> from alkfish import simulate_case
    >>> case = simulate_case("typical", seed=17, n_fields=1, shape=(512, 512))
    >>> field = score_fov(case.fields[0].fov)
    >>> len(field.nuclei) == len(set(field.labels[field.labels > 0]))
    True
    """
    profile, settings = checked_probe(probe), config or Config()
    findings = analyse_fov(fov, config=settings, segmenter=segmenter)
    correction = measure_correction([findings])
    return score_findings(findings, correction=correction, probe=profile, config=settings)


@dataclass(frozen=True)
class Spread:
    """How the work on a case is spread, and who is told; none of it changes a result.

    Attributes
    ----------
    executor : Executor, optional
        Spreads fields over workers; see `alkfish.execute.open_executor`. None: one after the other.
    folder : Path, optional
        Where finished fields of slides are kept, so that a stopped run can go on. None: a temporary
        folder.
    tile_fields : int
        Side of a unit of work on a slide, in fields.
    on_analysed : callable, optional
        Called with the name of each field once its nuclei and spots are found, which is nearly all
        of the work.
    on_slide : callable, optional
        Called with the name of a slide and a `SlideProgress`.
    """

    executor: Executor | None = None
    folder: Path | None = None
    tile_fields: int = 1
    on_analysed: Callable[[str], None] | None = None
    on_slide: Callable[[str, SlideProgress], None] | None = None


def iter_case(
    case: Case | Iterable[FieldOfView],
    *,
    probe: ProbeProfile | None = None,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
    regions: Mapping[str, Regions] | None = None,
    spread: Spread | None = None,
) -> Iterator[FieldResult]:
    """Yield the result of each field of a case, in order.

    Progress and cancellation need nothing else: a field is scored when it is asked for. The first
    step also analyses a sample of up to eight fields, on which the chromatic shift is measured. A
    whole slide is one field; it is scored by itself, as a grid (see `alkfish.pipeline.slide`).

    Parameters
    ----------
    case : Case or iterable of FieldOfView
        The fields; those of a `Case` are read from disk one at a time.
    probe, config, segmenter
        As for `score_fov`.
    regions : mapping of str to Regions, optional
        Outlined areas by name of the field. Nuclei outside are kept, flagged and not counted.
    spread : Spread, optional
        How the work is spread; it never changes a result.

    Examples
    --------
    >>> from alkfish import open_case
    >>> for field in iter_case(open_case("case_17")):
    ...     print(field.fov)
    field_01
    field_02
    field_03
    """
    profile, settings = checked_probe(probe), config or Config()
    plan = spread or Spread()
    areas = _checked_regions(case, regions or {})
    names, loaders = _loaders(case)
    slides = _slides(case)
    small = [number for number in range(len(names)) if number not in slides]
    job = _FieldJob(settings, segmenter, areas)
    picked = [small[number] for number in _sample([names[number] for number in small])]
    kept = dict(_analyse(job, picked, loaders, plan))
    correction = measure_correction([kept[number] for number in picked])
    rest = _analyse(job, [number for number in small if number not in kept], loaders, plan)
    for number in range(len(names)):
        if number in slides:
            yield _score_one_slide(slides[number], job, profile, plan)
            continue
        while number not in kept:
            kept.update([next(rest)])
        findings = kept.pop(number)
        yield score_findings(findings, correction=correction, probe=profile, config=settings)


def score_case(
    case: Case | Iterable[FieldOfView],
    *,
    case_id: str | None = None,
    probe: ProbeProfile | None = None,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
    regions: Mapping[str, Regions] | None = None,
    spread: Spread | None = None,
    on_field: Callable[[FieldResult], None] | None = None,
) -> CaseResult:
    """Score all fields of a case and call it.

    Parameters
    ----------
    case : Case or iterable of FieldOfView
        The fields; from `open_case`, or made from arrays.
    case_id : str, optional
        Identifier; that of the `Case` if left out, else ``case``.
    probe, config, segmenter
        As for `score_fov`.
    regions, spread
        As for `iter_case`.
    on_field : callable, optional
        Called with each field's result as it comes.

    Returns
    -------
    CaseResult
        The call with everything it rests on.

    Raises
    ------
    InputError
        If the case has no fields or two fields of the same name, a region is of no field, or a
        picture changes meanwhile.
    ProbeError
        If the profile has not been confirmed.

    Examples
    --------
    >>> from alkfish import open_case
    >>> result = score_case(open_case("case_17"))
    >>> result.case_id, result.call.call.value
    ('case_17', 'NOT_EVALUABLE')
    """
    profile, settings = checked_probe(probe), config or Config()
    results = []
    name = case_id or (case.case_id if isinstance(case, Case) else "case")
    inputs = case.paths if isinstance(case, Case) else ()
    with Checksums(inputs) as checksums:
        for result in iter_case(
            case, probe=profile, config=settings, segmenter=segmenter, regions=regions,
            spread=spread,
        ):  # fmt: skip
            results.append(result)
            if on_field is not None:
                on_field(result)
        return combine_fields(
            name, results, probe=profile, config=settings, inputs=inputs, checksums=checksums
        )


@dataclass(frozen=True)
class _FieldJob:
    """Analyses fields, wherever it is sent."""

    config: Config
    segmenter: Segmenter | None
    regions: Mapping[str, Regions]

    def __call__(self, load: Callable[[], FieldOfView]) -> FieldFindings:
        fov = load()
        findings = analyse_fov(fov, config=self.config, segmenter=self.segmenter)
        area = self.regions.get(fov.name)
        return findings if area is None else mark_outside(findings, area)


def _analyse(
    job: _FieldJob, numbers: Sequence[int], loaders: Sequence[Callable[[], FieldOfView]],
    plan: Spread,
) -> Iterator[tuple[int, FieldFindings]]:  # fmt: skip
    """Yield the number and the findings of fields as they are done."""
    run = run_here if plan.executor is None else plan.executor.run
    for place, findings in run(job, [loaders[number] for number in numbers]):
        if plan.on_analysed is not None:
            plan.on_analysed(findings.name)
        yield numbers[place], findings


def _score_one_slide(
    source: FieldSource, job: _FieldJob, probe: ProbeProfile, plan: Spread
) -> FieldResult:
    def tell(progress: SlideProgress) -> None:
        if plan.on_slide is not None:
            plan.on_slide(source.name, progress)

    return score_slide(
        source,
        probe=probe,
        config=job.config,
        executor=plan.executor,
        folder=None if plan.folder is None else plan.folder / folder_name(source.name),
        regions=job.regions.get(source.name),
        tile_fields=plan.tile_fields,
        on_progress=tell,
    )


def _slides(case: Case | Iterable[FieldOfView]) -> dict[int, FieldSource]:
    """Return the fields of a case that are too large to be scored in one piece, by number."""
    if not isinstance(case, Case):
        return {}
    return {
        number: source
        for number, source in enumerate(case.fields)
        if is_slide(source.shape, n_planes=source.n_planes)
    }


def _checked_regions(
    case: Case | Iterable[FieldOfView], regions: Mapping[str, Regions]
) -> Mapping[str, Regions]:
    names = {source.name for source in case.fields} if isinstance(case, Case) else set(regions)
    strangers = sorted(set(regions) - names)
    if strangers:
        raise InputError(
            "outlined areas are given for a field that the case does not have",
            where=", ".join(strangers),
            allowed=", ".join(sorted(names)),
            remedy="name the outlines after the field they belong to",
        )
    return regions


def combine_fields(
    case_id: str,
    results: Sequence[FieldResult],
    *,
    probe: ProbeProfile,
    config: Config,
    inputs: Iterable[Any] = (),
    checksums: Checksums | None = None,
) -> CaseResult:
    """Return the result of a case from the results of its fields.

    Parameters
    ----------
    case_id, results, probe, config
        Name, fields and what they were scored with.
    inputs, checksums
        As for `alkfish.io.provenance.provenance`.

    Raises
    ------
    InputError
        If there are no fields or two of the same name.
    """
    names = [result.fov for result in results]
    if not names or len(set(names)) < len(names):
        raise InputError(
            "a case needs at least one field, and a name of its own for each",
            where=case_id,
            found=", ".join(names) or "no field",
            remedy="give each FieldOfView another name=",
        )
    made = provenance(config, inputs, checksums=checksums)
    _refuse_copies(case_id, made.inputs)
    nuclei = NucleusRecords.concatenate([result.nuclei for result in results])
    notes = [note for result in results for note in result.notes]
    quality = tuple(result.qc for result in results)
    return CaseResult(
        case_id=case_id,
        call=call_case(nuclei, quality, probe, notes=notes),
        nuclei=nuclei,
        spots=SpotRecords.concatenate([result.spots for result in results]),
        fields=quality,
        excluded=count_excluded(nuclei),
        probe=probe,
        provenance=made,
        labels={result.fov: result.labels for result in results},
        pixel_size_um={result.fov: result.pixel_size_um for result in results},
        notes={result.fov: result.notes for result in results if result.notes},
    )


def _refuse_copies(case_id: str, checksums: Mapping[str, str]) -> None:
    """Refuse a case in which one picture stands twice: its nuclei would be counted twice."""
    first: dict[str, str] = {}
    for name, checksum in checksums.items():
        if checksum in first:
            raise InputError(
                "two files of the case hold the same picture, so its nuclei would count twice",
                where=case_id,
                found=f"{first[checksum]} and {name}",
                remedy="remove the copy",
            )
        first[checksum] = name


def checked_probe(probe: ProbeProfile | None) -> ProbeProfile:
    """Return the profile to score with; the default is ``vysis-alk``.

    Raises
    ------
    ProbeError
        If the profile has not been confirmed by a person (clinical-rules 4).
    """
    profile = load_probe() if probe is None else probe
    if not profile.confirmed:
        raise ProbeError(
            "the probe profile is a template that nobody has confirmed",
            where=profile.name,
            remedy=f"save it with `alkfish probe show {profile.name} > my-probe.toml`, fill in the "
            "colours and figures of your kit, set confirmed = true, and pass --probe my-probe.toml",
        )
    return profile


def _loaders(
    case: Case | Iterable[FieldOfView],
) -> tuple[list[str], list[Callable[[], FieldOfView]]]:
    """Return the names of the fields, and what gives each of them."""
    if isinstance(case, Case):
        return [source.name for source in case.fields], [source.load for source in case.fields]
    fields = list(case)
    return [fov.name for fov in fields], [
        partial(fields.__getitem__, k) for k in range(len(fields))
    ]


def _sample(names: Sequence[str]) -> list[int]:
    """Return the numbers of up to `SAMPLE_FIELDS` fields, spread evenly in the order of names.

    The order in which the fields are given must not matter to what is measured on them.
    """
    order = sorted(range(len(names)), key=names.__getitem__)
    picked = np.linspace(0, len(order) - 1, min(len(order), SAMPLE_FIELDS))
    return [order[number] for number in np.unique(np.rint(picked).astype(int)).tolist()]
