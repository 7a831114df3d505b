"""Cases for the operating curve, read from simulated truth and, if wanted, from results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.config import ScoreConfig
from alkfish.errors import InputError
from alkfish.evaluate.matching import match_labels
from alkfish.evaluate.operating import OperatingCase
from alkfish.evaluate.report import MIN_IOU, find_case_folders, match_cases, read_record
from alkfish.io.labels import read_labels
from alkfish.io.probes import probe_from_mapping
from alkfish.io.tables import read_table
from alkfish.model.probe import CaseRule, SeparationRule
from alkfish.model.signals import NucleusRecords, SpotRecords
from alkfish.synthetic.truth import TruthNuclei

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
    nuclei = read_table(NucleusRecords, result / "nuclei.parquet")
    partner = _true_partners(truth, result)
    biology = read_table(TruthNuclei, truth / "biology.parquet")
    keys = zip(biology.fov, biology.nucleus_id.tolist(), strict=True)
    rearranged = dict(zip(keys, biology.rearranged.tolist(), strict=True))
    found = [(str(f), int(n)) for f, n in zip(nuclei.fov, nuclei.nucleus_id, strict=True)]
    known = np.array([key in partner for key in found], dtype=np.bool_)
    reference = [rearranged[partner[key]] for key in found if key in partner]
    rules = probe_from_mapping(told["probe"]) if "probe" in told else None
    return OperatingCase(
        nuclei.take(known),
        read_table(SpotRecords, result / "spots.parquet"),
        np.array(reference, dtype=np.bool_),
        _is_positive(read_record(truth / "truth.json"), truth),
        _only_pixel_size(result),
        _applied_shift(told),
        separation=SeparationRule() if rules is None else rules.separation,
        case_rule=CaseRule() if rules is None else rules.case_rule,
        doublet_gap_diam=_doublet_gap(told),
    )


def _doublet_gap(told: Mapping[str, Any]) -> float:
    stage = told.get("config", {}).get("score", {})
    return float(stage.get("doublet_gap_diam", ScoreConfig().doublet_gap_diam))


def _true_partners(truth: Path, result: Path) -> dict[tuple[str, int], tuple[str, int]]:
    true_labels, found_labels = (
        read_labels(truth / "labels.zarr"),
        read_labels(result / "labels.zarr"),
    )
    partners = {}
    for fov in true_labels.keys() & found_labels.keys():
        pairs = match_labels(true_labels[fov], found_labels[fov], min_iou=MIN_IOU).pairs
        partners.update({(fov, b): (fov, a) for a, b in pairs.tolist()})
    return partners


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
