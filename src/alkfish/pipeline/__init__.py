"""Composition of the stages, and nothing else: from fields of view, or slides, to a case.

A field is first analysed by itself (nuclei, spots) and then scored (pairs, patterns), because what
belongs to the optics of a case is measured in between, on a sample of its fields.
"""

from alkfish.pipeline.case import (
    Spread,
    checked_probe,
    combine_fields,
    iter_case,
    score_case,
    score_fov,
)
from alkfish.pipeline.correction import ChannelCorrection, measure_correction
from alkfish.pipeline.field import FieldFindings, analyse_fov, score_findings

__all__ = [
    "ChannelCorrection",
    "FieldFindings",
    "Spread",
    "analyse_fov",
    "checked_probe",
    "combine_fields",
    "iter_case",
    "measure_correction",
    "score_case",
    "score_findings",
    "score_fov",
]
