"""Fields, cases and slides of ALK break-apart FISH with exact truth."""

from alkfish.synthetic.case import SimulatedCase, simulate_case, write_case, write_field
from alkfish.synthetic.field import SimulatedField, simulate_field
from alkfish.synthetic.levels import LEVELS, Level, as_level
from alkfish.synthetic.loci import PatternMix
from alkfish.synthetic.slide import SimulatedSlide, plan_slide, write_slide

__all__ = [
    "LEVELS",
    "Level",
    "PatternMix",
    "SimulatedCase",
    "SimulatedField",
    "SimulatedSlide",
    "as_level",
    "plan_slide",
    "simulate_case",
    "simulate_field",
    "write_case",
    "write_field",
    "write_slide",
]
