"""What a whole slide needs beside the stages: its grid of fields, tissue, seams, and a store.

A slide is scored as a grid of overlapping fields. The grid depends on the size of the slide and of
a pixel only, never on how the work is spread, so results do not depend on tiles or workers.
"""

from alkfish.model.window import Window
from alkfish.slides.grid import GridField, is_slide, make_grid, make_tiles
from alkfish.slides.parts import FieldPart, cut_part
from alkfish.slides.stitch import SlideLabels, stitch_parts
from alkfish.slides.store import PartStore
from alkfish.slides.tissue import TissueMap, find_tissue, sample_windows

__all__ = [
    "FieldPart",
    "GridField",
    "PartStore",
    "SlideLabels",
    "TissueMap",
    "Window",
    "cut_part",
    "find_tissue",
    "is_slide",
    "make_grid",
    "make_tiles",
    "sample_windows",
    "stitch_parts",
]
