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

    def end_of(self, colour: Colour) -> ProbeEnd:
        """Return the probe end that `colour` labels."""
        is_three = colour == self.three_prime_colour
        return ProbeEnd.THREE_PRIME if is_three else ProbeEnd.FIVE_PRIME
