"""From nuclei and spots to patterns and the call of a case."""

from alkfish.score.case import call_case, count_excluded
from alkfish.score.case_rule import call_counts, call_reads
from alkfish.score.nuclei import EndSpots, score_nuclei
from alkfish.score.pattern import classify_pattern

__all__ = [
    "EndSpots",
    "call_case",
    "call_counts",
    "call_reads",
    "classify_pattern",
    "count_excluded",
    "score_nuclei",
]
