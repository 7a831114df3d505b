"""What merging and parting nuclei did to a read, in words for its reader."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from alkfish.review.edits import Edit, NucleiMerged, NucleusDeclumped
from alkfish.review.order import NucleusKey


@dataclass(frozen=True)
class Coverage:
    """What a read covers at a moment.

    Attributes
    ----------
    drawn : tuple of NucleusKey
        Its nuclei.
    decided, present : collection of NucleusKey
        Nuclei with a decision, and all nuclei of the case as edited.
    n_missing : int
        How many nuclei the case lacks to fill the read.
    covers_all : bool
        Whether it is a full read.
    must_decide : bool
        Whether every nucleus needs a decision.
    """

    drawn: tuple[NucleusKey, ...]
    decided: Collection[NucleusKey]
    present: Collection[NucleusKey]
    n_missing: int
    covers_all: bool = False
    must_decide: bool = True


def edit_in_words(edit: Edit, before: Coverage, after: Coverage) -> str:
    """Return what an edit of outlines did to a read; empty for edits of signals.

    Parameters
    ----------
    edit : Edit
        The edit.
    before, after : Coverage
        What the read covered before and covers after it.
    """
    if isinstance(edit, NucleiMerged):
        parts = sorted({NucleusKey(edit.fov, number) for number in edit.nucleus_ids})
        words = _merged(parts, before, after)
    elif isinstance(edit, NucleusDeclumped):
        parts = [NucleusKey(edit.fov, edit.nucleus_id)]
        parts += sorted(k for k in after.present if k.fov == edit.fov and k not in before.present)
        words = _parted(parts, before, after)
    else:
        return ""
    return " ".join([*words, *_exchange({*parts}, before, after)])


def listed(items: Sequence[object]) -> str:
    """Return items as a list in words: "4", "4 and 7", "4, 7 and 9"."""
    *others, last = map(str, items)
    return f"{', '.join(others)} and {last}" if others else last


def _merged(parts: list[NucleusKey], before: Coverage, after: Coverage) -> list[str]:
    whole, had = parts[0], [key for key in parts if key in before.drawn]
    head = f"{_named(parts)} are one now: nucleus {whole.nucleus_id}."
    if whole in after.drawn:
        return [head, f"It counts once{_place(whole, had, after)}{_due(parts, before, after)}."]
    if had:
        return [head, "A part of it was among the nuclei of the first read: not counted again."]
    return [head, "It is not one of the nuclei of this read and is not counted."]


def _place(whole: NucleusKey, had: list[NucleusKey], after: Coverage) -> str:
    if after.covers_all or had in ([], [whole]):
        return ""
    if len(had) == 1:
        return f", at the place of nucleus {had[0].nucleus_id} in this read"
    return ", at the first of their places in this read"


def _due(parts: list[NucleusKey], before: Coverage, after: Coverage) -> str:
    """Return whether a decision is needed; what was decided on the parts is void."""
    if not after.must_decide:
        return ", with the pattern that is shown unless you decide otherwise"
    again = " again" if any(key in before.decided for key in parts) else ""
    return f", and is to be decided{again}"


def _parted(parts: list[NucleusKey], before: Coverage, after: Coverage) -> list[str]:
    key, *new = parts
    head = f"Nucleus {key.nucleus_id} is parted into nuclei {listed(_numbers(parts))}."
    if after.covers_all:
        return [head, "Each counts by itself."]
    if key not in after.drawn:
        return [head, "It was not one of the nuclei of this read: no part is counted."]
    others = "were not drawn and are" if len(new) > 1 else "was not drawn and is"
    return [
        head,
        f"The largest part keeps the number {key.nucleus_id} and its place in this read"
        f"{_due(parts, before, after)}.",
        f"{_named(new)} {others} not counted.",
    ]


def _exchange(touched: set[NucleusKey], before: Coverage, after: Coverage) -> list[str]:
    """Return which other nuclei came into the read and left it, and what is lacking."""
    if after.covers_all:
        return []
    n, fov = len(after.drawn), next(iter(touched)).fov
    came = [key for key in after.drawn if key not in {*before.drawn, *touched}]
    left = [key for key in before.drawn if key not in {*after.drawn, *touched}]
    words = []
    if came:
        words.append(f"{_named(came, fov)} came in, so that the read covers {n} nuclei.")
    if left:
        words.append(f"{_named(left, fov)} left the read, which covers {n} nuclei.")
    if after.n_missing > before.n_missing:
        words.append(f"No other nucleus is left to come in: the read covers only {n} nuclei.")
    return words


def _named(keys: list[NucleusKey], fov: str = "") -> str:
    """Return "Nucleus 4" or "Nuclei 4, 7 and 9", with the field where it is not `fov`."""
    word = "Nucleus" if len(keys) == 1 else "Nuclei"
    return f"{word} {listed(_numbers(keys, fov))}"


def _numbers(keys: list[NucleusKey], fov: str = "") -> list[str]:
    here = fov or keys[0].fov
    return [f"{k.nucleus_id}" + ("" if k.fov == here else f" of {k.fov}") for k in keys]
