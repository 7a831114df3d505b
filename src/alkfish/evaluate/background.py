"""The background of a laboratory: what normal specimens show, and the limits that follow from it.

Formulas and their sources: clinical-rules 5 (CIOL09: J Mol Diagn 2009;11:330 compares them).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from alkfish.errors import AlkfishError, InputError
from alkfish.evaluate.report import find_case_folders
from alkfish.evaluate.validation import LeftOut
from alkfish.io.bundle import open_bundle
from alkfish.io.fingerprint import result_fingerprint
from alkfish.io.probes import probe_to_mapping
from alkfish.model.probe import ProbeProfile
from alkfish.model.result import Call, CaseResult, PatternCounts
from alkfish.model.signals import Pattern

POSITIVE = "POSITIVE"
"""Split and isolated 3' together: what the call rests on."""

CLASSES = (
    POSITIVE, Pattern.SPLIT.value, Pattern.ISOLATED_3P.value, Pattern.ISOLATED_5P.value,
)  # fmt: skip
"""Classes whose background is told."""

MIN_SPECIMENS = 2
"""Fewer normals have no spread."""

ACCEPTED_SPECIMENS, USUAL_SPECIMENS, USUAL_NUCLEI = 5, 20, 200
"""Specimens that one text accepts at least, and specimens and nuclei each that are usual; no
guideline for this assay names a figure (clinical-rules 5)."""


class LimitMethod(StrEnum):
    """How the highest rate that is still normal is worked out."""

    MEAN_3SD = "mean-3sd"
    BETA_INVERSE = "beta-inverse"
    BINOMIAL = "binomial"


@dataclass(frozen=True)
class NormalSpecimen:
    """What was found in one normal specimen."""

    case_id: str
    counts: PatternCounts
    call: str
    fingerprint: str

    def count(self, kind: str) -> int:
        """Return the nuclei of a class of `CLASSES`."""
        return self.counts.n_positive if kind == POSITIVE else self.counts.by_pattern()[kind]

    def rate(self, kind: str) -> float:
        """Return the share of a class among the counted nuclei."""
        return self.count(kind) / self.counts.n_enumerated


@dataclass(frozen=True)
class ClassLimits:
    """Background of one class over all specimens, in per cent.

    Attributes
    ----------
    mean, sd : float
        Over the specimens' rates; SD with n - 1.
    pooled : float
        All nuclei of the class among all counted nuclei.
    highest : float
        Highest rate of a specimen.
    mean_3sd : float
        Mean + 3 SD.
    beta_inverse : float
        Exact one-sided upper limit of a specimen's rate, BETAINV(confidence, x + 1, n - x): the
        largest over the specimens; with equal n that of the highest count.
    beta_specimen : str
        The specimen that sets it.
    binomial_count : int
        Largest count among so many nuclei that is still normal, CRITBINOM(n, pooled, confidence).
    binomial : float
        The same in per cent of these nuclei.
    """

    kind: str
    mean: float
    sd: float
    pooled: float
    highest: float
    mean_3sd: float
    beta_inverse: float
    beta_specimen: str
    binomial_count: int
    binomial: float

    def limit(self, method: LimitMethod) -> float:
        """Return the highest normal rate in per cent by a method."""
        return {
            LimitMethod.MEAN_3SD: self.mean_3sd,
            LimitMethod.BETA_INVERSE: self.beta_inverse,
            LimitMethod.BINOMIAL: self.binomial,
        }[method]


def first_positive_percent(limit: float) -> int:
    """Return the smallest whole percentage above a limit: rates from there on are not normal.

    0 if there is none: a limit of 100 % and more.
    """
    percent = math.floor(limit + 1e-9) + 1
    return percent if percent <= 100 else 0


def first_positive_text(limit: float) -> str:
    """Return the smallest whole percentage above a limit in words; ``none`` if there is none."""
    percent = first_positive_percent(limit)
    return f"{percent} %" if percent else "none"


@dataclass(frozen=True)
class BackgroundStudy:
    """The background of a laboratory and how far it can be trusted.

    Attributes
    ----------
    specimens : tuple of NormalSpecimen
        By name.
    limits : tuple of ClassLimits
        In the order of `CLASSES`.
    confidence : float
        Of the beta-inverse and of the binomial limit, one-sided.
    n_nuclei : int
        Nuclei of the binomial limit.
    dispersion_p : float
        Probability that specimens of one common rate differ at least so much (chi-square).
    probe : ProbeProfile
        The profile that all were scored with.
    version, config_fingerprint : str
        Software and settings that all were scored with.
    left_out : tuple of LeftOut
        Specimens that are not evaluable or cannot be read.
    warnings : tuple of str
        What must be weighed.
    """

    specimens: tuple[NormalSpecimen, ...]
    limits: tuple[ClassLimits, ...]
    confidence: float
    n_nuclei: int
    dispersion_p: float
    probe: ProbeProfile
    version: str
    config_fingerprint: str
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def positive(self) -> ClassLimits:
        """Background of positive nuclei."""
        return self.limits[0]

    @property
    def total_nuclei(self) -> int:
        """Counted nuclei of all specimens."""
        return sum(specimen.counts.n_enumerated for specimen in self.specimens)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "n_specimens": len(self.specimens),
            "n_nuclei": self.total_nuclei,
            "confidence": self.confidence,
            "binomial_nuclei": self.n_nuclei,
            "dispersion_p": self.dispersion_p,
            "limits_percent": [
                asdict(one)
                | {m.value: first_positive_percent(one.limit(m)) or None for m in LimitMethod}
                for one in self.limits
            ],
            "specimens": [specimen_row(one) for one in self.specimens],
            "left_out": [asdict(item) for item in self.left_out],
            "warnings": list(self.warnings),
            "probe": probe_to_mapping(self.probe),
            "version": self.version,
            "config_fingerprint": self.config_fingerprint,
        }


def specimen_row(specimen: NormalSpecimen) -> dict[str, Any]:
    """Return the figures of a specimen as one row of a table; rates in per cent."""
    row: dict[str, Any] = {"case_id": specimen.case_id, "n_counted": specimen.counts.n_enumerated}
    for kind in CLASSES:
        row[f"n_{kind.lower()}"] = specimen.count(kind)
        row[f"{kind.lower()}_percent"] = 100 * specimen.rate(kind)
    return row | {"call": specimen.call, "result_fingerprint": specimen.fingerprint}


def measure_background(
    folders: Sequence[str | Path], *, confidence: float = 0.95, n_nuclei: int = 0
) -> BackgroundStudy:
    """Return the background that normal specimens show.

    Parameters
    ----------
    folders : sequence of path-like
        Bundles of normal specimens, or folders of bundles.
    confidence : float
        One-sided confidence of the beta-inverse and of the binomial limit, 0.5 to 0.9999.
    n_nuclei : int
        Nuclei counted per case, for the binomial limit; 0: the smallest number that the probe's
        rule allows.

    Raises
    ------
    InputError
        If there are fewer than two usable specimens, one stands twice, be it under another name,
        or they were not all scored with the same probe profile, settings and version.
    """
    if not 0.5 <= confidence <= 0.9999 or n_nuclei < 0:
        raise InputError(
            "confidence or number of nuclei cannot be used",
            found=f"{confidence:g}, {n_nuclei}",
            allowed="a confidence from 0.5 to 0.9999, nuclei from 1",
        )
    results, left_out = _open_all(folders)
    usable = [r for r in results if r.call.call != Call.NOT_EVALUABLE]
    left_out += [
        LeftOut(r.case_id, f"not evaluable: {'; '.join(r.call.reasons)}")
        for r in results
        if r.call.call == Call.NOT_EVALUABLE
    ]
    if len(usable) < MIN_SPECIMENS:
        raise InputError(
            "there are too few usable normal specimens",
            found=f"{len(usable)}; left out: "
            + (", ".join(f"{item.case_id} ({item.reason})" for item in left_out) or "none"),
            allowed=f"at least {MIN_SPECIMENS}; {USUAL_SPECIMENS} are usual",
        )
    _check_pictures_once(usable)
    _check_same_method(usable)
    specimens = sorted((_specimen(result) for result in usable), key=lambda s: s.case_id)
    _check_once(specimens)
    first = usable[0]
    nuclei = n_nuclei or first.probe.case_rule.min_nuclei
    study = BackgroundStudy(
        tuple(specimens), tuple(_limits(specimens, kind, confidence, nuclei) for kind in CLASSES),
        confidence, nuclei, _dispersion(specimens), first.probe, first.provenance.version,
        first.provenance.config_fingerprint, tuple(left_out),
    )  # fmt: skip
    return replace(study, warnings=tuple(_warnings(study)))


def _open_all(folders: Sequence[str | Path]) -> tuple[list[CaseResult], list[LeftOut]]:
    results, left_out = [], []
    places: dict[Path, str] = {}
    for folder in folders:
        for name, place in find_case_folders(Path(folder), "result.json", "case bundle").items():
            places.setdefault(place.resolve(), name)
    for place, name in sorted(places.items()):
        try:
            results.append(open_bundle(place))
        except AlkfishError as error:
            left_out.append(LeftOut(name, f"the result cannot be read: {error.problem}"))
    return results, left_out


def _specimen(result: CaseResult) -> NormalSpecimen:
    return NormalSpecimen(
        result.case_id, result.call.counts, result.call.call.value, result_fingerprint(result)
    )


def _check_same_method(results: Sequence[CaseResult]) -> None:
    """Refuse specimens that were not scored alike: background is a property of the method."""
    by_method: dict[str, str] = {}
    for result in results:
        made = result.provenance
        method = (
            f"alkfish {made.version}, settings {made.config_fingerprint[:12]}, probe "
            f"{result.probe.name}"
        )
        key = f"{method}{probe_to_mapping(result.probe)}"
        by_method.setdefault(key, f"{result.case_id} and others: {method}")
    if len(by_method) > 1:
        raise InputError(
            "the normal specimens were not all scored in the same way",
            found="".join(f"\n    {text}" for text in by_method.values()),
            allowed="one version, one probe profile, the same settings",
            remedy="score them again with the same version, probe and settings",
        )


def _check_once(specimens: Sequence[NormalSpecimen]) -> None:
    names = [specimen.case_id for specimen in specimens]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            "a normal specimen stands twice", found=", ".join(twice), remedy="name each once"
        )


def _check_pictures_once(results: Sequence[CaseResult]) -> None:
    """Refuse two specimens that share a picture: one specimen would count twice."""
    owner: dict[str, tuple[str, str]] = {}
    shared = []
    for result in results:
        for file, checksum in result.provenance.inputs.items():
            case, first = owner.setdefault(checksum, (result.case_id, file))
            if case != result.case_id:
                shared.append(f"{case} ({first}) and {result.case_id} ({file})")
    if shared:
        raise InputError(
            "two normal specimens have the same picture",
            found="; ".join(shared[:5]),
            allowed="each specimen once: it would count twice",
            remedy="remove one of the two results",
        )


def _limits(
    specimens: Sequence[NormalSpecimen], kind: str, confidence: float, n_nuclei: int
) -> ClassLimits:
    from scipy.stats import binom

    rates = np.array([100 * specimen.rate(kind) for specimen in specimens])
    counted = sum(specimen.counts.n_enumerated for specimen in specimens)
    pooled = sum(specimen.count(kind) for specimen in specimens) / counted
    upper = [
        beta_inverse_limit(s.count(kind), s.counts.n_enumerated, confidence=confidence)
        for s in specimens
    ]
    worst = int(np.argmax(upper))
    count = int(binom.ppf(confidence, n_nuclei, pooled))
    mean, sd = float(rates.mean()), float(rates.std(ddof=1))
    return ClassLimits(
        kind, mean, sd, 100 * pooled, float(rates.max()), mean + 3 * sd, 100 * upper[worst],
        specimens[worst].case_id, count, 100 * count / n_nuclei,
    )  # fmt: skip


def beta_inverse_limit(positive: int, total: int, *, confidence: float) -> float:
    """Return the exact one-sided upper limit of a rate, BETAINV(confidence, x + 1, n - x).

    It is the upper end of the one-sided Clopper-Pearson interval; 1 if all nuclei are positive.
    """
    from scipy.stats import beta

    return 1.0 if positive >= total else float(beta.ppf(confidence, positive + 1, total - positive))


def _dispersion(specimens: Sequence[NormalSpecimen]) -> float:
    """Return the chi-square probability of the specimens' spread if all had one rate."""
    from scipy.stats import chi2

    n = np.array([specimen.counts.n_enumerated for specimen in specimens], np.float64)
    x = np.array([specimen.count(POSITIVE) for specimen in specimens], np.float64)
    share = x.sum() / n.sum()
    if share in (0.0, 1.0):
        return 1.0
    statistic = float(((x - n * share) ** 2 / (n * share * (1 - share))).sum())
    return float(chi2.sf(statistic, len(specimens) - 1))


def _warnings(study: BackgroundStudy) -> list[str]:
    n = len(study.specimens)
    texts = []
    if n < USUAL_SPECIMENS:
        least = f", and even below the {ACCEPTED_SPECIMENS} that one text accepts at least"
        texts.append(
            f"{n} normal specimens are fewer than the {USUAL_SPECIMENS} that are usual"
            f"{least if n < ACCEPTED_SPECIMENS else ''}; no guideline for this assay names a number"
        )
    few = [s.case_id for s in study.specimens if s.counts.n_enumerated < USUAL_NUCLEI]
    if few:
        texts.append(
            f"{len(few)} of {n} specimens have fewer than {USUAL_NUCLEI} counted nuclei: "
            f"{', '.join(few)}"
        )
    strange = [s.case_id for s in study.specimens if s.call == Call.POSITIVE]
    if strange:
        texts.append(
            f"called POSITIVE although given as normal: {', '.join(strange)}. Find out why before "
            "you use these limits; leaving them out because they are high makes the limits too low"
        )
    if study.dispersion_p < 0.05:
        texts.append(
            "the specimens differ by more than counting explains (chi-square p "
            f"{study.dispersion_p:.2g}): the binomial limit, which assumes one rate for all, is "
            "too low"
        )
    texts += _cutoff_warnings(study)
    texts.append(
        "normal tissue does not show what large, polyploid tumour nuclei do: their background of "
        "isolated signals is higher"
    )
    return texts


def _cutoff_warnings(study: BackgroundStudy) -> list[str]:
    rule = study.probe.case_rule.positive_percent
    reached = [m.value for m in LimitMethod if study.positive.limit(m) >= rule]
    if reached:
        return [
            f"the background reaches the cut-off of {rule} % of the profile {study.probe.name} "
            f"({', '.join(reached)}): negative cases can be called positive in this laboratory"
        ]
    return [
        f"the background lies below the cut-off of {rule} % of the profile {study.probe.name}. A "
        f"lower cut-off calls more cases positive; {rule} % is tied to that kit and its trials"
    ]
