"""Checks of a probe profile: every key, type and range, and what must agree with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from alkfish.errors import ProbeError
from alkfish.model.probe import (
    CaseRule,
    Colour,
    ControlLimits,
    LabBackground,
    ProbeProfile,
    SeparationMeasure,
    SeparationRule,
)

SETTINGS: Mapping[str, str] = {
    "name": "Identifier: lower-case letters, digits, dot, dash, underscore.",
    "title": "Name of the kit, for people.",
    "gene": "Gene symbol.",
    "version": "Counts up with each version that the laboratory writes; 1 if left out.",
    "confirmed": "true once a person has checked colours and figures; false: scoring refuses it.",
    "colours": "Which picture channel shows which probe end: red (also orange) or green.",
    "separation": "When a 3' and a 5' signal are split: at or beyond the limit.",
    "separation.measure": "gap_diameters: edge to edge, in diameters of the larger signal; "
    "centre_diameters: centre to centre; centre_um.",
    "separation.limit": "Above 0, at most 20, in the unit of the measure.",
    "case_rule": "When a case is positive.",
    "case_rule.positive_percent": "Positive at or above this percentage of positive nuclei.",
    "case_rule.min_nuclei": "Fewer enumerated nuclei: not evaluable.",
    "case_rule.borderline_percent": "From, to (both included): the call carries a caution.",
    "case_rule.read_size": "Nuclei that each reader counts in the two-reader rule.",
    "case_rule.equivocal_counts": "Positive nuclei of reader 1, from, to (both included), that "
    "call for reader 2.",
    "controls": "What control slides must show; may be left out.",
    "controls.negative_below_percent": "A negative control must stay below this percentage "
    "of positive nuclei.",
    "controls.positive_from_percent": "A positive control must reach this percentage of "
    "positive nuclei.",
    "background": "Normal specimens behind the cut-off, written by `alkfish cutoff`; may be left "
    "out.",
    "sources": "Where each figure comes from; written into every result.",
}
"""Help text of each setting and table, written as comments into TOML."""

SOURCED = (
    "colours", "separation", "positive_percent", "min_nuclei", "borderline_percent",
    "read_size", "equivocal_counts",
)  # fmt: skip
"""What a profile names a source for."""

SOURCED_IF_DECLARED = ("controls",)
"""What needs a source only in profiles that declare it."""

UNFILLED = "fill in"
"""Beginning of the sources in the template, for a person to replace."""

_Text = Annotated[str, Field(min_length=1, max_length=400)]
_Percent = Annotated[int, Field(ge=0, le=100)]
_Share = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=0, le=10_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Colours(_Strict):
    three_prime: Literal["red", "green"]
    five_prime: Literal["red", "green"]


class _Separation(_Strict):
    measure: Literal["gap_diameters", "centre_diameters", "centre_um"]
    limit: Annotated[float, Field(gt=0, le=20)]


class _CaseRule(_Strict):
    positive_percent: Annotated[int, Field(ge=1, le=100)]
    min_nuclei: Annotated[int, Field(ge=1, le=10_000)]
    borderline_percent: Annotated[list[_Percent], Field(min_length=2, max_length=2)]
    read_size: Annotated[int, Field(ge=1, le=10_000)]
    equivocal_counts: Annotated[list[_Count], Field(min_length=2, max_length=2)]


class _Controls(_Strict):
    negative_below_percent: _Percent
    positive_from_percent: _Percent


class _Background(_Strict):
    method: Literal["mean-3sd", "beta-inverse", "binomial", "none"]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    limit_percent: _Share
    positive_percent: _Share
    split_percent: _Share
    isolated_3p_percent: _Share
    isolated_5p_percent: _Share
    n_specimens: Annotated[int, Field(ge=1)]
    n_nuclei: Annotated[int, Field(ge=1)]
    specimens: list[_Text]
    based_on: _Text
    config_fingerprint: _Text
    software: _Text
    created: _Text
    kit_percent: _Percent = 0
    kit_borderline_percent: Annotated[list[_Percent], Field(min_length=2, max_length=2)] = [0, 0]


class _Profile(_Strict):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=60)]
    title: _Text
    gene: Annotated[str, Field(min_length=1, max_length=40)]
    confirmed: bool
    colours: _Colours
    separation: _Separation
    case_rule: _CaseRule
    controls: _Controls | None = None
    version: Annotated[int, Field(ge=1, le=100_000)] = 1
    background: _Background | None = None
    sources: dict[str, _Text] = Field(default_factory=dict)


def checked_profile(data: Mapping[str, Any], *, where: str) -> ProbeProfile:
    """Return the profile that `data` describes.

    Raises
    ------
    ProbeError
        Listing every unknown, missing or impossible setting.
    """
    problems = [*_shape_problems(data), *_colour_problems(data), *_rule_problems(data)]
    problems += [*_control_problems(data), *_source_problems(data)]
    if problems:
        raise ProbeError(
            "the probe profile is not valid: " + "; ".join(problems),
            where=where,
            remedy="see docs/probes.md, or compare with: alkfish probe show vysis-alk",
        )
    parsed = _Profile.model_validate(data)
    rule = parsed.case_rule
    return ProbeProfile(
        name=parsed.name,
        title=parsed.title,
        gene=parsed.gene,
        three_prime_colour=Colour(parsed.colours.three_prime),
        five_prime_colour=Colour(parsed.colours.five_prime),
        confirmed=parsed.confirmed,
        separation=SeparationRule(
            SeparationMeasure(parsed.separation.measure), float(parsed.separation.limit)
        ),
        case_rule=CaseRule(
            positive_percent=rule.positive_percent,
            min_nuclei=rule.min_nuclei,
            borderline_percent=(rule.borderline_percent[0], rule.borderline_percent[1]),
            read_size=rule.read_size,
            equivocal_counts=(rule.equivocal_counts[0], rule.equivocal_counts[1]),
        ),
        sources=parsed.sources,
        controls=None if parsed.controls is None else ControlLimits(**parsed.controls.model_dump()),
        version=parsed.version,
        background=_background(parsed.background),
    )


def _background(parsed: _Background | None) -> LabBackground | None:
    if parsed is None:
        return None
    values = parsed.model_dump()
    low, high = parsed.kit_borderline_percent
    pairs = {"specimens": tuple(parsed.specimens), "kit_borderline_percent": (low, high)}
    return LabBackground(**values | pairs)


def _shape_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield unknown and missing keys, wrong types and values out of range."""
    try:
        _Profile.model_validate(data)
    except ValidationError as error:
        for item in error.errors():
            yield _explain(item)


def _explain(item: Any) -> str:
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"unknown key {name}"
    if item["type"] == "missing":
        return f"{name} is missing"
    return f"{name}: {item['msg'].lower()}, found {item['input']!r}"


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = data.get(name)
    return table if isinstance(table, Mapping) else {}


def _colour_problems(data: Mapping[str, Any]) -> Iterator[str]:
    colours = _table(data, "colours")
    three, five = colours.get("three_prime"), colours.get("five_prime")
    if three is not None and three == five:
        yield f"colours: both ends are {three!r}, but each end needs its own colour"


def _rule_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield figures of the case rule that contradict each other."""
    rule = _table(data, "case_rule")
    percent, size = rule.get("positive_percent"), rule.get("read_size")
    border, counts = _pair(rule.get("borderline_percent")), _pair(rule.get("equivocal_counts"))
    if border and border[0] > border[1]:
        yield f"case_rule.borderline_percent: {border[0]} is above {border[1]}"
    elif border and _is_int(percent) and not border[0] <= percent <= border[1]:
        yield (
            f"case_rule.borderline_percent: {border[0]} to {border[1]} does not hold "
            f"positive_percent {percent}"
        )
    if counts and counts[0] > counts[1]:
        yield f"case_rule.equivocal_counts: {counts[0]} is above {counts[1]}"
    elif counts and _is_int(size):
        yield from _equivocal_problems(counts, size, percent)


def _equivocal_problems(counts: tuple[int, int], size: int, percent: object) -> Iterator[str]:
    """Yield what makes reader 1 alone decide against the cut-off of the case."""
    first, last = counts
    if last > size:
        yield f"case_rule.equivocal_counts: {last} is above read_size {size}"
    if not _is_int(percent):
        return
    if first > 0 and 100 * (first - 1) >= percent * size:
        yield (
            f"case_rule.equivocal_counts: reader 1 with {first - 1} of {size} would end as "
            f"negative, although that reaches positive_percent {percent}"
        )
    if last < size and 100 * (last + 1) < percent * size:
        yield (
            f"case_rule.equivocal_counts: reader 1 with {last + 1} of {size} would end as "
            f"positive, although that is below positive_percent {percent}"
        )


def _control_problems(data: Mapping[str, Any]) -> Iterator[str]:
    """Yield limits of controls that contradict each other or the rule of the case."""
    limits, percent = _table(data, "controls"), _table(data, "case_rule").get("positive_percent")
    low, high = limits.get("negative_below_percent"), limits.get("positive_from_percent")
    if not _is_int(percent):
        return
    if _is_int(low) and low > percent:
        yield f"controls.negative_below_percent: {low} is above positive_percent {percent}"
    if _is_int(high) and high < percent:
        yield f"controls.positive_from_percent: {high} is below positive_percent {percent}"


def _source_problems(data: Mapping[str, Any]) -> Iterator[str]:
    sources = data.get("sources", {})
    known = {*SOURCED, *SOURCED_IF_DECLARED}
    unknown = sorted(set(sources) - known) if isinstance(sources, Mapping) else []
    if unknown:
        allowed = ", ".join((*SOURCED, *SOURCED_IF_DECLARED))
        yield f"sources: unknown key {', '.join(unknown)} (known: {allowed})"


def _pair(value: object) -> tuple[int, int] | None:
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_int, value)):
        return value[0], value[1]
    return None


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)
