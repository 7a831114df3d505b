"""A result with the edits of a reader applied: a new result, the machine's one is not changed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import Config
from alkfish.errors import ReviewError
from alkfish.model.flags import NucleusFlag, SpotFlag, join_flags, parse_flags
from alkfish.model.result import CaseResult, FieldQC
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.model.table import Table
from alkfish.review.edits import (
    Edit,
    NucleiMerged,
    NucleusDeclumped,
    SpotAdded,
    SpotDeleted,
    SpotMoved,
)
from alkfish.review.outlines import Patch, PatchedLabels, cut_mask, window_of
from alkfish.review.rescore import FieldRules, put, rescore_nuclei
from alkfish.review.touching import bridged, check_touching
from alkfish.score.assign import assign_spots
from alkfish.score.case import call_case, count_excluded

USUAL_DIAMETER_UM = 0.5
"""Diameter of an added spot in a field without spots of its end (clinical-rules 8)."""

_IN_DEPTH = " um in depth"
"""How `FieldQC.corrections` ends where a displacement in depth was applied."""

_SHAPE = NucleusFlag.TOO_SMALL | NucleusFlag.TOO_LARGE | NucleusFlag.CLUMP
"""Doubts about an outline that end when a person draws it."""


def apply_edits(result: CaseResult, edits: Iterable[Edit]) -> CaseResult:
    """Return a result with edits applied in order; touched nuclei are paired and classified anew.

    The call is that of the machine's rule over the edited nuclei. Nothing of `result` is changed;
    label images are patched where they are read.

    Parameters
    ----------
    result : CaseResult
        The machine's result.
    edits : iterable of Edit
        In the order in which they were made.

    Returns
    -------
    CaseResult
        `result` itself if there are no edits.

    Raises
    ------
    ReviewError
        If an edit concerns a field, nucleus or spot that is not there, or cannot be done.
    """
    edited = result
    config = Config.from_mapping(result.provenance.config, where=f"settings of {result.case_id}")
    for edit in edits:
        edited = _apply(edited, edit, _rules(edited, edit.fov, config))
    if edited is result:
        return result
    notes = [note for notes in edited.notes.values() for note in notes]
    return replace(
        edited,
        call=call_case(edited.nuclei, edited.fields, edited.probe, notes=notes),
        excluded=count_excluded(edited.nuclei),
    )


def nucleus_at(result: CaseResult, fov: str, y_px: float, x_px: float) -> int:
    """Return the nucleus at a point, by the tolerance of scoring; 0 for none.

    Raises
    ------
    ReviewError
        If there is no such field.
    """
    config = Config.from_mapping(result.provenance.config, where=f"settings of {result.case_id}")
    rules = _rules(result, fov, config)
    reach = config.score.max_outside_um / rules.pixel_size_um
    margin = int(np.ceil(reach)) + 2
    top, left = (max(int(value) - margin, 0) for value in (y_px, x_px))
    bottom, right = (max(int(value) + margin + 1, 0) for value in (y_px, x_px))
    window = np.asarray(result.labels[fov][top:bottom, left:right], np.int32)
    if window.size == 0:
        return 0
    y, x = np.array([y_px - top]), np.array([x_px - left])
    return int(assign_spots(y, x, window, max_outside_px=reach)[0])


def touched_nuclei(result: CaseResult, edit: Edit) -> tuple[int, ...]:
    """Return the nuclei, as they are in `result`, whose pattern an edit may change."""
    if isinstance(edit, SpotAdded | NucleusDeclumped):
        return (edit.nucleus_id,)
    if isinstance(edit, NucleiMerged):
        return edit.nucleus_ids
    owner = int(result.spots.nucleus_id[_spot_row(result, edit.fov, edit.spot_id)])
    now = edit.nucleus_id if isinstance(edit, SpotMoved) else 0
    return tuple(sorted({owner, now} - {0}))


def check_edit(result: CaseResult, edit: Edit) -> None:
    """Refuse an edit that a reader may not make, though it could be done.

    What is in a log already is applied as it was made: this is asked before an edit is written.

    Raises
    ------
    ReviewError
        If nuclei that do not touch are to be merged.
    """
    if isinstance(edit, NucleiMerged):
        for number in edit.nucleus_ids:
            _nucleus_row(result, edit.fov, number)
        check_touching(result, edit)


def _rules(result: CaseResult, fov: str, config: Config) -> FieldRules:
    qc = next((field for field in result.fields if field.fov == fov), None)
    if qc is None or fov not in result.pixel_size_um:
        raise ReviewError(
            "the case has no such field",
            where=result.case_id,
            found=fov,
            allowed=", ".join(field.fov for field in result.fields),
        )
    _check_depth_known(qc)
    shift = (*qc.shift_um, qc.shift_z_um) if qc.shift_applied else (0.0, 0.0, 0.0)
    size, step = result.pixel_size_um[fov], qc.z_step_um if qc.n_planes > 1 else 0.0
    depth = step * (qc.n_planes - 1)
    return FieldRules(fov, size, shift, result.probe, config, step, depth)


def _check_depth_known(qc: FieldQC) -> None:
    """Refuse edits of stacks scored before their displacement in depth was kept."""
    told = any(text.endswith(_IN_DEPTH) or f"{_IN_DEPTH};" in text for text in qc.corrections)
    if told and qc.shift_z_um == 0.0:
        raise ReviewError(
            "signals of this stack cannot be edited: an older version of alkfish scored it and did "
            "not keep how its channels are displaced in depth",
            where=qc.fov,
            remedy="score the case again, or overrule the pattern of the nucleus",
        )


def _apply(result: CaseResult, edit: Edit, rules: FieldRules) -> CaseResult:
    ids: tuple[int, ...] = touched_nuclei(result, edit)
    for number in ids:
        _nucleus_row(result, edit.fov, number)
    if isinstance(edit, SpotAdded):
        changed = replace(result, spots=_add_spot(result.spots, edit, rules))
    elif isinstance(edit, SpotMoved):
        changed = replace(result, spots=_move_spot(result, edit))
    elif isinstance(edit, SpotDeleted):
        row = _spot_row(result, edit.fov, edit.spot_id)
        changed = replace(result, spots=result.spots.take(np.arange(len(result.spots)) != row))
    elif isinstance(edit, NucleiMerged):
        changed = _merge(result, edit, rules)
    else:
        changed, ids = _declump(result, edit, rules)
    nuclei, spots = rescore_nuclei(changed.nuclei, changed.spots, ids, rules)
    return replace(changed, nuclei=nuclei, spots=spots)


def _nucleus_row(result: CaseResult, fov: str, nucleus_id: int) -> int:
    rows = np.flatnonzero((result.nuclei.fov == fov) & (result.nuclei.nucleus_id == nucleus_id))
    if len(rows) != 1:
        raise ReviewError(
            "there is no such nucleus",
            where=f"{result.case_id}, {fov}",
            found=f"nucleus {nucleus_id}",
            remedy="look again: it was merged, parted or undone; click an outline that is drawn",
        )
    return int(rows[0])


def _spot_row(result: CaseResult, fov: str, spot_id: int) -> int:
    rows = np.flatnonzero((result.spots.fov == fov) & (result.spots.spot_id == spot_id))
    if len(rows) != 1:
        raise ReviewError(
            "there is no such signal",
            where=f"{result.case_id}, {fov}",
            found=f"signal {spot_id}",
            remedy="look again: it was deleted or undone; click a signal that is marked",
        )
    return int(rows[0])


def _add_spot(spots: SpotRecords, edit: SpotAdded, rules: FieldRules) -> SpotRecords:
    """Append a spot with the usual figures of its end in the field, and no doubt that it is one."""
    _check_place(edit.y_px, edit.x_px, edit.diameter_um)
    own = (spots.fov == edit.fov) & (spots.end == edit.end.value)
    usual = float(np.median(spots.diameter_um[own])) if own.any() else USUAL_DIAMETER_UM
    values = {
        "fov": edit.fov,
        "nucleus_id": edit.nucleus_id,
        "end": edit.end.value,
        "y_px": edit.y_px,
        "x_px": edit.x_px,
        "diameter_um": edit.diameter_um or usual,
        "spot_id": int(spots.spot_id[spots.fov == rules.fov].max(initial=0)) + 1,
        "quality": 1.0,
        "p_real": 1.0,
    } | _depth_of(edit, rules, has_depth=bool(spots.z_um[spots.fov == edit.fov].any()))
    values["snr"] = float(np.median(spots.snr[own])) if own.any() else 1.0
    return type(spots).concatenate([spots, _one_row(SpotRecords, values)])


def _depth_of(edit: SpotAdded, rules: FieldRules, *, has_depth: bool) -> dict[str, float]:
    """Return the depth of an added spot; a person chooses a plane, no better than one step."""
    if rules.z_step_um <= 0:
        if has_depth:
            raise ReviewError(
                "no signal can be added to this stack: an older version of alkfish scored it and "
                "did not keep its planes",
                where=edit.fov,
                remedy="score the case again, or overrule the pattern of the nucleus",
            )
        return {}
    if not 0 <= edit.z_um <= rules.depth_um:
        raise ReviewError(
            "a signal of a focus stack needs its depth",
            where=edit.fov,
            found="none" if edit.z_um < 0 else f"{edit.z_um:g} um",
            allowed=f"0 to {rules.depth_um:g} um",
            remedy="show the plane in which it is sharpest, then add it there",
        )
    return {"z_um": edit.z_um, "z_error_um": rules.z_step_um}


def _one_row(kind: type[Table], values: dict[str, Any]) -> Any:
    """Return a table of one row; columns not given are 0 or empty."""
    return kind(
        **{
            info.name: np.array([values.get(info.name, "" if info.dtype == object else 0)])
            for info in kind.columns()
        }
    )


def _check_place(*numbers: float) -> None:
    if not all(np.isfinite(number) and number >= 0 for number in numbers):
        raise ReviewError(
            "a signal needs a place in the picture",
            found=", ".join(f"{number:g}" for number in numbers),
            allowed="pixels from 0 on",
            remedy="click within the picture",
        )


def _move_spot(result: CaseResult, edit: SpotMoved) -> SpotRecords:
    _check_place(edit.y_px, edit.x_px)
    row = np.array([_spot_row(result, edit.fov, edit.spot_id)])
    flags = parse_flags(str(result.spots.flags[row[0]]), SpotFlag) & ~SpotFlag.UNASSIGNED
    if not edit.nucleus_id:
        flags |= SpotFlag.UNASSIGNED
    moved: SpotRecords = put(
        result.spots, row, y_px=edit.y_px, x_px=edit.x_px, nucleus_id=edit.nucleus_id,
        flags=np.array([join_flags(flags, SpotFlag)], object), signal_id=0,
    )  # fmt: skip
    return moved


def _merge(result: CaseResult, edit: NucleiMerged, rules: FieldRules) -> CaseResult:
    ids = sorted(set(edit.nucleus_ids))
    if len(ids) < 2:
        raise ReviewError(
            "merging needs at least two nuclei",
            where=f"{result.case_id}, {edit.fov}",
            found=f"nucleus {ids[0]}" if ids else "none",
            remedy="click the other part of the nucleus",
        )
    rows = np.array([_nucleus_row(result, edit.fov, number) for number in ids])
    patch = _window(result, edit.fov, ids)
    patch = replace(patch, labels=bridged(patch.labels, ids, pixel_size_um=rules.pixel_size_um))
    patch.labels[np.isin(patch.labels, ids)] = ids[0]
    table = _measured(result.nuclei, rows[:1], rows, patch, rules)
    gone = np.isin(np.arange(len(table)), rows[1:])
    owned = np.flatnonzero((result.spots.fov == edit.fov) & np.isin(result.spots.nucleus_id, ids))
    return replace(
        result,
        nuclei=table.take(~gone),
        spots=put(result.spots, owned, nucleus_id=ids[0]),
        labels=_patched(result, edit.fov, patch),
    )


def _declump(
    result: CaseResult, edit: NucleusDeclumped, rules: FieldRules
) -> tuple[CaseResult, tuple[int, ...]]:
    row = _nucleus_row(result, edit.fov, edit.nucleus_id)
    patch = _window(result, edit.fov, [edit.nucleus_id])
    cut = [(y - patch.top, x - patch.left) for y, x in edit.cut]
    parts = cut_mask(patch.labels == edit.nucleus_id, cut)
    first_new = _last_id(result, edit.fov) + 1
    ids = (edit.nucleus_id, *range(first_new, first_new + int(parts.max()) - 1))
    patch.labels[parts > 0] = np.array((0, *ids), np.int32)[parts[parts > 0]]
    nuclei = result.nuclei
    copies = [put(nuclei.take(np.array([row])), np.array([0]), nucleus_id=i) for i in ids[1:]]
    nuclei = type(nuclei).concatenate([nuclei, *copies])
    for number in ids:
        place = np.flatnonzero((nuclei.fov == edit.fov) & (nuclei.nucleus_id == number))
        nuclei = _measured(nuclei, place, np.array([row]), patch, rules)
    changed = replace(
        result,
        nuclei=nuclei,
        spots=_reassigned(result.spots, edit, patch, ids, rules),
        labels=_patched(result, edit.fov, patch),
    )
    return changed, ids


def _reassigned(
    spots: SpotRecords, edit: NucleusDeclumped, patch: Patch, ids: tuple[int, ...],
    rules: FieldRules,
) -> SpotRecords:  # fmt: skip
    """Give the spots of a parted nucleus to the nearest of its parts."""
    rows = np.flatnonzero((spots.fov == edit.fov) & (spots.nucleus_id == edit.nucleus_id))
    reach = rules.config.score.max_outside_um / rules.pixel_size_um
    y, x = spots.y_px[rows] - patch.top, spots.x_px[rows] - patch.left
    parts = np.where(np.isin(patch.labels, ids), patch.labels, np.int32(0))
    owner = assign_spots(y, x, parts, max_outside_px=reach)
    moved: SpotRecords = put(spots, rows, nucleus_id=owner)
    return moved


def _window(result: CaseResult, fov: str, ids: list[int]) -> Patch:
    rows = [_nucleus_row(result, fov, number) for number in ids]
    centres = np.stack([result.nuclei.y_px[rows], result.nuclei.x_px[rows]], axis=1)
    found = window_of(result.labels[fov], ids, centres)
    return replace(found, last_id=_last_id(result, fov))


def _last_id(result: CaseResult, fov: str) -> int:
    """Return the largest number that a nucleus of the field has or had."""
    patches = getattr(result.labels[fov], "patches", ())
    present = int(result.nuclei.nucleus_id[result.nuclei.fov == fov].max(initial=0))
    return max([present, *(int(patch.last_id) for patch in patches)])


def _patched(result: CaseResult, fov: str, patch: Patch) -> PatchedLabels:
    labels = result.labels
    over = labels if isinstance(labels, PatchedLabels) else PatchedLabels(labels, {})
    return over.with_patch(fov, patch)


def _measured(
    nuclei: NucleusRecords, row: npt.NDArray[np.intp], sources: npt.NDArray[np.intp],
    patch: Patch, rules: FieldRules,
) -> NucleusRecords:  # fmt: skip
    """Measure a nucleus in its new outline; what needs the picture comes from the `sources`."""
    from alkfish.segment.measure import measure_nuclei

    number = int(nuclei.nucleus_id[row[0]])
    mask = np.where(patch.labels == number, np.int32(1), np.int32(0))
    blank = np.zeros(mask.shape, np.uint8)
    found = measure_nuclei(mask, blank, pixel_size_um=rules.pixel_size_um)
    weight = nuclei.area_um2[sources] / nuclei.area_um2[sources].sum()
    bits = 0
    for text in nuclei.flags[sources]:
        bits |= parse_flags(str(text), NucleusFlag)
    measured: NucleusRecords = put(
        nuclei, row,
        y_px=found.y_px + patch.top, x_px=found.x_px + patch.left,
        area_um2=found.area_um2, solidity=found.solidity,
        flags=np.array([join_flags(bits & ~_SHAPE, NucleusFlag)], object),
        focus=nuclei.focus[sources].min(),
        limit_3p_snr=nuclei.limit_3p_snr[sources].min(),
        limit_5p_snr=nuclei.limit_5p_snr[sources].min(),
        dapi_mean=float((nuclei.dapi_mean[sources] * weight).sum()),
    )  # fmt: skip
    return measured
