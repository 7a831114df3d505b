"""What the review dock says of one nucleus: plain texts from the result and the session. No Qt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from alkfish.model.flags import EXCLUDING, NucleusFlag, parse_flags
from alkfish.model.signals import Pattern
from alkfish.plugin.session import ReviewSession
from alkfish.report.gallery import signals_text
from alkfish.report.wording import flag_meaning, words_of
from alkfish.review import NucleusKey

HIDDEN = "Blinded read: what the machine found is hidden until the read is finished."
PERCENT = "\u00a0%"
"""Never at the beginning of a line."""


@dataclass(frozen=True)
class NucleusWords:
    """What is shown of a nucleus.

    Attributes
    ----------
    title : str
        Which.
    pattern : str
        Its pattern as it counts now; empty: not counted, or hidden.
    name : str
        The pattern in words; "Not decided" if it is hidden.
    by : str
        Whose value that is.
    lines : tuple of (str, str)
        Heading and text of what the pattern rests on.
    flags : tuple of str
        What is unusual, in words; reasons why it is not counted come first.
    notes : tuple of str
        Remarks on it.
    """

    title: str
    pattern: str
    name: str
    by: str
    lines: tuple[tuple[str, str], ...]
    flags: tuple[str, ...]
    notes: tuple[str, ...]


def describe_nucleus(session: ReviewSession, nucleus: NucleusKey) -> NucleusWords:
    """Return what is to be said of a nucleus to this reader now."""
    row = session.rows[nucleus]
    pattern, is_decided = str(session.patterns[row]), bool(session.decided[row])
    seen = session.may_see_machine
    name = words_of(pattern).name if seen or is_decided else "Not decided"
    return NucleusWords(
        title=f"Nucleus {nucleus.nucleus_id}, {nucleus.fov}",
        pattern=pattern,
        name=name,
        by=_by(session, nucleus, row),
        lines=_lines(session, row) if seen else (),
        flags=_flags(session, row) if seen else (HIDDEN,),
        notes=_notes(session, nucleus),
    )


def _by(session: ReviewSession, nucleus: NucleusKey, row: int) -> str:
    """Return whose value is shown, and what the machine said if that was another."""
    table = session.review.machine_result.nuclei
    reason = session.reason_of(nucleus)
    if not session.decided[row]:
        if not session.may_see_machine:
            return "decide it: the proposal is hidden"
        edited = session.result.nuclei is not table
        same = edited and _machine_pattern(session, nucleus) == str(session.patterns[row])
        return "proposed by the rules after your edits" if edited and not same else "proposed"
    who = "decided by you" if session.is_reading else "decided"
    who += f": {reason}" if reason else ""
    machine = _machine_pattern(session, nucleus)
    if session.may_see_machine and machine != str(session.patterns[row]):
        who += f" (machine: {words_of(machine).name})"
    return who


def _machine_pattern(session: ReviewSession, nucleus: NucleusKey) -> str:
    return session.machine_patterns.get(nucleus, "")


def _lines(session: ReviewSession, row: int) -> tuple[tuple[str, str], ...]:
    nuclei = session.result.nuclei
    found = [("Signals", signals_text(nuclei, row)), ("Separation", _separation(session, row))]
    found.append(("Hangs on", _decisive(session, row)))
    found.append(("Dimmest signal", _dimmest(session, row)))
    found.append(("Machine's odds", _odds(session, row)))
    found.append(("Nucleus", f"{nuclei.area_um2[row]:.0f} um², focus {nuclei.focus[row]:.2f}"))
    return tuple((heading, text) for heading, text in found if text)


def _separation(session: ReviewSession, row: int) -> str:
    nuclei, rule = session.result.nuclei, session.result.probe.separation
    diameters, um = float(nuclei.max_separation_diam[row]), float(nuclei.max_separation_um[row])
    if um <= 0:
        return "no 3' and 5' signal to compare"
    limit = f"{rule.limit:g} diameters" if rule.measure.in_diameters else f"{rule.limit:g} um"
    return f"gap {diameters:.2f} diameters, centres {um:.2f} um apart (split from {limit})"


def _decisive(session: ReviewSession, row: int) -> str:
    """Return the spot without which the pattern would change most probably, in words."""
    nuclei, spots = session.result.nuclei, session.result.spots
    number = int(nuclei.decisive_spot[row])
    if number <= 0:
        return ""
    found = np.flatnonzero((spots.fov == nuclei.fov[row]) & (spots.spot_id == number))
    if not len(found):
        return ""
    spot = int(found[0])
    end = "3'" if str(spots.end[spot]) == "3p" else "5'"
    if _is_by_hand(session, spot):  # its SNR is that of other signals, or of another place
        return f"the {end} signal marked ?: placed by hand"
    return (
        f"the {end} signal marked ?: SNR {spots.snr[spot]:.1f}, real with "
        f"{100 * spots.p_real[spot]:.0f}{PERCENT}"
    )


def _dimmest(session: ReviewSession, row: int) -> str:
    """Return the smallest SNR of a nucleus in words; none if it stands for a signal by hand."""
    nuclei, spots = session.result.nuclei, session.result.spots
    snr = float(nuclei.min_snr[row])
    if snr <= 0:
        return ""
    if spots is not session.review.machine_result.spots:
        own = (spots.nucleus_id == nuclei.nucleus_id[row]) & np.isclose(spots.snr, snr)
        places = np.flatnonzero(own)
        places = places[spots.fov[places] == nuclei.fov[row]]
        if any(_is_by_hand(session, int(spot)) for spot in places):
            return ""
    return f"SNR {snr:.1f}"


def _is_by_hand(session: ReviewSession, spot: int) -> bool:
    """Whether a reader has added or moved a spot of the shown result."""
    shown, machine = session.result.spots, session.review.machine_result.spots
    if shown is machine:
        return False
    there = (machine.fov == shown.fov[spot]) & (machine.spot_id == shown.spot_id[spot])
    there &= (machine.y_px == shown.y_px[spot]) & (machine.x_px == shown.x_px[spot])
    return not bool(there.any())


def _odds(session: ReviewSession, row: int) -> str:
    nuclei = session.result.nuclei
    if not nuclei.scorable[row]:
        return ""
    odds = {p.value: float(getattr(nuclei, f"p_{p.value.lower()}")[row]) for p in Pattern}
    likely = sorted(odds.items(), key=lambda item: -item[1])
    shown = [item for item in likely if item[1] >= 0.005] or likely[:1]
    return ", ".join(f"{words_of(name).name.lower()} {100 * p:.0f}{PERCENT}" for name, p in shown)


def _flags(session: ReviewSession, row: int) -> tuple[str, ...]:
    names = [name for name in str(session.result.nuclei.flags[row]).split(";") if name]
    out = [name for name in names if parse_flags(name, NucleusFlag) & EXCLUDING]
    return tuple(
        [f"Not counted: {flag_meaning(name)}" for name in out]
        + [flag_meaning(name) for name in names if name not in out]
    )


def _notes(session: ReviewSession, nucleus: NucleusKey) -> tuple[str, ...]:
    read = session.review.read
    reads = (read,) if read else session.review.reads()
    here = [each for each in reads if each.result == session.review.fingerprint]
    return tuple(note.text for each in here for note in each.notes if note.nucleus == nucleus)


def progress_words(session: ReviewSession) -> str:
    """Return which nucleus of the order this is, and how many of the read are decided."""
    keys = session.keys_in_order
    parts = []
    place = session.place_of(session.current) if session.current else -1
    if place >= 0:
        parts.append(f"{place + 1} of {len(keys)}")
    elif keys:
        parts.append("not in this order")
    if session.is_reading:
        left = len(session.undecided())
        parts.append(f"{len(session.draw) - left} of {len(session.draw)} decided")
    return " · ".join(parts)
