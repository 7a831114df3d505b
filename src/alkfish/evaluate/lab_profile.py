"""A new version of a probe profile with the laboratory's own background. Never made silently."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from alkfish._version import __version__
from alkfish.errors import InputError, OutputError, output_errors
from alkfish.evaluate.background import (
    ACCEPTED_SPECIMENS,
    USUAL_NUCLEI,
    BackgroundStudy,
    LimitMethod,
    first_positive_percent,
)
from alkfish.io.probes import (
    list_probes,
    load_probe,
    probe_from_mapping,
    probe_to_mapping,
    probe_to_toml,
)
from alkfish.io.provenance import timestamp
from alkfish.model.probe import CaseRule, LabBackground, ProbeProfile

KEEP_CUTOFF = "none"
"""In place of a method: write the background down, leave the cut-off."""

OWN_CUTOFF = ", with the laboratory's own cut-off"
"""Added to the title of a kit whose cut-off is no longer the kit's."""

_MAX_TITLE = 400

METHODS = (*(method.value for method in LimitMethod), KEEP_CUTOFF)


def profile_name(path: Path) -> str:
    """Return the name of a profile that is written to a file: that of the file.

    Raises
    ------
    InputError
        If the file does not end in ``.toml``, or its name cannot name a profile or is that of a
        shipped one.
    """
    name = path.stem.lower().replace(" ", "-")
    shipped = [profile.name for profile in list_probes()]
    fits = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,59}", name)
    if path.suffix.lower() != ".toml" or not fits or name in shipped:
        raise InputError(
            "the file cannot name a new probe profile",
            where=path,
            allowed="letters, digits, dot, dash and underscore before .toml; not a shipped name: "
            + ", ".join(shipped),
            remedy="name it for example vysis-alk-lab.toml",
        )
    return name


def check_profile_target(path: Path, *, overwrite: bool) -> int:
    """Return the version of the profile that is there; 0 if there is none. Writes nothing.

    Raises
    ------
    OutputError
        If something is there and may not be replaced.
    InputError
        If the name of the file cannot name a profile.
    ProbeError
        If what is there is no profile.
    """
    profile_name(path)
    if not path.exists():
        return 0
    if not overwrite:
        raise OutputError(
            "there is a probe profile already",
            where=path,
            remedy="name another file, or write its next version with --overwrite",
        )
    return load_probe(path).version


def lab_profile(
    study: BackgroundStudy, method: str, *, name: str, older_version: int = 0
) -> ProbeProfile:
    """Return the profile of a study with its background, and the cut-off by a method.

    Parameters
    ----------
    study : BackgroundStudy
        Its profile is the basis: colours and separation stay as they are, and so does `confirmed`
        unless the cut-off changes and `shortage` finds too few specimens or nuclei for that.
    method : str
        One of `METHODS`; ``none`` leaves the cut-off.
    name : str
        Of the new profile.
    older_version : int
        Version of the file that is replaced; the new one is higher than it and than the basis.

    Raises
    ------
    InputError
        If the method is unknown, or no rate lies above its limit.
    ProbeError
        If the new figures contradict others of the profile, limits of controls for example.
    """
    if method not in METHODS:
        raise InputError("there is no such method", found=method, allowed=", ".join(METHODS))
    base = study.probe
    rule, sources = base.case_rule, dict(base.sources)
    if method != KEEP_CUTOFF:
        limit = study.positive.limit(LimitMethod(method))
        rule = rule_with_cutoff(_kit_rule(base), _cutoff(limit, method))
        sources |= _sources(study, base.case_rule, rule, method, limit)
    made = replace(
        base,
        name=name,
        case_rule=rule,
        sources=sources,
        version=max(base.version, older_version) + 1,
        background=_background(study, method),
    )
    plain = base.title.removesuffix(OWN_CUTOFF)
    own = OWN_CUTOFF if made.has_own_cutoff else ""
    made = replace(
        made,
        title=plain[: _MAX_TITLE - len(own)] + own,
        confirmed=base.confirmed and not (own and shortage(study)),
    )
    return probe_from_mapping(probe_to_mapping(made), where=f"new version of {base.name}")


def shortage(study: BackgroundStudy) -> str:
    """Return in words what a study lacks to carry a cut-off of its own; empty if nothing.

    No guideline for this assay names figures. Asked for are the specimens that one text accepts at
    least, each with the nuclei that are usual (clinical-rules 5).
    """
    n = len(study.specimens)
    few = sum(one.counts.n_enumerated < USUAL_NUCLEI for one in study.specimens)
    lacks = [f"{n} of at least {ACCEPTED_SPECIMENS} specimens"] if n < ACCEPTED_SPECIMENS else []
    lacks += [f"{few} of {n} specimens below {USUAL_NUCLEI} counted nuclei"] if few else []
    return ", ".join(lacks)


def _cutoff(limit: float, method: str) -> int:
    percent = first_positive_percent(limit)
    if percent:
        return percent
    raise InputError(
        "the method gives no cut-off: no rate lies above its limit",
        found=f"{method}, limit {limit:.1f} %",
        allowed="a limit below 100 %",
        remedy="choose another method, and find out why the normal specimens differ so much",
    )


def _kit_figures(base: ProbeProfile) -> tuple[int, tuple[int, int]]:
    """Return cut-off and borderline range of the kit, also if the basis has its own already."""
    measured = base.background
    if measured is not None and measured.kit_percent:
        return measured.kit_percent, measured.kit_borderline_percent
    if measured is not None and measured.method != KEEP_CUTOFF:
        return 0, (0, 0)
    return base.case_rule.positive_percent, base.case_rule.borderline_percent


def _kit_rule(base: ProbeProfile) -> CaseRule:
    percent, borderline = _kit_figures(base)
    if not percent:
        return base.case_rule
    return replace(base.case_rule, positive_percent=percent, borderline_percent=borderline)


def rule_with_cutoff(rule: CaseRule, percent: int) -> CaseRule:
    """Return the rule with another cut-off and what must go with it.

    The borderline range reaches as far below and above the new cut-off as it did of the old one,
    and still holds all of its old range; it begins above 0. The counts of reader 1 that call for
    reader 2 are widened where reader 1 alone would contradict the cut-off.
    """
    low, high = rule.borderline_percent
    below, above = rule.positive_percent - low, high - rule.positive_percent
    size = rule.read_size
    first = min(rule.equivocal_counts[0], (percent * size - 1) // 100 + 1)
    last = max(rule.equivocal_counts[1], min(size, -(-percent * size // 100) - 1))
    return replace(
        rule,
        positive_percent=percent,
        borderline_percent=(
            min(low, max(1, percent - below)),
            max(high, min(100, percent + above)),
        ),
        equivocal_counts=(first, last),
    )


def _sources(
    study: BackgroundStudy, old: CaseRule, new: CaseRule, method: str, limit: float
) -> dict[str, str]:
    n = f"{len(study.specimens)} normal specimens, {study.total_nuclei} nuclei"
    told = {
        "positive_percent": f"laboratory's own background: {method}, limit {limit:.2f} %, {n}, "
        f"{timestamp()}; see [background]",
        "borderline_percent": f"that of {study.probe.name} widened to hold the cut-off",
    }
    if new.equivocal_counts != old.equivocal_counts:
        told["equivocal_counts"] = f"that of {study.probe.name} widened to fit the cut-off"
    return told


def _background(study: BackgroundStudy, method: str) -> LabBackground:
    pooled = [round(one.pooled, 4) for one in study.limits]
    used = 0.0 if method == KEEP_CUTOFF else study.positive.limit(LimitMethod(method))
    base = study.probe
    kit_percent, kit_borderline = _kit_figures(base)
    return LabBackground(
        method=method,
        confidence=study.confidence,
        limit_percent=round(used, 4),
        positive_percent=pooled[0],
        split_percent=pooled[1],
        isolated_3p_percent=pooled[2],
        isolated_5p_percent=pooled[3],
        n_specimens=len(study.specimens),
        n_nuclei=study.total_nuclei,
        specimens=tuple(f"{s.case_id[:300]} sha256:{s.fingerprint}" for s in study.specimens),
        based_on=f"{base.name}, version {base.version}",
        config_fingerprint=study.config_fingerprint,
        software=f"alkfish {__version__}, specimens scored with {study.version}",
        created=timestamp(),
        kit_percent=kit_percent,
        kit_borderline_percent=kit_borderline,
    )


def write_profile(profile: ProbeProfile, path: Path) -> None:
    """Write a profile; a file that is there is replaced, or stays as it is if that fails.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with output_errors("the probe profile cannot be written", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_text(probe_to_toml(profile), encoding="utf-8", newline="\n")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
