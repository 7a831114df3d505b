"""The evidence of a report: cards of nuclei, maps of fields, charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alkfish.model.result import Call, CaseResult
from alkfish.model.signals import Pattern
from alkfish.report.charts import rate_scale, running_rate, separation_histogram
from alkfish.report.content import counted_positive
from alkfish.report.field_map import MAP_PX, FieldMap, draw_map
from alkfish.report.gallery import ShownNucleus, choose_nuclei, describe, signals_text
from alkfish.report.marks import FieldIndex, NucleusMarks
from alkfish.report.pictures import (
    UNKNOWN_PIXEL_UM,
    FieldReader,
    Source,
    Stretch,
    Window,
    composite,
    dapi_view,
    data_uri,
    field_stretch,
    grey,
    probe_view,
    window_around,
)
from alkfish.report.wording import PatternWords, chance_text, words_of

MAX_MAP_PICTURES = 12
"""With more fields, maps carry marks only: the page must stay small."""

MAX_MAPS = 60
PRINTED_PER_PATTERN = 6


@dataclass(frozen=True)
class View:
    """One picture of a nucleus.

    Attributes
    ----------
    name : str
        What it shows.
    picture : str
        ``data:`` address; empty without images.
    marks : str
        SVG drawn over it.
    """

    name: str
    picture: str
    marks: str


@dataclass(frozen=True)
class Card:
    """One nucleus of the gallery, ready for the page.

    Attributes
    ----------
    views : tuple of View
        Composite and single channels; one without picture where there are no images.
    order : int
        Place in the gallery as it opens.
    printed : bool
        Whether it also stands on paper.
    """

    shown: ShownNucleus
    words: PatternWords
    fov: str
    nucleus_id: int
    signals: str
    separation: float
    certainty: str
    why: str
    description: str
    views: tuple[View, ...]
    order: int
    printed: bool
    separation_text: str


@dataclass(frozen=True)
class Evidence:
    """Everything drawn."""

    scale: str
    histogram: str
    running: str
    maps: tuple[FieldMap, ...]
    n_unmapped: int
    cards: tuple[Card, ...]
    has_pictures: bool


def gather(result: CaseResult, pictures: Mapping[str, Source], *, per_pattern: int) -> Evidence:
    """Return the evidence of a case.

    Parameters
    ----------
    result : CaseResult
        The scored case.
    pictures : mapping of str to Source
        Images of its fields by name; fields without one are drawn without pictures.
    per_pattern : int
        Most nuclei per pattern.
    """
    index = FieldIndex(result)
    chosen = choose_nuclei(result, per_pattern)
    fovs = [qc.fov for qc in result.fields]
    cards: dict[int, Card] = {}
    maps = []
    for number, fov in enumerate(fovs):
        reader = FieldReader(pictures[fov]) if fov in pictures else None
        for order, item in enumerate(chosen):
            if str(result.nuclei.fov[item.row]) == fov:
                cards[order] = _card(result, index, reader, item, order)
        if number < MAX_MAPS:
            picture = _map_picture(reader) if len(fovs) <= MAX_MAP_PICTURES else ""
            maps.append(draw_map(result, fov, index.shape(fov), picture))
    evaluable = result.call.call is not Call.NOT_EVALUABLE
    rule = result.probe.case_rule
    return Evidence(
        scale=rate_scale(result.call, rule) if evaluable else "",
        histogram=separation_histogram(result.nuclei, result.probe.separation),
        running=running_rate(counted_positive(result), rule) if evaluable else "",
        maps=tuple(maps),
        n_unmapped=max(0, len(fovs) - MAX_MAPS),
        cards=tuple(cards[order] for order in sorted(cards)),
        has_pictures=any(view.picture for card in cards.values() for view in card.views),
    )


def _map_picture(reader: FieldReader | None) -> str:
    if reader is None:
        return ""
    dapi = reader.overview()
    return data_uri(grey(dapi_view(dapi)), max_px=round(1.5 * MAP_PX)) if dapi.size else ""


def _card(
    result: CaseResult, index: FieldIndex, reader: FieldReader | None, item: ShownNucleus,
    order: int,
) -> Card:  # fmt: skip
    nuclei, row = result.nuclei, item.row
    fov = str(nuclei.fov[row])
    window = window_around(
        float(nuclei.y_px[row]), float(nuclei.x_px[row]),
        pixel_size_um=result.pixel_size_um.get(fov, UNKNOWN_PIXEL_UM), shape=index.shape(fov),
    )  # fmt: skip
    marks = NucleusMarks(result, index, row, window)
    return Card(
        shown=item,
        words=words_of(item.pattern),
        fov=fov,
        nucleus_id=int(nuclei.nucleus_id[row]),
        signals=signals_text(nuclei, row),
        separation=float(nuclei.max_separation_diam[row]),
        certainty=chance_text(item.certainty) if item.pattern else "",
        why=item.why,
        description=describe(result, item),
        views=_views(result, index, reader, fov, window, marks),
        order=order,
        printed=item.rank < PRINTED_PER_PATTERN,
        separation_text=_gap_text(result, row),
    )


def _views(
    result: CaseResult, index: FieldIndex, reader: FieldReader | None, fov: str, window: Window,
    marks: NucleusMarks,
) -> tuple[View, ...]:  # fmt: skip
    if reader is None:
        return (View("drawing", "", marks.over("3p", "5p")),)
    planes, top = reader.cut(window), _stretch(result, index, fov)
    three = grey(probe_view(planes.three_prime, top.three_prime))
    five = grey(probe_view(planes.five_prime, top.five_prime))
    return (
        View(
            "all channels", data_uri(composite(planes, top, result.probe)), marks.over("3p", "5p")
        ),
        View("3' channel", data_uri(three), marks.over()),
        View("5' channel", data_uri(five), marks.over()),
        View("DAPI", data_uri(grey(dapi_view(planes.dapi))), marks.over()),
    )


def _gap_text(result: CaseResult, row: int) -> str:
    """Return the separation of a nucleus in words; empty if no two signals are paired."""
    gap = float(result.nuclei.max_separation_diam[row])
    centre = float(result.nuclei.max_separation_um[row])
    if centre <= 0:
        return ""
    apart = str(result.nuclei.pattern[row]) in (Pattern.SPLIT.value, "")
    which = "gap" if apart else "widest fused gap"
    return f"{which} {gap:.1f} diameters, centres {centre:.2f} µm"


def _stretch(result: CaseResult, index: FieldIndex, fov: str) -> Stretch:
    rows = index.spot_rows(fov)
    ends, amplitude = result.spots.end[rows], result.spots.amplitude[rows]
    return field_stretch({end: amplitude[ends == end] for end in ("3p", "5p")})
