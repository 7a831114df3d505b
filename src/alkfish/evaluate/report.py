"""Case bundles against the truth of simulated cases, summed over fields and cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alkfish.errors import InputError
from alkfish.evaluate.calibration import Reliability, reliability
from alkfish.evaluate.matching import LabelMatch, PointMatch, match_labels, match_points
from alkfish.evaluate.patterns import PatternComparison, compare_patterns
from alkfish.io.labels import read_labels
from alkfish.io.tables import read_table
from alkfish.model.probe import ProbeEnd
from alkfish.model.result import LabelImage
from alkfish.model.signals import NucleusRecords, Pattern, SpotRecords

MIN_IOU = 0.5
"""A nucleus is found if its outline shares at least this much with a true one."""

MAX_DISTANCE_PX = 3.0
"""A spot is found if a true one of the same end lies within this distance."""

_POSITIVE = [pattern.value for pattern in Pattern if pattern.is_positive]


@dataclass(frozen=True, eq=False)
class FieldTables:
    """Labels, nuclei and spots of one field, found or true."""

    labels: LabelImage
    nuclei: NucleusRecords
    spots: SpotRecords


@dataclass(frozen=True, eq=False)
class Predictions:
    """Probabilities told, shape (N,), and whether each came true."""

    probability: npt.NDArray[np.float64]
    outcome: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class FieldEvaluation:
    """One field against its truth.

    ``positive`` and ``called`` hold, for the nuclei scorable in both, what the program told of
    being positive and of the pattern it called, and whether that is true.
    """

    nuclei: LabelMatch
    spots: Mapping[str, PointMatch]
    patterns: PatternComparison
    positive: Predictions
    called: Predictions


@dataclass(frozen=True)
class CaseVerdict:
    """Call and rate of one case beside the truth."""

    case: str
    call: str
    true_call: str
    rate: float
    true_rate: float
    n_scorable: int
    true_n_scorable: int

    @property
    def rate_error(self) -> float:
        """Found minus true rate, in shares."""
        return self.rate - self.true_rate


@dataclass(frozen=True, eq=False)
class Evaluation:
    """All figures over fields and cases.

    Attributes
    ----------
    cases : tuple of CaseVerdict
        One per case, by name.
    nuclei : LabelMatch
        Summed over fields; its ``pairs`` are empty.
    spots : mapping of str to PointMatch
        Summed, by probe end ``3p``, ``5p`` and ``both``.
    patterns : PatternComparison
        Summed.
    reliability : Reliability
        Of the probability that a nucleus is positive.
    reliability_called : Reliability
        Of the probability of the pattern that was called.
    missing_cases : tuple of str
        Truths without a bundle.
    """

    cases: tuple[CaseVerdict, ...]
    nuclei: LabelMatch
    spots: Mapping[str, PointMatch]
    patterns: PatternComparison
    reliability: Reliability
    reliability_called: Reliability
    missing_cases: tuple[str, ...] = field(default=())

    @property
    def mean_rate_error(self) -> float:
        """Mean absolute difference of found and true rate over cases; 0 without cases."""
        return float(np.mean([abs(c.rate_error) for c in self.cases])) if self.cases else 0.0

    @property
    def n_calls_right(self) -> int:
        """Cases whose call is the true one."""
        return sum(case.call == case.true_call for case in self.cases)

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain values."""
        return {
            "n_cases": len(self.cases),
            "n_calls_right": self.n_calls_right,
            "mean_rate_error": self.mean_rate_error,
            "cases": [{**vars(case), "rate_error": case.rate_error} for case in self.cases],
            "missing_cases": list(self.missing_cases),
            "nuclei": {
                "f1": self.nuclei.f1,
                "mean_iou": self.nuclei.mean_iou,
                "tp": self.nuclei.tp,
                "fp": self.nuclei.fp,
                "fn": self.nuclei.fn,
            },
            "spots": {end: _spot_figures(match) for end, match in self.spots.items()},
            "patterns": self.patterns.to_dict(),
            "reliability": self.reliability.to_dict(),
            "reliability_called": self.reliability_called.to_dict(),
        }


def _spot_figures(match: PointMatch) -> dict[str, float | int]:
    return {
        "precision": match.precision, "recall": match.recall, "f1": match.f1,
        "rmse_px": match.rmse_px, "tp": match.tp, "fp": match.fp, "fn": match.fn,
    }  # fmt: skip


def evaluate_field(
    truth: FieldTables, found: FieldTables, *, min_iou: float = MIN_IOU,
    max_distance_px: float = MAX_DISTANCE_PX,
) -> FieldEvaluation:  # fmt: skip
    """Compare one field with its truth.

    Parameters
    ----------
    truth, found : FieldTables
        The same field.
    min_iou : float
        See `match_labels`.
    max_distance_px : float
        See `match_points`; spots are matched within their own end, wherever they lie.
    """
    nuclei = match_labels(truth.labels, found.labels, min_iou=min_iou)
    spots = {
        end.value: match_points(
            _positions(truth.spots, end), _positions(found.spots, end),
            max_distance_px=max_distance_px,
        )
        for end in ProbeEnd
    }  # fmt: skip
    patterns = compare_patterns(truth.nuclei, found.nuclei, nuclei.pairs)
    told = _predictions(truth.nuclei, found.nuclei, nuclei.pairs)
    return FieldEvaluation(nuclei, spots, patterns, *told)


def _positions(spots: SpotRecords, end: ProbeEnd) -> npt.NDArray[np.float64]:
    rows = spots.end == end.value
    return np.stack([spots.y_px[rows], spots.x_px[rows]], axis=1)


def _predictions(
    truth: NucleusRecords, found: NucleusRecords, pairs: npt.NDArray[np.int64]
) -> tuple[Predictions, Predictions]:
    """Return what was told of being positive and of the called pattern."""
    rows_true = {int(number): row for row, number in enumerate(truth.nucleus_id)}
    rows_found = {int(number): row for row, number in enumerate(found.nucleus_id)}
    i = np.array([rows_true[a] for a, b in pairs.tolist() if b in rows_found], dtype=np.intp)
    j = np.array([rows_found[b] for _, b in pairs.tolist() if b in rows_found], dtype=np.intp)
    both = truth.scorable[i] & found.scorable[j]
    true, called = truth.pattern[i][both].astype(str), found.pattern[j][both].astype(str)
    p_called = np.zeros(len(called))
    for pattern in Pattern:
        chosen = called == pattern.value
        p_called[chosen] = getattr(found, f"p_{pattern.value.lower()}")[j][both][chosen]
    return (
        Predictions(found.p_positive[j][both], np.isin(true, _POSITIVE)),
        Predictions(p_called, called == true),
    )


def evaluate_bundle(
    result_dir: str | Path, truth_dir: str | Path, *, min_iou: float = MIN_IOU,
    max_distance_px: float = MAX_DISTANCE_PX,
) -> Evaluation:  # fmt: skip
    """Compare case bundles with the truth written by ``alkfish simulate``.

    Parameters
    ----------
    result_dir : path-like
        A case bundle, or a folder of bundles.
    truth_dir : path-like
        The truth of a case (``truth/<case>``), or the folder of truths (``truth``), or the folder
        that holds it. Several cases are matched by their folder names; one bundle and one truth are
        compared whatever they are called.
    min_iou, max_distance_px : float
        See `evaluate_field`.

    Returns
    -------
    Evaluation
        Summed over fields and cases. Truths without a bundle are listed as missing.

    Raises
    ------
    InputError
        If a folder holds no bundle or no truth, none match, or the fields of a case differ.
    BundleError
        If a file is missing or unreadable.

    Examples
    --------
    >>> evaluation = evaluate_bundle("results", "truth")
    >>> len(evaluation.cases), evaluation.missing_cases
    (1, ())
    """
    matched, missing = match_cases(result_dir, truth_dir)
    fields: list[FieldEvaluation] = []
    verdicts = []
    for name, result, truth in matched:
        compared = list(_evaluate_case(result, truth, min_iou, max_distance_px))
        fields += compared
        verdicts.append(_verdict(name, result, truth, compared))
    return summarise(fields, verdicts, missing_cases=missing)


def match_cases(
    result_dir: str | Path, truth_dir: str | Path
) -> tuple[list[tuple[str, Path, Path]], list[str]]:
    """Return name, bundle and truth of each case, by name, and the truths without a bundle.

    Raises
    ------
    InputError
        If a folder holds no bundle or no truth, or none match; see `evaluate_bundle`.
    """
    results = find_case_folders(Path(result_dir), "result.json", "case bundle")
    truths = find_case_folders(Path(truth_dir), "truth.json", "truth")
    if len(results) == len(truths) == 1:
        results = {next(iter(truths)): next(iter(results.values()))}
    names = sorted(results.keys() & truths.keys())
    if not names:
        raise InputError(
            "no result has a truth of the same name",
            where=result_dir,
            found=", ".join(sorted(results)),
            allowed=", ".join(sorted(truths)),
        )
    return [(n, results[n], truths[n]) for n in names], sorted(truths.keys() - results.keys())


def find_case_folders(folder: Path, marker: str, kind: str) -> dict[str, Path]:
    """Return case folders by name: `folder` itself if it holds `marker`, else those within it.

    Raises
    ------
    InputError
        If there is none; `kind` says in words what was looked for.
    """
    if (folder / marker).is_file():
        return {folder.name: folder}
    places = [folder, folder / "truth"] if marker == "truth.json" else [folder]
    found = {
        path.parent.name: path.parent for place in places for path in place.glob(f"*/{marker}")
    }
    if not found:
        raise InputError(
            f"there is no {kind} in this folder",
            where=folder,
            allowed=f"a folder that holds {marker}, or a folder of such folders",
        )
    return found


def _evaluate_case(
    result: Path, truth: Path, min_iou: float, max_distance_px: float
) -> Iterator[FieldEvaluation]:
    true_fields, found_fields = _open_fields(truth), _open_fields(result)
    if true_fields.keys() != found_fields.keys():
        raise InputError(
            "result and truth hold different fields",
            where=result,
            found=", ".join(sorted(found_fields)),
            allowed=", ".join(sorted(true_fields)),
            remedy="score the pictures that were simulated together with this truth",
        )
    for name in sorted(true_fields):
        yield evaluate_field(
            true_fields[name], found_fields[name], min_iou=min_iou, max_distance_px=max_distance_px
        )


def _open_fields(folder: Path) -> dict[str, FieldTables]:
    labels = read_labels(folder / "labels.zarr")
    nuclei = read_table(NucleusRecords, folder / "nuclei.parquet")
    spots = read_table(SpotRecords, folder / "spots.parquet")
    return {
        name: FieldTables(
            labels[name], nuclei.take(nuclei.fov == name), spots.take(spots.fov == name)
        )
        for name in labels
    }


def _verdict(name: str, result: Path, truth: Path, fields: list[FieldEvaluation]) -> CaseVerdict:
    told, true = read_record(result / "result.json"), read_record(truth / "truth.json")
    patterns = sum((one.patterns for one in fields), PatternComparison())
    return CaseVerdict(
        case=name, call=str(told.get("call", "")), true_call=str(true.get("true_call", "")),
        rate=patterns.found_rate.value, true_rate=patterns.true_rate.value,
        n_scorable=patterns.found_rate.total, true_n_scorable=patterns.true_rate.total,
    )  # fmt: skip


def read_record(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file.

    Raises
    ------
    InputError
        If the file cannot be read or does not hold an object.
    """
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError("the file cannot be read", where=path, found=error) from error
    if not isinstance(data, dict):
        raise InputError("the file does not hold a record", where=path, found=type(data).__name__)
    return data


def summarise(
    fields: list[FieldEvaluation],
    cases: list[CaseVerdict],
    *,
    missing_cases: list[str] | None = None,
) -> Evaluation:
    """Sum the figures of fields; without fields all counts are 0."""
    none = np.empty((0, 2), np.int64)
    nuclei = LabelMatch(
        sum(f.nuclei.tp for f in fields), sum(f.nuclei.fp for f in fields),
        sum(f.nuclei.fn for f in fields), sum(f.nuclei.iou_sum for f in fields), none,
    )  # fmt: skip
    spots = {end.value: _sum_points([f.spots[end.value] for f in fields]) for end in ProbeEnd}
    spots["both"] = _sum_points(list(spots.values()))
    return Evaluation(
        tuple(cases), nuclei, spots, sum((f.patterns for f in fields), PatternComparison()),
        _pooled_reliability([f.positive for f in fields]),
        _pooled_reliability([f.called for f in fields]), tuple(missing_cases or ()),
    )  # fmt: skip


def _pooled_reliability(told: list[Predictions]) -> Reliability:
    return reliability(
        np.concatenate([np.empty(0), *(one.probability for one in told)]),
        np.concatenate([np.empty(0, np.bool_), *(one.outcome for one in told)]),
    )


def _sum_points(matches: list[PointMatch]) -> PointMatch:
    return PointMatch(
        sum(m.tp for m in matches), sum(m.fp for m in matches), sum(m.fn for m in matches),
        sum(m.squared_error_px2 for m in matches), np.empty((0, 2), np.int64),
    )  # fmt: skip
