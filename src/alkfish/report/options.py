"""How a report looks and what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alkfish.errors import InputError


@dataclass(frozen=True)
class ReportOptions:
    """Choices of the laboratory.

    Attributes
    ----------
    lab_name : str
        Stands at the head of the report.
    logo : Path, optional
        PNG, JPEG or GIF picture; it is put into the page.
    template : Path, optional
        Jinja file that extends ``report.html``; see ``docs/report.md``.
    anonymous : bool
        Leave out patient, case and file names, readers and dates.
    nuclei_per_pattern : int
        Most nuclei shown of each pattern: half the most convincing, half the most doubtful.
    three_prime_first : bool
        Order of the probe ends in the ISCN string; by the pter to qter rule 3'ALK comes first.

    Raises
    ------
    InputError
        If the number of nuclei is not between 0 and 500.
    """

    lab_name: str = ""
    logo: Path | None = None
    template: Path | None = None
    anonymous: bool = False
    nuclei_per_pattern: int = 16
    three_prime_first: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.nuclei_per_pattern <= 500:
            raise InputError(
                "the number of nuclei to show is out of range",
                found=self.nuclei_per_pattern,
                allowed="0 to 500 per pattern",
            )
