"""How sure the pattern of each nucleus is, and which spot it hangs on.

A spot may be false, a partner may have been missed, and a separation may lie so near the rule's
limit that its error decides. These three doubts are combined per nucleus, taking them as
independent. `alkfish evaluate` prints how well the probabilities hold on simulated truth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from alkfish.model.probe import SeparationRule
from alkfish.score.pairing import FUSED, UNPAIRED_3P, UNPAIRED_5P, Pairing

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

UNPAIRED_PRIOR = 0.1
"""Share of loci expected to be truly unpaired, truncation included (clinical-rules 8.1)."""

DIAMETER_ERROR = 0.10
"""Relative error of a diameter that does not shrink with SNR: optics and focus."""


@dataclass(frozen=True, eq=False)
class SpotEvidence:
    """What the spots of one end say for themselves.

    Attributes
    ----------
    p_real, snr : ndarray of float64, shape (N,)
        Probability of being a signal; signal-to-noise ratio.
    p_partner_missed : ndarray of float64, shape (N,)
        Probability that a partner of the other end at this place would have been missed.
    """

    p_real: Floats
    snr: Floats
    p_partner_missed: Floats


@dataclass(frozen=True, eq=False)
class PatternProbabilities:
    """Probability of each pattern per nucleus id; index 0 is the background."""

    fused: Floats
    split: Floats
    isolated_3p: Floats
    isolated_5p: Floats
    decisive: npt.NDArray[np.int64]


def pattern_probabilities(
    pairing: Pairing,
    three: SpotEvidence,
    five: SpotEvidence,
    *,
    rule: SeparationRule,
    n_nuclei: int,
) -> PatternProbabilities:
    """Return the probability of each pattern for nuclei 0 to `n_nuclei`.

    ``decisive`` is the row of the least certain spot on which the pattern hangs, counted through
    the 3' spots and then the 5' spots; -1 for none.
    """
    signals = pairing.signals
    real = _signal_probability(pairing, three, five)
    snr = _weakest_snr(pairing, three, five)
    apart = _p_apart(signals.separation(rule.measure), snr, signals.centre_um, rule)
    unpaired_3 = signals.kind == UNPAIRED_3P
    near = unpaired_3 & (signals.centre_um > 0)
    fused_but_split = _any(
        signals.nucleus_id, np.where(signals.kind == FUSED, apart, 0.0), n_nuclei
    )
    split_but_fused = _smallest(signals.nucleus_id[near], 1.0 - apart[near], n_nuclei)
    any_3 = _any(signals.nucleus_id, np.where(unpaired_3, real, 0.0), n_nuclei)
    any_5 = _any(signals.nucleus_id, np.where(signals.kind == UNPAIRED_5P, real, 0.0), n_nuclei)
    both = any_3 * any_5
    split = fused_but_split + (1 - fused_but_split) * both * (1 - split_but_fused)
    rest = 1 - fused_but_split
    return PatternProbabilities(
        fused=rest * ((1 - any_3) * (1 - any_5) + both * split_but_fused),
        split=split,
        isolated_3p=rest * any_3 * (1 - any_5),
        isolated_5p=rest * (1 - any_3) * any_5,
        decisive=_decisive(pairing, three, five, n_nuclei),
    )


def _signal_probability(pairing: Pairing, three: SpotEvidence, five: SpotEvidence) -> Floats:
    """Return the probability that each unpaired signal is real and truly without a partner."""
    alone = np.zeros(len(pairing.signals.kind) + 1)
    for evidence, signal in ((three, pairing.signal_3p), (five, pairing.signal_5p)):
        missed = evidence.p_partner_missed * (1 - UNPAIRED_PRIOR)
        p = evidence.p_real * UNPAIRED_PRIOR / (UNPAIRED_PRIOR + missed)
        np.maximum.at(alone, signal, p)
    return alone[1:]


def _weakest_snr(pairing: Pairing, three: SpotEvidence, five: SpotEvidence) -> Floats:
    weakest = np.full(len(pairing.signals.kind) + 1, np.inf)
    np.minimum.at(weakest, pairing.signal_3p, three.snr)
    np.minimum.at(weakest, pairing.signal_5p, five.snr)
    return weakest[1:]


def _p_apart(separation: Floats, snr: Floats, centre_um: Floats, rule: SeparationRule) -> Floats:
    """Return the probability that the true separation reaches the rule's limit."""
    relative = np.hypot(DIAMETER_ERROR, 1.0 / np.maximum(snr, 1.0))
    error = relative * (separation + 1.0) if rule.measure.in_diameters else relative * centre_um
    z = (separation - rule.limit) / np.maximum(error, 1e-6)
    return np.asarray(np.where(centre_um > 0, ndtr(z), 0.0))


def _any(nucleus: Ints, p: Floats, n_nuclei: int) -> Floats:
    """Return per nucleus the probability that at least one of independent events happens."""
    log_none = np.bincount(nucleus, np.log1p(-np.minimum(p, 1 - 1e-9)), minlength=n_nuclei + 1)
    return np.asarray(-np.expm1(log_none))


def _smallest(nucleus: Ints, p: Floats, n_nuclei: int) -> Floats:
    lowest = np.ones(n_nuclei + 1)
    np.minimum.at(lowest, nucleus, p)
    lowest[np.bincount(nucleus, minlength=n_nuclei + 1) == 0] = 0.0
    return lowest


def _decisive(
    pairing: Pairing, three: SpotEvidence, five: SpotEvidence, n_nuclei: int
) -> npt.NDArray[np.int64]:
    """Return per nucleus the unpaired spot with the smallest probability of being real."""
    kind = np.concatenate([[-1], pairing.signals.kind])
    owner = np.concatenate([[0], pairing.signals.nucleus_id])
    signal = np.concatenate([pairing.signal_3p, pairing.signal_5p])
    p_real = np.concatenate([three.p_real, five.p_real])
    rows = np.flatnonzero((kind[signal] == UNPAIRED_3P) | (kind[signal] == UNPAIRED_5P))
    order = rows[np.argsort(-p_real[rows], kind="stable")]
    decisive = np.full(n_nuclei + 1, -1, np.int64)
    decisive[owner[signal[order]]] = order
    return decisive
