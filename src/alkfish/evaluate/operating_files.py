"""Cases for the operating curve, read from simulated truth and, if wanted, from results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.config import ScoreConfig
from alkfish.errors import InputError
from alkfish.evaluate.matching import match_labels
from alkfish.evaluate.operating import OperatingCase
from alkfish.evaluate.report import MIN_IOU, find_case_folders, match_cases, read_record
from alkfish.io.labels import read_labels
from alkfish.io.probes import probe_from_mapping
from alkfish.io.tables import read_table
from alkfish.model.probe import CaseRule, SeparationRule
from alkfish.model.result import CaseResult, LabelImage
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic.case import SimulatedCase
from alkfish.synthetic.truth import TruthNuclei

Key = tuple[str, int]

POSITIVE_FRACTION = 0.10
"""A simulated case with at least this share of rearranged nuclei counts as truly positive.

It lies between the drawn negative cases (at most a few per cent) and positive ones (14.5 % on)."""


def open_operating_cases(
    truth_dir: str | Path, result_dir: str | Path | None = None
) -> list[OperatingCase]:
    """Return the cases of a truth folder for `operating_curve`.

    Parameters
    ----------
    truth_dir : path-like
        As in `evaluate_bundle`.
    result_dir : path-like, optional
        Bundles of the same cases, matched as in `evaluate_bundle`: the curve is then that of the
        whole program, nuclei and spots as found. Found nuclei without a true counterpart take no
        part, and what was excluded stays excluded. Without it, true spots are used: the curve of
        the rule alone.

    Returns
    -------
    list of OperatingCase
        By name of the case; those without a result are left out.

    Raises
    ------
    InputError
        If a folder holds no case, none match, or the pixel size differs within one.
    BundleError
        If a file is missing or unreadable.
    """
    if result_dir is None:
        truths = find_case_folders(Path(truth_dir), "truth.json", "truth")
        return [_true_case(truths[name]) for name in sorted(truths)]
    matched, _ = match_cases(result_dir, truth_dir)
    return [_found_case(truth, result) for _, result, truth in matched]


def _true_case(truth: Path) -> OperatingCase:
    told = read_record(truth / "truth.json")
    shift = _value(told, "shift_um", truth)
    return OperatingCase(
        read_table(NucleusRecords, truth / "nuclei.parquet"),
        read_table(SpotRecords, truth / "spots.parquet"),
        read_table(TruthNuclei, truth / "biology.parquet").rearranged,
        _is_positive(told, truth),
        float(_value(told, "pixel_size_um", truth)),
        (float(shift[0]), float(shift[1])),
    )


def _is_positive(told: Mapping[str, Any], truth: Path) -> bool:
    return bool(_value(told, "positive_fraction", truth) >= POSITIVE_FRACTION)


def _value(told: Mapping[str, Any], key: str, truth: Path) -> Any:
    if key not in told:
        raise InputError(
            "the truth lacks a value",
            where=truth / "truth.json",
            found=", ".join(told),
            allowed=f"a value {key!r}",
            remedy="simulate the case again with this version",
        )
    return told[key]


def _found_case(truth: Path, result: Path) -> OperatingCase:
    """Return the case as found; what a nucleus is comes from its true counterpart."""
    told = read_record(result / "result.json")
    partners = _true_partners(
        read_labels(truth / "labels.zarr"), read_labels(result / "labels.zarr")
    )
    nuclei, rearranged = _known_nuclei(
        read_table(NucleusRecords, result / "nuclei.parquet"),
        read_table(TruthNuclei, truth / "biology.parquet"),
        partners,
    )
    rules = probe_from_mapping(told["probe"]) if "probe" in told else None
    return OperatingCase(
        nuclei,
        read_table(SpotRecords, result / "spots.parquet"),
        rearranged,
        _is_positive(read_record(truth / "truth.json"), truth),
        _only_pixel_size(result),
        _applied_shift(told),
        separation=SeparationRule() if rules is None else rules.separation,
        case_rule=CaseRule() if rules is None else rules.case_rule,
        doublet_gap_diam=_doublet_gap(told.get("config", {})),
    )


def simulated_operating_case(
    case: SimulatedCase, result: CaseResult | None = None
) -> OperatingCase:
    """Return the case of a simulation in memory, as `open_operating_cases` does from files.

    Parameters
    ----------
    case : SimulatedCase
        The truth.
    result : CaseResult, optional
        What the program found in its pictures; without it, true spots are used.
    """
    is_positive = case.positive_fraction >= POSITIVE_FRACTION
    size, shift = case.fields[0].fov.pixel_size_um, case.fields[0].shift_um
    if result is None:
        truth = case.nuclei, case.spots, case.biology.rearranged
        return OperatingCase(*truth, is_positive, size, shift)
    partners = _true_partners({f.fov.name: f.labels for f in case.fields}, result.labels)
    nuclei, rearranged = _known_nuclei(result.nuclei, case.biology, partners)
    applied = [field.shift_um for field in result.fields if field.shift_applied]
    return OperatingCase(
        nuclei, result.spots, rearranged, is_positive, size, applied[0] if applied else (0.0, 0.0),
        separation=result.probe.separation, case_rule=result.probe.case_rule,
        doublet_gap_diam=_doublet_gap(result.provenance.config),
    )  # fmt: skip


def _doublet_gap(config: Mapping[str, Any]) -> float:
    stage = config.get("score", {})
    return float(stage.get("doublet_gap_diam", ScoreConfig().doublet_gap_diam))


def _true_partners(
    true: Mapping[str, LabelImage], found: Mapping[str, LabelImage]
) -> dict[Key, Key]:
    """Return the true nucleus of each found one that has a counterpart."""
    partners = {}
    for fov in true.keys() & found.keys():
        pairs = match_labels(true[fov], found[fov], min_iou=MIN_IOU).pairs
        partners.update({(fov, b): (fov, a) for a, b in pairs.tolist()})
    return partners


def _known_nuclei(
    found: NucleusRecords, biology: TruthNuclei, partners: Mapping[Key, Key]
) -> tuple[NucleusRecords, npt.NDArray[np.bool_]]:
    """Return the found nuclei that have a counterpart, and whether that is rearranged."""
    is_rearranged = dict(zip(_keys(biology), biology.rearranged.tolist(), strict=True))
    keys = _keys(found)
    known = np.array([key in partners for key in keys], dtype=np.bool_)
    outcome = [is_rearranged[partners[key]] for key in keys if key in partners]
    return found.take(known), np.array(outcome, dtype=np.bool_)


def _keys(table: NucleusRecords | TruthNuclei) -> list[Key]:
    return [(str(f), int(n)) for f, n in zip(table.fov, table.nucleus_id, strict=True)]


def _only_pixel_size(result: Path) -> float:
    labels = read_labels(result / "labels.zarr")
    sizes = {labels.pixel_size_um(name) for name in labels}
    if len(sizes) != 1:
        raise InputError(
            "an operating curve needs one pixel size per case", where=result, found=sorted(sizes)
        )
    return sizes.pop()


def _applied_shift(told: Mapping[str, Any]) -> tuple[float, float]:
    """Return the chromatic shift that the program corrected; it belongs to the whole case."""
    fields = told.get("fields")
    if not isinstance(fields, list):
        return (0.0, 0.0)
    for item in fields:
        if item.get("shift_applied"):
            return (float(item["shift_um"][0]), float(item["shift_um"][1]))
    return (0.0, 0.0)
