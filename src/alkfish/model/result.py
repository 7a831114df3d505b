"""Results of a field and of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from alkfish.model.probe import ProbeProfile
from alkfish.model.signals import NucleusRecords, Pattern, SpotRecords


class LabelImage(Protocol):
    """A label image: an array, or a large one that is read window by window."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width in pixels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the labels: int32."""

    @property
    def ndim(self) -> int:
        """Number of dimensions: 2."""

    def __getitem__(self, key: Any, /) -> npt.NDArray[Any]:
        """Return a window, ``labels[top:bottom, left:right]``, as an array."""


class Call(StrEnum):
    """Verdict of a case."""

    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    EQUIVOCAL = "EQUIVOCAL"
    NOT_EVALUABLE = "NOT_EVALUABLE"


@dataclass(frozen=True)
class PatternCounts:
    """Enumerated nuclei per pattern."""

    fused: int = 0
    split: int = 0
    isolated_3p: int = 0
    isolated_5p: int = 0

    def __post_init__(self) -> None:
        for name in ("fused", "split", "isolated_3p", "isolated_5p"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, found {getattr(self, name)}")

    @property
    def n_enumerated(self) -> int:
        """All counted nuclei: the denominator of the rate."""
        return self.fused + self.split + self.isolated_3p + self.isolated_5p

    @property
    def n_positive(self) -> int:
        """Split and isolated 3' nuclei: the numerator of the rate."""
        return self.split + self.isolated_3p

    def __add__(self, other: PatternCounts) -> PatternCounts:
        return PatternCounts(
            self.fused + other.fused,
            self.split + other.split,
            self.isolated_3p + other.isolated_3p,
            self.isolated_5p + other.isolated_5p,
        )

    @classmethod
    def from_patterns(cls, patterns: npt.ArrayLike) -> PatternCounts:
        """Count the patterns of nuclei; empty texts (not scorable) are left out."""
        texts = np.asarray(patterns, dtype=object)
        return cls(
            fused=int((texts == Pattern.FUSED.value).sum()),
            split=int((texts == Pattern.SPLIT.value).sum()),
            isolated_3p=int((texts == Pattern.ISOLATED_3P.value).sum()),
            isolated_5p=int((texts == Pattern.ISOLATED_5P.value).sum()),
        )

    def by_pattern(self) -> dict[str, int]:
        """Return the counts keyed by pattern name."""
        return {
            Pattern.FUSED.value: self.fused,
            Pattern.SPLIT.value: self.split,
            Pattern.ISOLATED_3P.value: self.isolated_3p,
            Pattern.ISOLATED_5P.value: self.isolated_5p,
        }


@dataclass(frozen=True)
class Caution:
    """Something a person must weigh before signing; it never changes the call."""

    code: str
    text: str


@dataclass(frozen=True)
class CaseCall:
    """The call of a case and everything it rests on.

    Attributes
    ----------
    call : Call
        The verdict.
    counts : PatternCounts
        Enumerated nuclei per pattern.
    rate : float
        Positive nuclei divided by enumerated nuclei, 0-1; 0 when none was enumerated. Where the
        call is NOT_EVALUABLE it is no result, nor are interval and probability.
    interval : tuple of float
        Wilson 95 % interval of the rate; (0, 1) when none was enumerated. Information only.
    p_positive : float
        Probability that the true rate reaches the cut-off, given the counts.
    reasons : tuple of str
        Why this call, in words.
    cautions : tuple of Caution
        What to weigh.
    """

    call: Call
    counts: PatternCounts
    rate: float
    interval: tuple[float, float]
    p_positive: float
    reasons: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True)
class ChannelQC:
    """Quality of one probe channel of a field."""

    n_spots: int
    median_snr: float
    background: float
    noise: float
    saturated: float
    efficiency: float


@dataclass(frozen=True)
class FieldQC:
    """Quality of one field, with the reasons for its verdict.

    ``efficiency`` of a channel is the share of nuclei of scorable shape that show at least one of
    its signals. ``corrections`` says in words what was measured of the optics, and why it was
    applied or refused; ``channel_faults`` says why the two probe channels cannot be compared.
    ``verdict`` is ``good``, ``caution`` or ``poor``. ``n_planes`` and ``z_step_um`` are those of
    the focus stack; 1 and 0 for a single plane. ``shift_z_um`` is the applied displacement of 5'
    spots in depth.
    """

    fov: str
    n_nuclei: int
    n_scorable: int
    focus: float
    three_prime: ChannelQC
    five_prime: ChannelQC
    shift_um: tuple[float, float] = (0.0, 0.0)
    shift_applied: bool = False
    crosstalk: tuple[float, float] = (0.0, 0.0)
    verdict: str = "good"
    reasons: tuple[str, ...] = ()
    corrections: tuple[str, ...] = ()
    channel_faults: tuple[str, ...] = ()
    n_planes: int = 1
    z_step_um: float = 0.0
    shift_z_um: float = 0.0


@dataclass(frozen=True, eq=False)
class FieldResult:
    """Everything found in one field.

    Attributes
    ----------
    labels : array-like of int32, shape (H, W)
        Nuclei; 0 is background.
    nuclei : NucleusRecords
        One row per nucleus.
    spots : SpotRecords
        One row per spot of either channel.
    qc : FieldQC
        Quality figures.
    notes : tuple of str
        What was done to the picture on reading.
    """

    fov: str
    pixel_size_um: float
    labels: LabelImage
    nuclei: NucleusRecords
    spots: SpotRecords
    qc: FieldQC
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> PatternCounts:
        """Enumerated nuclei per pattern."""
        return PatternCounts.from_patterns(self.nuclei.pattern)


@dataclass(frozen=True)
class Provenance:
    """What a result was made from and by."""

    version: str
    config: Mapping[str, Any]
    config_fingerprint: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    created: str = ""


@dataclass(frozen=True, eq=False)
class CaseResult:
    """Result of one case: the call, the tables, and what they were made from.

    Attributes
    ----------
    fields : tuple of FieldQC
        Quality per field, in order of the fields.
    excluded : mapping of str to int
        Nuclei per excluding flag; a nucleus with several flags is counted under each.
    labels : mapping of str to array-like of int32, shape (H, W)
        Label image per field name: an array, or for whole slides an image read in windows.
    notes : mapping of str to tuple of str
        What was done to the picture on reading, per field name; fields without notes are left out.
    """

    case_id: str
    call: CaseCall
    nuclei: NucleusRecords
    spots: SpotRecords
    fields: tuple[FieldQC, ...]
    excluded: Mapping[str, int]
    probe: ProbeProfile
    provenance: Provenance
    labels: Mapping[str, LabelImage] = field(default_factory=dict)
    pixel_size_um: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
