"""What people did with the machine's proposal: their reads, their verdict, their signature."""

from __future__ import annotations

from dataclasses import dataclass

from alkfish.errors import InputError
from alkfish.model.result import Call, PatternCounts

NOT_REVIEWED = "Machine proposal, not reviewed"
"""Stands in large letters on a report until a person has read the case."""

CONTROL = "control"
"""Role of reads that are compared with others and change no call."""


@dataclass(frozen=True)
class Read:
    """One reading of a case by a person.

    Attributes
    ----------
    reader : str
        Who read.
    counts : PatternCounts
        Nuclei that the reader counted, per pattern.
    date : str
        When, as the report shall show it.
    n_changed : int
        Nuclei whose pattern or scorability the reader changed.
    role, manner : str
        What the read was for and how it was made, in words.
    """

    reader: str
    counts: PatternCounts
    date: str = ""
    n_changed: int = 0
    role: str = ""
    manner: str = ""


@dataclass(frozen=True)
class ReviewState:
    """How far the review of a case has come. The default: nobody has looked at it.

    Attributes
    ----------
    reads : tuple of Read
        Readings so far, in order.
    final_call : str
        Verdict of the people, a value of `Call`; empty while there is none.
    signed_by, signed_on : str
        Responsible pathologist and date; empty while unsigned.
    comment : str
        Free words of the responsible person.
    machine_call : str
        The machine's verdict, a value of `Call`, where the result that goes with this holds the
        figures of the readers; empty where it is the machine's result.
    pending : str
        What people are doing with a case that has no call yet; empty for nothing.
    signature : str
        Hash that the review store gave the signature.
    remarks : tuple of str
        Sentences on the review: its version, which nuclei were counted.

    Raises
    ------
    InputError
        If the verdict is no call, or was given or signed by nobody.
    """

    reads: tuple[Read, ...] = ()
    final_call: str = ""
    signed_by: str = ""
    signed_on: str = ""
    comment: str = ""
    machine_call: str = ""
    pending: str = ""
    signature: str = ""
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.final_call and self.final_call not in set(Call):
            raise InputError(
                "the final call of the review is none",
                found=self.final_call,
                allowed=", ".join(Call),
            )
        if self.final_call and not self.is_read:
            raise InputError("a final call needs at least one read", found=self.final_call)
        if self.signed_by and not self.final_call:
            raise InputError(
                "a review without a final call cannot be signed",
                found=f"signed by {self.signed_by}",
            )

    @property
    def is_read(self) -> bool:
        """Whether a person has read the case."""
        return bool(self.reads)

    @property
    def is_signed(self) -> bool:
        """Whether a responsible person has signed."""
        return bool(self.signed_by)

    @property
    def heading(self) -> str:
        """The state in a few words."""
        if not self.is_read:
            return f"{NOT_REVIEWED}: {self.pending}" if self.pending else NOT_REVIEWED
        if self.is_signed:
            return f"Reviewed and signed by {self.signed_by}"
        n = sum(read.role != CONTROL for read in self.reads)
        return f"Read by {n} {'reader' if n == 1 else 'readers'}, not signed"

    @property
    def has_readers_figures(self) -> bool:
        """Whether the result that goes with this holds the figures of the readers."""
        return bool(self.machine_call)

    def call(self, machine: Call) -> Call:
        """Return the verdict of the people, or the machine's while there is none."""
        return Call(self.final_call) if self.final_call else machine
