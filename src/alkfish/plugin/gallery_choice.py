"""Which nuclei the gallery shows, in which order: filters and sorting over columns. No Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from alkfish.model.flags import NucleusFlag
from alkfish.model.result import CaseResult
from alkfish.plugin.session import PATTERN_ORDER, ReviewSession
from alkfish.report.gallery import SURE_FROM, pattern_certainty
from alkfish.report.wording import flag_meaning
from alkfish.review import NucleusKey

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


class _Worded(StrEnum):
    """Member of a list in the window: its value is stored, its words are shown."""

    words: str

    def __new__(cls, value: str, words: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.words = words
        return member


class Standing(_Worded):
    """Which nuclei by what has been decided."""

    ALL = "all", "All nuclei"
    READ = "read", "In this read"
    UNDECIDED = "undecided", "Undecided"
    DECIDED = "decided", "Decided"
    OVERRULED = "overruled", "Overruled"


class Doubt(_Worded):
    """Which nuclei by how certain the machine is."""

    ANY = "any", "Any certainty"
    DOUBTFUL = "doubtful", "Doubtful"
    SURE = "sure", "Certain"


class Sort(_Worded):
    """In which order tiles stand."""

    ORDER = "order", "As in the review"
    DOUBT = "doubt", "Doubtful first"
    PATTERN = "pattern", "By pattern"
    POSITION = "position", "By position"
    SEPARATION = "separation", "Widest apart first"
    SNR = "snr", "Dimmest first"
    AREA = "area", "Largest first"


SHOWN_BLINDED = frozenset({Sort.ORDER, Sort.POSITION})
"""Orders that tell nothing of what the machine found."""


@dataclass(frozen=True)
class Choice:
    """What the reader wants to see.

    Attributes
    ----------
    patterns : frozenset of str
        Patterns to show; the empty text stands for nuclei that are not counted. Empty: all.
    standing, doubt, sort
        See their types.
    flag, fov : str
        Name of a flag, name of a field; empty: any.
    text : str
        Words that number, field, or the meaning of flags must hold, all of them.
    """

    patterns: frozenset[str] = field(default_factory=frozenset)
    standing: Standing = Standing.ALL
    doubt: Doubt = Doubt.ANY
    sort: Sort = Sort.ORDER
    flag: str = ""
    fov: str = ""
    text: str = ""


class GalleryTable:
    """Columns that the gallery filters and sorts by, of one session.

    Columns of the result are made once per result; pattern and decision are followed nucleus by
    nucleus. Under a blinded read nothing of the machine enters: only nuclei of the read are
    shown, and filters on flags and doubt do nothing.

    Parameters
    ----------
    session : ReviewSession
        The case.
    """

    def __init__(self, session: ReviewSession) -> None:
        self._session = session
        self._result = session.result
        self._blind = not session.may_see_machine
        self.patterns: npt.NDArray[np.object_] = session.patterns.copy()
        self.decided: Mask = session.decided.copy()

    def __len__(self) -> int:
        return len(self._result.nuclei)

    @property
    def result(self) -> CaseResult:
        """The result that the columns belong to."""
        return self._result

    @property
    def blinded(self) -> bool:
        """Whether nothing of the machine may be shown."""
        return self._blind

    @property
    def n_allowed(self) -> int:
        """Nuclei that may be shown at all: of a blinded read only its own."""
        return int(self.in_read.sum()) if self._blind else len(self)

    def row_of(self, nucleus: NucleusKey) -> int:
        """Return the row of a nucleus; -1 if there is none."""
        return self._session.rows.get(nucleus, -1)

    def reasons(self, row: int) -> list[str]:
        """Return the flags of a nucleus in words; none under a blinded read."""
        names = "" if self._blind else str(self._result.nuclei.flags[row])
        return [flag_meaning(name) for name in names.split(";") if name]

    def is_of(self, session: ReviewSession) -> bool:
        """Whether the columns are still those of the session: same outlines, same blinding."""
        same = self._session is session and self._result is session.result
        return same and self._blind is not session.may_see_machine

    def update(self, nuclei: tuple[NucleusKey, ...]) -> Rows:
        """Take up patterns and decisions; of all nuclei if none are named.

        Returns
        -------
        ndarray of int
            Rows that show something else than before.
        """
        session = self._session
        rows = (
            np.array([session.rows[key] for key in nuclei if key in session.rows], np.intp)
            if nuclei
            else np.arange(len(self))
        )
        patterns, decided = session.patterns[rows], session.decided[rows]
        changed = (patterns != self.patterns[rows]) | (decided != self.decided[rows])
        self.patterns[rows], self.decided[rows] = patterns, decided
        self.__dict__.pop("in_read", None)
        found: Rows = rows[changed.astype(bool)]
        return found

    @cached_property
    def in_read(self) -> Mask:
        """Whether each nucleus is one of the open read, rejected ones included."""
        session = self._session
        mask = np.zeros(len(self), bool)
        mask[[session.rows[key] for key in session.draw if key in session.rows]] = True
        return mask | (self.decided if session.is_reading else False)

    @cached_property
    def certainty(self) -> npt.NDArray[np.float64]:
        """Estimated probability of the machine's pattern; 0 for nuclei that are not counted."""
        return pattern_certainty(self._result.nuclei)

    @cached_property
    def fovs(self) -> tuple[str, ...]:
        """Names of the fields, in the order of the result."""
        return tuple(qc.fov for qc in self._result.fields)

    @cached_property
    def flags(self) -> tuple[str, ...]:
        """Flags that occur, in the order of their definition; empty under a blinded read."""
        return () if self._blind else tuple(self._flag_masks)

    def counts(self, choice: Choice) -> dict[str, int]:
        """Return how many nuclei of each pattern a choice holds, whatever patterns it names.

        The empty text stands for nuclei that are not counted.
        """
        shown = self.patterns[self.mask(replace(choice, patterns=frozenset()))]
        named = {name: int((shown == name).sum()) for name in PATTERN_ORDER if name}
        return named | {"": len(shown) - sum(named.values())}

    def rows(self, choice: Choice) -> Rows:
        """Return the rows to show, in order."""
        order = self._order(choice.sort)
        shown: Rows = order[self.mask(choice)[order]]
        return shown

    def mask(self, choice: Choice) -> Mask:
        """Return of every row whether it is shown."""
        keep = self._standing(choice.standing)
        if choice.patterns:
            keep &= np.isin(self.patterns.astype(str), sorted(choice.patterns))
        if choice.fov:
            keep &= self._result.nuclei.fov == choice.fov
        for word in choice.text.lower().split():
            keep &= np.array([word in text for text in self._texts], bool)
        if self._blind:
            return keep & self.in_read
        if choice.flag:
            keep &= self._flag_masks.get(choice.flag, np.zeros(len(self), bool))
        if choice.doubt is not Doubt.ANY:
            scorable = self._result.nuclei.scorable
            keep &= scorable & (self._doubtful == (choice.doubt is Doubt.DOUBTFUL))
        return keep

    def _standing(self, standing: Standing) -> Mask:
        if standing is Standing.READ:
            return self.in_read.copy()
        if standing is Standing.DECIDED:
            return self.decided.copy()
        if standing is Standing.UNDECIDED:
            left = self.in_read if self._session.is_reading else np.ones(len(self), bool)
            return left & ~self.decided
        if standing is Standing.OVERRULED and not self._blind:
            other: Mask = (self.patterns != self._result.nuclei.pattern).astype(bool)
            return self.decided & other
        return np.ones(len(self), bool)

    def _order(self, sort: Sort) -> Rows:
        nuclei = self._result.nuclei
        if self._blind and sort not in SHOWN_BLINDED:
            sort = Sort.ORDER
        if sort is Sort.ORDER:
            return self._review_order()
        if sort is Sort.POSITION:
            return self._by_position
        sure = self._by_doubt
        keys: dict[Sort, npt.NDArray[Any]] = {
            Sort.DOUBT: sure,
            Sort.PATTERN: _pattern_rank(self.patterns),
            Sort.SEPARATION: -nuclei.max_separation_diam,
            Sort.SNR: np.where(nuclei.min_snr > 0, nuclei.min_snr, np.inf),
            Sort.AREA: -nuclei.area_um2,
        }
        return np.lexsort((sure, keys[sort]))

    def _review_order(self) -> Rows:
        session = self._session
        first = np.array([session.rows[k] for k in session.keys_in_order if k in session.rows])
        others = np.ones(len(self), bool)
        others[first.astype(np.intp)] = False
        return np.concatenate([first, np.flatnonzero(others)]).astype(np.intp)

    @cached_property
    def _by_position(self) -> Rows:
        nuclei = self._result.nuclei
        places = {name: number for number, name in enumerate(self.fovs)}
        fields = np.array([places.get(str(name), len(places)) for name in nuclei.fov], np.intp)
        return np.lexsort((nuclei.x_px, nuclei.y_px, fields))

    @cached_property
    def _by_doubt(self) -> npt.NDArray[np.float64]:
        """Certainty of counted nuclei; those that are not counted come last."""
        return np.where(self._result.nuclei.scorable, self.certainty, 2.0)

    @cached_property
    def _doubtful(self) -> Mask:
        flagged = self._flag_masks.get("doubtful", np.zeros(len(self), bool))
        doubtful: Mask = flagged | (self.certainty < SURE_FROM)
        return doubtful

    @cached_property
    def _flag_masks(self) -> dict[str, Mask]:
        names, code = np.unique(self._result.nuclei.flags.astype(str), return_inverse=True)
        found = {}
        for flag in NucleusFlag:
            name = str(flag.name).lower()
            having = np.array([name in text.split(";") for text in names.tolist()], bool)
            if having.any():
                found[name] = having[code]
        return found

    @cached_property
    def _texts(self) -> list[str]:
        """Return what a search looks through, per row."""
        nuclei = self._result.nuclei
        flags = [""] * len(self) if self._blind else nuclei.flags.tolist()
        meanings = {text: " ".join(map(flag_meaning, text.split(";"))) for text in set(flags)}
        pairs = zip(nuclei.nucleus_id.tolist(), nuclei.fov.tolist(), flags, strict=True)
        return [f"#{n} {fov} {meanings[text]}".lower() for n, fov, text in pairs]


def _pattern_rank(patterns: npt.NDArray[np.object_]) -> npt.NDArray[np.intp]:
    rank = np.full(len(patterns), len(PATTERN_ORDER), np.intp)
    for number, name in enumerate(PATTERN_ORDER):
        rank[patterns == name] = number
    return rank
