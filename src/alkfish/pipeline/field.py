"""One field: what it shows by itself, and what that means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.detect import (
    ChannelModel,
    ChannelSpots,
    bleed_ratios,
    detect_channel,
    detect_stack,
    find_granules,
    learn_spots,
    median_count,
    noise_correlation,
    project_maximum,
    remove_crosstalk,
    unresolved_spots,
)
from alkfish.io.geojson import Regions
from alkfish.model.flags import NucleusFlag
from alkfish.model.fov import FieldOfView
from alkfish.model.nuclei import Nuclei
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import FieldResult
from alkfish.pipeline.correction import ChannelCorrection
from alkfish.score.assign import assign_spots
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.qc import ChannelFigures, channel_qc, field_qc
from alkfish.score.shift import mutual_offsets_um
from alkfish.segment import (
    DapiLevels,
    Segmenter,
    find_nuclei,
    measure_dapi,
    project_focus,
)

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
    offsets_um : ndarray of float64, shape (K, 3)
        Vectors between clear mutual neighbours, for the chromatic shift.
    bleed_3p, bleed_5p : ndarray of float64
        Light of lone 3' spots in the 5' channel and the reverse, for the crosstalk.
    same_noise : float
        Correlation of the pixel noise of the two probe channels.
    unresolved_3p, unresolved_5p : ndarray of float64, shape (n_nuclei,)
        Unexplained bright area of each nucleus, in areas of a usual spot.
    n_planes, z_step_um : int, float
        Focus planes and their distance; 1 and 0 for a single plane.
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
    n_planes: int = 1
    z_step_um: float = 0.0


@dataclass(frozen=True, eq=False)
class FieldModel:
    """What fields of one slide share: estimated once, so that it cannot differ between them.

    Parts that are None are estimated from each field by itself.
    """

    dapi: DapiLevels | None = None
    three: ChannelModel | None = None
    five: ChannelModel | None = None


MODEL_PARTS = ("dapi", "three_prime", "five_prime")
"""What `learn_part` can learn, in the order of the attributes of a `FieldModel`."""


def learn_part(
    part: str, sample: Sequence[FieldOfView], *, config: Config
) -> DapiLevels | ChannelModel:
    """Estimate one of `MODEL_PARTS` from some windows of a slide, at least one."""
    size = sample[0].pixel_size_um
    if part == "dapi":
        planes = [_sharp_dapi(fov) for fov in sample]
        return measure_dapi(planes, pixel_size_um=size, config=config)
    planes = [_searched_plane(getattr(fov, part), fov) for fov in sample]
    return learn_spots(planes, pixel_size_um=size, config=config.detect)


def analyse_fov(
    fov: FieldOfView, *, config: Config | None = None, segmenter: Segmenter | None = None,
    model: FieldModel | None = None, origin_px: tuple[int, int] = (0, 0),
) -> FieldFindings:  # fmt: skip
    """Find the nuclei and the spots of one field; the first half of `score_fov`.

    Parameters
    ----------
    fov, config, segmenter
        As for `alkfish.score_fov`.
    model : FieldModel, optional
        What the field shares with others of its slide.
    origin_px : tuple of int
        Row and column of the field's first pixel in the slide, used with `model` only.
    """
    settings = config or Config()
    size = fov.pixel_size_um
    shared = model or FieldModel()
    nuclei = find_nuclei(
        _sharp_dapi(fov), pixel_size_um=size, config=settings, segmenter=segmenter,
        levels=shared.dapi, origin_px=origin_px,
    )  # fmt: skip
    (three, plane_3p), (five, plane_5p) = (
        _find_spots(pixels, fov, settings, channel)
        for pixels, channel in ((fov.three_prime, shared.three), (fov.five_prime, shared.five))
    )
    unresolved_3p, unresolved_5p = (
        unresolved_spots(plane, channel, nuclei.labels, pixel_size_um=size)[nuclei.table.nucleus_id]
        for plane, channel in ((plane_3p, three), (plane_5p, five))
    )
    middle = (fov.n_planes // 2,) if fov.is_stack else ()
    return FieldFindings(
        name=fov.name,
        pixel_size_um=size,
        notes=fov.notes,
        nuclei=nuclei,
        three=three,
        five=five,
        figures_3p=_figures(plane_3p, three),
        figures_5p=_figures(plane_5p, five),
        offsets_um=mutual_offsets_um(
            _clear_positions_um(three, nuclei, size), _clear_positions_um(five, nuclei, size)
        ),
        bleed_3p=bleed_ratios(three, five, plane_5p, pixel_size_um=size),
        bleed_5p=bleed_ratios(five, three, plane_3p, pixel_size_um=size),
        same_noise=noise_correlation(fov.three_prime[middle], fov.five_prime[middle]),
        unresolved_3p=unresolved_3p,
        unresolved_5p=unresolved_5p,
        n_planes=fov.n_planes,
        z_step_um=fov.z_step_um,
    )


def _sharp_dapi(fov: FieldOfView) -> npt.NDArray[Any]:
    """Return the DAPI plane, or the extended-focus projection of the stack."""
    if not fov.is_stack:
        return fov.dapi
    return project_focus(fov.dapi, pixel_size_um=fov.pixel_size_um)


def _searched_plane(pixels: npt.NDArray[Any], fov: FieldOfView) -> npt.NDArray[Any]:
    """Return the plane of a probe channel, or the projection of its stack."""
    return project_maximum(pixels, z_step_um=fov.z_step_um) if fov.is_stack else pixels


def _find_spots(
    pixels: npt.NDArray[Any], fov: FieldOfView, settings: Config, model: ChannelModel | None
) -> tuple[ChannelSpots, npt.NDArray[Any]]:
    """Return the spots of a probe channel and the plane, or projection, they were found on."""
    size, config = fov.pixel_size_um, settings.detect
    if not fov.is_stack:
        return detect_channel(pixels, pixel_size_um=size, config=config, model=model), pixels
    found = detect_stack(
        pixels, pixel_size_um=size, z_step_um=fov.z_step_um, config=config, model=model
    )
    return found.channel, found.projection


def mark_outside(
    findings: FieldFindings, regions: Regions, *, top: int = 0, left: int = 0
) -> FieldFindings:
    """Flag the nuclei whose centroid lies outside the outlined areas: kept, but not counted.

    Parameters
    ----------
    findings : FieldFindings
        Of a field, or of a window of a slide.
    regions : Regions
        Areas in pixels of the whole picture.
    top, left : int
        Where the window begins in it.
    """
    table = findings.nuclei.table
    outside = ~regions.contains(table.y_px + top, table.x_px + left)
    flags = table.flags | np.where(outside, int(NucleusFlag.OUTSIDE_ROI), 0).astype(np.int32)
    nuclei = Nuclei(findings.nuclei.labels, replace(table, flags=flags))
    return replace(findings, nuclei=nuclei, notes=(*findings.notes, regions.in_words()))


def score_findings(
    findings: FieldFindings, *, correction: ChannelCorrection, probe: ProbeProfile, config: Config
) -> FieldResult:
    """Pair and classify what `analyse_fov` found; the second half of `score_fov`."""
    three, five = _end_spots(findings, correction)
    nuclei, spots = score_nuclei(
        findings.name, findings.nuclei, three, five, pixel_size_um=findings.pixel_size_um,
        shift=correction.shift, probe=probe, config=config,
    )  # fmt: skip
    qc_3p = channel_qc(findings.figures_3p, three.table.snr, nuclei, ("no_signal", "only_5p"))
    qc_5p = channel_qc(findings.figures_5p, five.table.snr, nuclei, ("no_signal", "only_3p"))
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
            n_planes=findings.n_planes,
            z_step_um=findings.z_step_um,
        ),
        notes=findings.notes,
    )


def _end_spots(findings: FieldFindings, correction: ChannelCorrection) -> tuple[EndSpots, EndSpots]:
    """Return the spots of both ends without bleed-through and granules."""
    three, five, size = findings.three, findings.five, findings.pixel_size_um
    in_3p, in_5p = correction.crosstalk_5p, correction.crosstalk_3p
    three, five = (
        replace(three, table=remove_crosstalk(three, five, in_3p, pixel_size_um=size)),
        replace(five, table=remove_crosstalk(five, three, in_5p, pixel_size_um=size)),
    )
    inside = assign_spots(
        three.table.y_px, three.table.x_px, findings.nuclei.labels, max_outside_px=0.0
    )
    granules = find_granules(three, five, pixel_size_um=size, a_inside=inside > 0)
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
    full = channel.saturation
    return ChannelFigures(
        background=median_count(plane[::4, ::4]),
        noise=channel.noise,
        saturated=np.count_nonzero(plane >= full) / plane.size if np.isfinite(full) else 0.0,
    )


def _clear_positions_um(channel: ChannelSpots, nuclei: Nuclei, pixel_size_um: float) -> Floats:
    """Return the positions y, x, z of clear spots inside nuclei, shape (N, 3)."""
    table = channel.table.take(channel.table.p_real >= CLEAR_P)
    inside = assign_spots(table.y_px, table.x_px, nuclei.labels, max_outside_px=0.0) > 0
    y_um, x_um = table.y_px[inside] * pixel_size_um, table.x_px[inside] * pixel_size_um
    return np.stack([y_um, x_um, table.z_um[inside]], axis=1)
