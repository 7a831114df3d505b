"""Which picture channel plays which role: DAPI, red or green.

Roles come from the fluorophore names of the field, compared word by word without regard to case
and punctuation, or from the user. Nothing is guessed: an unclear channel is an error that lists
what was found. Which probe end a colour labels is the probe profile's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from alkfish.errors import ChannelError

ROLES = ("dapi", "red", "green")
"""Roles a field needs, in the order used everywhere."""

_OTHER = "other"


# Words of other channels are known so that the colour inside them is not taken for a role.
_WORDS = {
    "dapi": "dapi blue hoechst hoescht hoechst33342 hoechst33258 hoechst34580 syto draq5 sytoblue "
    "sytogreen sytoorange sytored sytox sytoxblue sytoxgreen sytoxorange sytoxred",
    "red": "red orange spectrumorange spectrumred sporange spred spo spr zyorange zyred tritc cy3 "
    "cyanine3 cy35 texasred txred txr rhodamine rhodaminered rhod tamra rox rfp mcherry tdtomato "
    "dsred platinumbright547 platinumbright550",
    "green": "green spectrumgreen spgreen spg zygreen fitc fluorescein gfp egfp cy2 cyanine2 fam "
    "oregongreen emerald platinumbright495",
    _OTHER: "farred infrared nearinfrared nir ir aqua gold yellow spectrumaqua spectrumblue "
    "spectrumgold spectrumyellow spectrumfarred zyblue deac coumarin cfp bfp yfp cy5 cyanine5 cy55 "
    "cy7 brightfield bf dic phase transmitted merge merged composite overlay rgb",
}
_DYES = ("af", "alexa", "alexafluor", "atto", "cf", "dylight")
_DYE_NUMBERS = {
    "red": (543, 546, 547, 549, 550, 555, 561, 565, 568, 590, 594),
    "green": (488, 495),
    _OTHER: (350, 405, 430, 514, 532, 610, 633, 635, 647, 660, 680, 700, 750),
}
_ROLE_OF = {word: role for role, words in _WORDS.items() for word in words.split()} | {
    f"{dye}{number}": role
    for role, numbers in _DYE_NUMBERS.items()
    for number in numbers
    for dye in _DYES
}
_LONGEST = max(map(len, _ROLE_OF))
_MERGED = frozenset({"merge", "merged", "composite", "overlay", "rgb"})

# A word is a run of letters, broken where a capital follows a small letter; or a run of digits.
_WORD = re.compile(r"[0-9]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+")
_NUMBERED = re.compile(r"(?:^|[ _.\-(])(?:c|ch|chan|channel|w)[ _\-]?(\d{1,3})\)?$", re.IGNORECASE)
_SEPARATORS = " _-.()[]"


@dataclass(frozen=True)
class _Match:
    """Words ``first`` to ``last`` (excluded) of a name make a word of the vocabulary."""

    first: int
    last: int
    role: str


def role_of(name: str) -> str:
    """Return the role that a channel name stands for; empty if none or more than one.

    Words are matched whole: ``TexasRed``, ``texas red`` and ``TEXAS-RED 500 ms`` are red,
    ``infrared``, ``far red`` and ``redshift`` are not.
    """
    roles = {match.role for match in _matches(_words(name)[0])} - {_OTHER}
    return roles.pop() if len(roles) == 1 else ""


def split_channel_name(stem: str) -> tuple[str, str]:
    """Split a file name without suffixes into its base and the role its last words stand for.

    Returns
    -------
    base : str
        What precedes the channel words, without separators at its end.
    role : str
        A role, ``merged`` or ``other`` for words of channels that play none, or empty.
    """
    words, starts = _words(stem)
    endings = [match for match in _matches(words) if match.last == len(words)]
    if not endings:
        return stem, ""
    match = endings[0]
    base = stem[: starts[match.first]].rstrip(_SEPARATORS)
    if "".join(words[match.first :]) in _MERGED:
        return base, "merged"
    return base, match.role


def split_channel_number(stem: str) -> tuple[str, int]:
    """Split ``case1_C0`` or ``case1_ch00`` into base and number; the number is -1 if none."""
    found = _NUMBERED.search(stem)
    if found is None:
        return stem, -1
    return stem[: found.start()].rstrip(_SEPARATORS), int(found.group(1))


def find_roles(names: Sequence[str]) -> dict[str, list[int]]:
    """Return the channels whose name stands for each role; empty lists where there is none."""
    found: dict[str, list[int]] = {role: [] for role in ROLES}
    for index, name in enumerate(names):
        role = role_of(name)
        if role:
            found[role].append(index)
    return found


def assign_roles(
    names: Sequence[str],
    *,
    override: Mapping[str, int] | None = None,
    where: object = None,
) -> dict[str, int]:
    """Return the channel index of each role.

    Parameters
    ----------
    names : sequence of str
        Name of each channel, in order; empty where the file gives none.
    override : mapping of str to int, optional
        Channel index (from 0) by role, as the user says; it wins over names. Roles left out are
        looked up in the names of the remaining channels.
    where : object, optional
        File or field, for messages.

    Returns
    -------
    dict of str to int
        Keys ``dapi``, ``red``, ``green``.

    Raises
    ------
    ChannelError
        If a role has no channel or several, or `override` names an unknown role or an impossible
        or repeated index. The message lists what was found and how to say it.
    """
    said = dict(override or {})
    problems = list(_override_problems(said, len(names)))
    found = find_roles(["" if i in said.values() else name for i, name in enumerate(names)])
    for role in ROLES:
        if role in said:
            continue
        if not found[role]:
            problems.append(f"no channel is known to be {role}")
        elif len(found[role]) > 1:
            listed = " and ".join(f"{i} {names[i]!r}" for i in found[role])
            problems.append(f"several channels could be {role}: {listed}")
    if problems:
        raise ChannelError(
            "; ".join(problems),
            where=where,
            found=list_channels(names),
            allowed="one channel each for dapi (DAPI, Hoechst, ...), red (SpectrumOrange, TRITC, "
            "Cy3, TexasRed, ...) and green (SpectrumGreen, FITC, AF488, ...)",
            remedy=_remedy(len(names)),
        )
    return {role: said[role] if role in said else found[role][0] for role in ROLES}


def parse_channels(text: str) -> dict[str, int]:
    """Parse ``dapi=0,red=1,green=2`` into channel indices (from 0) by role.

    Raises
    ------
    ChannelError
        Listing every part that is not ``role=index``, every unknown or repeated role and every
        channel used twice.
    """
    channels: dict[str, int] = {}
    problems = []
    for part in text.split(","):
        role, _, number = (piece.strip() for piece in part.partition("="))
        role = role.lower()
        if not (number.isascii() and number.isdigit()):
            problems.append(f"{part.strip()!r} is not role=index")
        elif role not in ROLES:
            problems.append(f"unknown role {role!r}")
        elif role in channels:
            problems.append(f"{role} is given twice")
        elif int(number) in channels.values():
            problems.append(f"channel {int(number)} is given twice")
        else:
            channels[role] = int(number)
    if problems:
        raise ChannelError(
            "; ".join(problems),
            where="--channels",
            found=text,
            allowed=f"role=index parts with the roles {', '.join(ROLES)}, counting from 0",
            remedy="for example --channels dapi=0,red=1,green=2",
        )
    return channels


def list_channels(names: Sequence[str]) -> str:
    """Return the channels as text for messages: index and name of each."""
    listed = ", ".join(
        f"{i} {name!r}" if name else f"{i} (no name)" for i, name in enumerate(names)
    )
    return f"{len(names)} channel{'s' if len(names) != 1 else ''}: {listed or 'none'}"


def _override_problems(said: Mapping[str, int], n_channels: int) -> Iterator[str]:
    for role, index in said.items():
        if role not in ROLES:
            yield f"unknown role {role!r}"
        if not 0 <= index < n_channels:
            yield f"channel {index} for {role} does not exist"
    if len(set(said.values())) < len(said):
        yield "the same channel is given for two roles"


def _remedy(n_channels: int) -> str:
    if n_channels < len(ROLES):
        return (
            "export DAPI and both probe channels into one file, or put one file per channel, named "
            "for example case_DAPI.tif, case_SpectrumOrange.tif, case_SpectrumGreen.tif, into a "
            "folder and give the folder"
        )
    return (
        "say which is which, counting from 0: --channels dapi=0,red=1,green=2 "
        "(channels={'dapi': 0, 'red': 1, 'green': 2})"
    )


def _words(name: str) -> tuple[list[str], list[int]]:
    """Return the words of a name in lower case and where they start."""
    text = unicodedata.normalize("NFC", name)
    found = list(_WORD.finditer(text))
    return [item.group().lower() for item in found], [item.start() for item in found]


def _matches(words: Sequence[str]) -> list[_Match]:
    """Return the longest vocabulary matches, none inside another, in order."""
    found: list[_Match] = []
    first = 0
    while first < len(words):
        match = _longest_match(words, first)
        if match is None:
            first += 1
        else:
            found.append(match)
            first = match.last
    return found


def _longest_match(words: Sequence[str], first: int) -> _Match | None:
    best, joined = None, ""
    for last in range(first, len(words)):
        joined += words[last]
        if len(joined) > _LONGEST:
            break
        if joined in _ROLE_OF:
            best = _Match(first, last + 1, _ROLE_OF[joined])
    return best
