"""From fields of view to results: composition of the stages, and nothing else.

A field is first analysed by itself (nuclei, spots) and then scored (pairs, patterns), because the
chromatic shift in between belongs to the case: it is measured on a sample of the case's fields.
Fields of the sample are analysed once and kept without their pictures; the others stream through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.detect import (
    ChannelSpots,
    Crosstalk,
    bleed_ratios,
    detect_channel,
    estimate_crosstalk,
    find_granules,
    noise_correlation,
    remove_crosstalk,
    saturation_level,
    unresolved_spots,
)
from alkfish.errors import InputError, ProbeError
from alkfish.io.images import Case
from alkfish.io.probes import load_probe
from alkfish.io.provenance import provenance
from alkfish.model.fov import FieldOfView
from alkfish.model.nuclei import Nuclei
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import CaseResult, FieldResult
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.score.assign import assign_spots
from alkfish.score.case import call_case, count_excluded
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.qc import ChannelFigures, channel_qc, field_qc
from alkfish.score.shift import ChromaticShift, estimate_shift, mutual_offsets_um
from alkfish.segment import Segmenter, find_nuclei

SAMPLE_FIELDS = 8
"""Fields on which what belongs to the case is measured, spread evenly over it."""

SAME_PICTURE = 0.98
"""Correlation of noise that only copies of one picture have."""

CLEAR_P = 0.9
"""Only spots at least this probable measure the chromatic shift."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FieldFindings:
    """What a field shows by itself: nuclei and spots, not yet paired.

    Attributes
    ----------
    fov : FieldOfView
        The field; its planes are let go.
    nuclei : Nuclei
        Segmented nuclei.
    three, five : ChannelSpots
        Spots of the two probe channels.
    figures_3p, figures_5p : ChannelFigures
        Background, noise and saturation of the two channels.
    offsets_um : ndarray of float64, shape (K, 2)
        Vectors between clear mutual neighbours, for the chromatic shift.
    bleed_3p, bleed_5p : ndarray of float64
        Light of lone 3' spots in the 5' channel and the reverse, for the crosstalk.
    same_noise : float
        Correlation of the pixel noise of the two probe channels.
    unresolved_3p, unresolved_5p : ndarray of float64, shape (n_nuclei,)
        Unexplained bright area of each nucleus, in areas of a usual spot.
    """

    name: str
    pixel_size_um: float
    notes: tuple[str, ...]
    nuclei: Nuclei
    three: ChannelSpots
    five: ChannelSpots
    figures_3p: ChannelFigures
    figures_5p: ChannelFigures
    offsets_um: Floats
    bleed_3p: Floats
    bleed_5p: Floats
    same_noise: float
    unresolved_3p: Floats
    unresolved_5p: Floats


@dataclass(frozen=True)
class ChannelCorrection:
    """What belongs to the optics of a case: measured on a sample of its fields.

    Attributes
    ----------
    shift : ChromaticShift
        Of the 5' channel against the 3' channel.
    crosstalk_3p, crosstalk_5p : Crosstalk
        Light of the 3' channel in the 5' channel, and the reverse.
    same_noise : float
        Correlation of the pixel noise of the two probe channels.
    """

    shift: ChromaticShift
    crosstalk_3p: Crosstalk
    crosstalk_5p: Crosstalk
    same_noise: float = 0.0

    def faults(self) -> tuple[str, ...]:
        """Return why the two probe channels cannot be compared; empty if they can."""
        faults = []
        if self.same_noise > SAME_PICTURE:
            faults.append("both probe channels hold the same picture: check the channel roles")
        elif self.crosstalk_3p.inseparable or self.crosstalk_5p.inseparable:
            faults.append(
                "both probe channels show the same spots at a constant ratio: one channel used "
                "twice, or filters that do not separate the dyes"
            )
        if self.shift.misaligned:
            faults.append(
                f"the probe channels do not lie on each other ({self.shift.reason}): wrong "
                "registration"
            )
        return tuple(faults)

    def in_words(self) -> tuple[str, ...]:
        """Return one sentence per correction: applied or not, and why."""
        named = (
            ("chromatic shift", self.shift),
            ("crosstalk from 3' into 5'", self.crosstalk_3p),
            ("crosstalk from 5' into 3'", self.crosstalk_5p),
        )
        return tuple(
            f"{name} {'corrected' if part.applied else 'not corrected'}: {part.reason}"
            for name, part in named
        )


def measure_correction(sample: Sequence[FieldFindings]) -> ChannelCorrection:
    """Return the corrections of a case from the findings of some of its fields."""
    none = np.empty((0, 2))
    noise = float(np.median([found.same_noise for found in sample] or [0.0]))
    into_5p = np.concatenate([none[:, 0], *(found.bleed_3p for found in sample)])
    into_3p = np.concatenate([none[:, 0], *(found.bleed_5p for found in sample)])
    return ChannelCorrection(
        estimate_shift(np.concatenate([none, *(found.offsets_um for found in sample)])),
        estimate_crosstalk(into_5p, same_noise=noise),
        estimate_crosstalk(into_3p, same_noise=noise),
        noise,
    )


def analyse_fov(
    fov: FieldOfView, *, config: Config | None = None, segmenter: Segmenter | None = None
) -> FieldFindings:
    """Find the nuclei and the spots of one field; the first half of `score_fov`."""
    settings = config or Config()
    size = fov.pixel_size_um
    nuclei = find_nuclei(fov.dapi, pixel_size_um=size, config=settings, segmenter=segmenter)
    three, five = (
        detect_channel(plane, pixel_size_um=size, config=settings.detect)
        for plane in (fov.three_prime, fov.five_prime)
    )
    unresolved_3p, unresolved_5p = (
        unresolved_spots(plane, channel, nuclei.labels, pixel_size_um=size)[nuclei.table.nucleus_id]
        for plane, channel in ((fov.three_prime, three), (fov.five_prime, five))
    )
    return FieldFindings(
        name=fov.name,
        pixel_size_um=size,
        notes=fov.notes,
        nuclei=nuclei,
        three=three,
        five=five,
        figures_3p=_figures(fov.three_prime, three),
        figures_5p=_figures(fov.five_prime, five),
        offsets_um=mutual_offsets_um(
            _clear_positions_um(three, nuclei, size), _clear_positions_um(five, nuclei, size)
        ),
        bleed_3p=bleed_ratios(three, five, fov.five_prime),
        bleed_5p=bleed_ratios(five, three, fov.three_prime),
        same_noise=noise_correlation(fov.three_prime, fov.five_prime),
        unresolved_3p=unresolved_3p,
        unresolved_5p=unresolved_5p,
    )


def score_findings(
    findings: FieldFindings, *, correction: ChannelCorrection, probe: ProbeProfile, config: Config
) -> FieldResult:
    """Pair and classify what `analyse_fov` found; the second half of `score_fov`."""
    three, five = _end_spots(findings, correction)
    nuclei, spots = score_nuclei(
        findings.name, findings.nuclei, three, five, pixel_size_um=findings.pixel_size_um,
        shift=correction.shift, probe=probe, config=config,
    )  # fmt: skip
    qc_3p = channel_qc(findings.figures_3p, three.table, nuclei, ("no_signal", "only_5p"))
    qc_5p = channel_qc(findings.figures_5p, five.table, nuclei, ("no_signal", "only_3p"))
    return FieldResult(
        fov=findings.name,
        pixel_size_um=findings.pixel_size_um,
        labels=findings.nuclei.labels,
        nuclei=nuclei,
        spots=spots,
        qc=field_qc(
            findings.name,
            nuclei,
            qc_3p,
            qc_5p,
            shift=correction.shift,
            crosstalk=(correction.crosstalk_3p.share, correction.crosstalk_5p.share),
            corrections=correction.in_words(),
            channel_faults=correction.faults(),
        ),
        notes=findings.notes,
    )


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
    """
    profile, settings = checked_probe(probe), config or Config()
    findings = analyse_fov(fov, config=settings, segmenter=segmenter)
    correction = measure_correction([findings])
    return score_findings(findings, correction=correction, probe=profile, config=settings)


def iter_case(
    case: Case | Iterable[FieldOfView],
    *,
    probe: ProbeProfile | None = None,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
    on_analysed: Callable[[str], None] | None = None,
) -> Iterator[FieldResult]:
    """Yield the result of each field of a case, in order.

    Progress and cancellation need nothing else: a field is scored when it is asked for. The first
    step also analyses a sample of up to eight fields, on which the chromatic shift is measured.

    Parameters
    ----------
    case : Case or iterable of FieldOfView
        The fields; those of a `Case` are read from disk one at a time.
    probe, config, segmenter
        As for `score_fov`.
    on_analysed : callable, optional
        Called with the name of each field once its nuclei and spots are found, which is nearly all
        of the work.
    """
    profile, settings = checked_probe(probe), config or Config()
    names, loaders = _loaders(case)

    def analyse(number: int) -> FieldFindings:
        findings = analyse_fov(loaders[number](), config=settings, segmenter=segmenter)
        if on_analysed is not None:
            on_analysed(findings.name)
        return findings

    kept = {number: analyse(number) for number in _sample(names)}
    correction = measure_correction(list(kept.values()))
    for number in range(len(loaders)):
        findings = kept.pop(number) if number in kept else analyse(number)
        yield score_findings(findings, correction=correction, probe=profile, config=settings)


def score_case(
    case: Case | Iterable[FieldOfView],
    *,
    case_id: str | None = None,
    probe: ProbeProfile | None = None,
    config: Config | None = None,
    segmenter: Segmenter | None = None,
    on_field: Callable[[FieldResult], None] | None = None,
    on_analysed: Callable[[str], None] | None = None,
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
    on_field : callable, optional
        Called with each field's result as it comes.
    on_analysed : callable, optional
        As for `iter_case`: the steps of a progress bar.

    Returns
    -------
    CaseResult
        The call with everything it rests on.

    Raises
    ------
    InputError
        If the case has no fields or two fields of the same name.
    ProbeError
        If the profile has not been confirmed.
    """
    profile, settings = checked_probe(probe), config or Config()
    results = []
    for result in iter_case(
        case, probe=profile, config=settings, segmenter=segmenter, on_analysed=on_analysed
    ):
        results.append(result)
        if on_field is not None:
            on_field(result)
    name = case_id or (case.case_id if isinstance(case, Case) else "case")
    inputs = case.paths if isinstance(case, Case) else ()
    return combine_fields(name, results, probe=profile, config=settings, inputs=inputs)


def combine_fields(
    case_id: str,
    results: Sequence[FieldResult],
    *,
    probe: ProbeProfile,
    config: Config,
    inputs: Iterable[Any] = (),
) -> CaseResult:
    """Return the result of a case from the results of its fields.

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
    made = provenance(config, inputs)
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


def _end_spots(findings: FieldFindings, correction: ChannelCorrection) -> tuple[EndSpots, EndSpots]:
    """Return the spots of both ends without bleed-through and granules."""
    three, five = findings.three, findings.five
    three, five = (
        replace(three, table=remove_crosstalk(three, five, correction.crosstalk_5p)),
        replace(five, table=remove_crosstalk(five, three, correction.crosstalk_3p)),
    )
    inside = assign_spots(
        three.table.y_px, three.table.x_px, findings.nuclei.labels, max_outside_px=0.0
    )
    granules = find_granules(three, five, pixel_size_um=findings.pixel_size_um, a_inside=inside > 0)
    three, five = (
        replace(channel, table=channel.table.take(~granule))
        for channel, granule in zip((three, five), granules, strict=True)
    )
    centres = findings.nuclei.table.y_px, findings.nuclei.table.x_px

    def end(own: ChannelSpots, other: ChannelSpots, unresolved: Floats) -> EndSpots:
        missed = other.p_missed(own.table.y_px, own.table.x_px)
        return EndSpots(own.table, own.usual_snr(*centres), missed, unresolved)

    return end(three, five, findings.unresolved_3p), end(five, three, findings.unresolved_5p)


def _figures(plane: npt.NDArray[Any], channel: ChannelSpots) -> ChannelFigures:
    full = saturation_level(plane)
    return ChannelFigures(
        background=float(np.median(plane[::4, ::4])),
        noise=channel.noise,
        saturated=float((plane >= full).mean()) if np.isfinite(full) else 0.0,
    )


def _clear_positions_um(channel: ChannelSpots, nuclei: Nuclei, pixel_size_um: float) -> Floats:
    """Return the positions of clear spots inside nuclei, shape (N, 2)."""
    table = channel.table.take(channel.table.p_real >= CLEAR_P)
    inside = assign_spots(table.y_px, table.x_px, nuclei.labels, max_outside_px=0.0) > 0
    return np.stack([table.y_px[inside], table.x_px[inside]], axis=1) * pixel_size_um
