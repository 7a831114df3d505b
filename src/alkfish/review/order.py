"""The order in which a case is read: fixed, random, the same for everybody and for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alkfish.model.signals import NucleusRecords
from alkfish.review.edits import Edit, NucleiMerged


class NucleusKey(NamedTuple):
    """A nucleus of a case: its field and its label there."""

    fov: str
    nucleus_id: int


def order_seed(case_id: str, fingerprint: str) -> str:
    """Return the seed of the order of a case, from the fingerprint of its result."""
    return hashlib.sha256(f"alkfish-order-1\n{case_id}\n{fingerprint}".encode()).hexdigest()[:16]


def reading_order(nuclei: NucleusRecords, seed: str) -> tuple[NucleusKey, ...]:
    """Return the scorable nuclei in the order in which they are drawn.

    Nuclei are sorted by a hash of the seed and their name, so that the order does not depend on the
    order of rows, on the computer, or on the generator of random numbers of a library's version.

    Parameters
    ----------
    nuclei : NucleusRecords
        All nuclei of the machine's result.
    seed : str
        As returned by `order_seed`.

    Returns
    -------
    tuple of NucleusKey
        Empty without scorable nuclei.
    """
    keys = [
        NucleusKey(str(fov), int(number))
        for fov, number in zip(
            nuclei.fov[nuclei.scorable], nuclei.nucleus_id[nuclei.scorable], strict=True
        )
    ]
    return tuple(sorted(keys, key=lambda key: (_rank(seed, key), key)))


def _rank(seed: str, key: NucleusKey) -> bytes:
    return hashlib.sha256(f"{seed}\n{key.fov}\n{key.nucleus_id}".encode()).digest()


@dataclass(frozen=True)
class Draw:
    """Nuclei that a reader is to read.

    Attributes
    ----------
    nuclei : tuple of NucleusKey
        To be counted, in order; rejected ones are replaced by the next.
    next_position : int
        Where the next reader begins.
    n_missing : int
        How many nuclei the case lacks to fill the read.
    """

    nuclei: tuple[NucleusKey, ...]
    next_position: int
    n_missing: int


def draw_nuclei(
    order: Sequence[NucleusKey], *, start: int, size: int, rejected: Collection[NucleusKey]
) -> Draw:
    """Return the first `size` nuclei from position `start` that were not rejected.

    A nucleus that the order names more than once, see `order_of_merged`, counts at its first
    place; if that lies before `start`, an earlier reader had it and it is not drawn again.
    """
    drawn: list[NucleusKey] = []
    position = min(start, len(order))
    passed = set(order[:position])
    while position < len(order) and len(drawn) < size:
        key = order[position]
        if key not in rejected and key not in passed:
            drawn.append(key)
        passed.add(key)
        position += 1
    return Draw(tuple(drawn), position, size - len(drawn))


def owners_after(edits: Iterable[Edit]) -> dict[NucleusKey, NucleusKey]:
    """Return the nucleus that each merged nucleus is part of after edits; empty without merges."""
    owner: dict[NucleusKey, NucleusKey] = {}
    for edit in edits:
        if isinstance(edit, NucleiMerged):
            parts = {NucleusKey(edit.fov, number) for number in edit.nucleus_ids}
            inner = [key for key, of in owner.items() if of in parts]
            owner |= dict.fromkeys((*parts, *inner), min(parts))
    return owner


def merged_groups(edits: Iterable[Edit]) -> dict[NucleusKey, frozenset[NucleusKey]]:
    """Return the parts of every merged nucleus, by the nucleus that they are now."""
    owner = owners_after(edits)
    return {
        whole: frozenset(key for key, of in owner.items() if of == whole)
        for whole in dict.fromkeys(owner.values())
    }


def order_of_merged(
    order: Sequence[NucleusKey], owner: Mapping[NucleusKey, NucleusKey]
) -> tuple[NucleusKey, ...]:
    """Return the order with merged nuclei at the places of their parts.

    So a merged nucleus has the first place that any of its parts was given by the fixed order,
    whatever number it keeps: merging neither takes a nucleus out of a read nor counts it in two.
    """
    return tuple(owner.get(key, key) for key in order)
