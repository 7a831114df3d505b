"""What a probe kit is: which colour labels which end, and the rules validated for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ProbeEnd(StrEnum):
    """The two ends of a break-apart probe.

    The kinase domain of ALK lies on the 3' side, so an unpaired 3' signal stands for the oncogenic
    fusion and an unpaired 5' signal for its reciprocal (clinical-rules 1.3).
    """

    THREE_PRIME = "3p"
    FIVE_PRIME = "5p"


class Colour(StrEnum):
    """Colours of the probe channels as a reader names them; used by profiles, io and display."""

    RED = "red"
    GREEN = "green"


class SeparationMeasure(StrEnum):
    """How the distance between a 3' and a 5' signal is expressed (clinical-rules 9).

    ``gap_diameters``: edge to edge, in diameters of the larger signal (default reading of the
    ATLAS wording); ``centre_diameters``: centre to centre in the same unit; ``centre_um``: centre
    to centre in micrometres.
    """

    GAP_DIAMETERS = "gap_diameters"
    CENTRE_DIAMETERS = "centre_diameters"
    CENTRE_UM = "centre_um"

    @property
    def in_diameters(self) -> bool:
        """Whether the unit is the signal diameter."""
        return self is not SeparationMeasure.CENTRE_UM


@dataclass(frozen=True)
class SeparationRule:
    """Signals at or beyond `limit` are split, closer ones are fused."""

    measure: SeparationMeasure = SeparationMeasure.GAP_DIAMETERS
    limit: float = 2.0


@dataclass(frozen=True)
class CaseRule:
    """Figures of the case rule; thresholds are integer counts, never rounded percentages.

    Attributes
    ----------
    positive_percent : int
        A case is positive at or above this percentage of positive nuclei: 15/100 is positive.
    min_nuclei : int
        Fewer enumerated nuclei make a case not evaluable.
    borderline_percent : tuple of int
        A rate from the first to the second figure, both included, carries a caution.
    read_size : int
        Nuclei that each reader counts in the two-reader rule.
    equivocal_counts : tuple of int
        Positive nuclei of reader 1, first and last, that call for reader 2.
    """

    positive_percent: int = 15
    min_nuclei: int = 50
    borderline_percent: tuple[int, int] = (10, 20)
    read_size: int = 50
    equivocal_counts: tuple[int, int] = (5, 25)


@dataclass(frozen=True)
class ControlLimits:
    """What control slides of a kit must show; compared with integer counts.

    Attributes
    ----------
    negative_below_percent : int
        A negative control must show a smaller percentage of positive nuclei.
    positive_from_percent : int
        A positive control must show at least this percentage of positive nuclei.
    """

    negative_below_percent: int
    positive_from_percent: int


@dataclass(frozen=True, kw_only=True)
class LabBackground:
    """What normal specimens of a laboratory showed, as ``alkfish cutoff`` writes it.

    Attributes
    ----------
    method : str
        Formula of the cut-off: ``mean-3sd``, ``beta-inverse``, ``binomial``, or ``none`` if the
        cut-off was left as it was.
    confidence : float
        One-sided confidence of the formula.
    limit_percent : float
        Highest rate that is still normal by the formula; 0 with ``none``.
    positive_percent, split_percent, isolated_3p_percent, isolated_5p_percent : float
        Share of nuclei of each class over all specimens, in per cent.
    n_specimens, n_nuclei : int
        How many specimens, and counted nuclei in all.
    specimens : tuple of str
        Each with the fingerprint of its result.
    based_on : str
        Profile that the specimens were scored with.
    config_fingerprint, software, created : str
        Settings, version and time.
    kit_percent : int
        Cut-off of the kit that this one stands in for; 0 if it was not written down.
    kit_borderline_percent : tuple of int
        The kit's borderline range; 0, 0 if it was not written down.
    """

    method: str
    confidence: float
    limit_percent: float
    positive_percent: float
    split_percent: float
    isolated_3p_percent: float
    isolated_5p_percent: float
    n_specimens: int
    n_nuclei: int
    specimens: tuple[str, ...]
    based_on: str
    config_fingerprint: str
    software: str
    created: str
    kit_percent: int = 0
    kit_borderline_percent: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class ProbeProfile:
    """A probe kit as the rules need it. Read from TOML; see ``docs/probes.md``.

    Attributes
    ----------
    name : str
        Identifier used by ``--probe``.
    title : str
        Kit name for people.
    gene : str
        Gene symbol.
    three_prime_colour, five_prime_colour : Colour
        Which picture channel shows which end.
    confirmed : bool
        Whether a person has confirmed colours and figures; scoring refuses unconfirmed profiles.
    separation : SeparationRule
        When a 3' and a 5' signal are split.
    case_rule : CaseRule
        When a case is positive.
    sources : mapping of str to str
        Where each figure comes from, by setting name.
    controls : ControlLimits, optional
        Limits of the kit's control slides. None: the profile declares none; see `control_limits`.
    version : int
        Counts up each time the laboratory writes a new version of a profile.
    background : LabBackground, optional
        Where the laboratory's cut-off comes from. None: it was not measured.
    """

    name: str
    title: str
    gene: str
    three_prime_colour: Colour
    five_prime_colour: Colour
    confirmed: bool
    separation: SeparationRule = field(default_factory=SeparationRule)
    case_rule: CaseRule = field(default_factory=CaseRule)
    sources: Mapping[str, str] = field(default_factory=dict)
    controls: ControlLimits | None = None
    version: int = 1
    background: LabBackground | None = None

    @property
    def control_limits(self) -> ControlLimits:
        """The declared limits of control slides, else the ends of the kit's borderline range.

        The limits in the inserts of kits are not public, so none are shipped (clinical-rules 1.1).
        Control slides show whether the assay works, so a cut-off from the laboratory's own
        specimens, which moves the borderline range of its cases, does not move their limits.
        """
        if self.controls is not None:
            return self.controls
        measured = self.background
        if measured is not None and measured.kit_percent:
            return ControlLimits(*measured.kit_borderline_percent)
        return ControlLimits(*self.case_rule.borderline_percent)

    @property
    def has_own_cutoff(self) -> bool:
        """Whether the cut-off comes from the laboratory's own specimens and is not the kit's."""
        measured = self.background
        if measured is None:
            return False
        if measured.kit_percent:
            return measured.kit_percent != self.case_rule.positive_percent
        return measured.method != "none"

    def end_of(self, colour: Colour) -> ProbeEnd:
        """Return the probe end that `colour` labels."""
        is_three = colour == self.three_prime_colour
        return ProbeEnd.THREE_PRIME if is_three else ProbeEnd.FIVE_PRIME
