"""One case of a batch, as the sheet or the folder describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from alkfish.io.locations import PicturePlace
from alkfish.io.probes import DEFAULT_PROBE


class Control(StrEnum):
    """What a slide is in its batch."""

    NONE = "none"
    """A patient's case."""
    NEGATIVE = "negative"
    """A control slide that must come out negative."""
    POSITIVE = "positive"
    """A control slide that must come out positive."""


@dataclass(frozen=True)
class Reading:
    """How the pictures of a case are read; see `alkfish.open_case`.

    Attributes
    ----------
    channels : mapping of str to int
        Channel of the roles dapi, red and green; empty leaves it to the files.
    pixel_size_um, z_step_um : float
        Micrometres; 0 leaves it to the files.
    scene : str
        Scene to read; empty reads all.
    """

    channels: tuple[tuple[str, int], ...] = ()
    pixel_size_um: float = 0.0
    z_step_um: float = 0.0
    scene: str = ""

    def roles(self) -> Mapping[str, int]:
        """Return the channel of each role."""
        return dict(self.channels)


@dataclass(frozen=True)
class BatchCase:
    """One row of the sheet.

    Attributes
    ----------
    case_id : str
        Names the folder of the result. Never an identifier of the patient.
    images : tuple of Path or str
        Pictures or folders of the case, absolute; URLs are texts.
    control : Control
        Whether it is a control slide.
    probe : str
        Name or file of the probe profile.
    lot, block, notes : str
        Words of the laboratory; `block` and `notes` go onto pages only, never into logs.
    roi : Path, optional
        Outlined areas: a file, or a folder with one per field. None: everything counts.
    details : Path, optional
        TOML file with what the report of the case shows of patient and specimen.
    reading : Reading
        How the pictures are read.
    row : int
        Row of the sheet, counted from 1 with the header; 0 without a sheet.
    """

    case_id: str
    images: tuple[Path | str, ...]
    control: Control = Control.NONE
    probe: str = DEFAULT_PROBE
    lot: str = ""
    block: str = ""
    notes: str = ""
    roi: Path | None = None
    details: Path | None = None
    reading: Reading = field(default_factory=Reading)
    row: int = 0

    @property
    def place(self) -> PicturePlace:
        """Where its pictures lie and how they are read."""
        how = self.reading
        return PicturePlace(self.images, how.roles(), how.pixel_size_um, how.z_step_um, how.scene)

    @property
    def is_control(self) -> bool:
        """Whether it is a control slide."""
        return self.control is not Control.NONE
