"""The pattern of one nucleus from its signal counts. Pure: standard library and model only."""

from __future__ import annotations

from alkfish.model.signals import Pattern


def classify_pattern(*, n_fused: int, n_3p: int, n_5p: int) -> Pattern:
    """Return the pattern of a nucleus from its fused and unpaired signals.

    Split wins over either isolated pattern, the numbers of unpaired signals need not match, and
    fused copies are irrelevant beside an unpaired signal.

    Parameters
    ----------
    n_fused : int
        Fused signals.
    n_3p, n_5p : int
        Unpaired 3' and 5' signals.

    Raises
    ------
    ValueError
        If a count is negative or the nucleus has no signal at all.

    Notes
    -----
    Source: ATLAS2 pp 45-47, worksheet ATLAS1 p23 (clinical-rules 1.3).
    """
    if min(n_fused, n_3p, n_5p) < 0:
        raise ValueError(f"signal counts must not be negative: {n_fused}, {n_3p}, {n_5p}")
    if n_fused + n_3p + n_5p == 0:
        raise ValueError("a nucleus without signals has no pattern")
    if n_3p and n_5p:
        return Pattern.SPLIT
    if n_3p:
        return Pattern.ISOLATED_3P
    if n_5p:
        return Pattern.ISOLATED_5P
    return Pattern.FUSED


def has_both_ends(*, n_fused: int, n_3p: int, n_5p: int) -> bool:
    """Return whether a nucleus shows at least one signal of each end, as scoring requires.

    Source: ATLAS2 p43 (clinical-rules 1.2).
    """
    return n_fused > 0 or (n_3p > 0 and n_5p > 0)
