"""The order in which a case is read: fixed, random, the same for everybody and for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alkfish.model.signals import NucleusRecords


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
    """Return the first `size` nuclei from position `start` that were not rejected."""
    drawn: list[NucleusKey] = []
    position = min(start, len(order))
    while position < len(order) and len(drawn) < size:
        if order[position] not in rejected:
            drawn.append(order[position])
        position += 1
    return Draw(tuple(drawn), position, size - len(drawn))


def positions(order: Sequence[NucleusKey]) -> Mapping[NucleusKey, int]:
    """Return the position of each nucleus in the order."""
    return {key: number for number, key in enumerate(order)}
