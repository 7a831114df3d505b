"""Results against truth: nuclei, spots, patterns, rates, calls, and calibration."""

from alkfish.evaluate.calibration import MAX_CALIBRATION_ERROR, Reliability, reliability
from alkfish.evaluate.matching import LabelMatch, PointMatch, match_labels, match_points
from alkfish.evaluate.patterns import PatternComparison, compare_patterns
from alkfish.evaluate.report import (
    Evaluation,
    FieldEvaluation,
    FieldTables,
    evaluate_bundle,
    evaluate_field,
    summarise,
)

__all__ = [
    "MAX_CALIBRATION_ERROR",
    "Evaluation",
    "FieldEvaluation",
    "FieldTables",
    "LabelMatch",
    "PatternComparison",
    "PointMatch",
    "Reliability",
    "compare_patterns",
    "evaluate_bundle",
    "evaluate_field",
    "match_labels",
    "match_points",
    "reliability",
    "summarise",
]
