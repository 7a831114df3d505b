"""A proposal for the ISCN string of a case. A cytogeneticist must check it.

Syntax and examples: clinical-rules 7.1.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from alkfish.model.result import Call, CaseResult
from alkfish.model.signals import NucleusRecords, Pattern
from alkfish.report.wording import reaches_borderline

NORMAL_COPIES = 2
_ABNORMAL = (Pattern.SPLIT.value, Pattern.ISOLATED_3P.value, Pattern.ISOLATED_5P.value)


def iscn_string(result: CaseResult, call: Call, *, three_prime_first: bool = True) -> str:
    """Return the ISCN string of a positive or negative case; empty for other calls.

    A population is named by its most frequent signal constellation and counted by its pattern. A
    pattern makes a population if it reaches the cut-off of the case rule by itself, or is the
    largest positive pattern of a positive case. A negative case whose positive nuclei reach the
    borderline range has no string: a normal one would hide them.

    Parameters
    ----------
    result : CaseResult
        The scored case.
    call : Call
        The verdict that stands on the report.
    three_prime_first : bool
        Order of the probe ends.
    """
    hidden = call is Call.NEGATIVE and reaches_borderline(result.call.counts, result.probe)
    if hidden or call not in (Call.POSITIVE, Call.NEGATIVE):
        return ""
    total = result.call.counts.n_enumerated
    counts = {name: n for name, n in result.call.counts.by_pattern().items() if name in _ABNORMAL}
    cutoff = result.probe.case_rule.positive_percent
    named = [name for name, n in counts.items() if n and n * 100 >= cutoff * total]
    positive = [name for name in _ABNORMAL if Pattern(name).is_positive]
    largest = max(positive, key=counts.__getitem__)
    if call is Call.POSITIVE and counts[largest] and not set(named) & set(positive):
        named.append(largest)
    named = [name for name in named if (result.nuclei.pattern == name).any()]
    named.sort(key=lambda name: -counts[name])
    gene = result.probe.gene
    parts = [
        f"{_constellation(result.nuclei, name, gene, three_prime_first)}[{counts[name]}/{total}]"
        for name in named
    ]
    if call is Call.POSITIVE and not parts:
        return ""
    return "nuc ish" + ("/".join(parts) if parts else _unremarkable(result, gene, total))


def _unremarkable(result: CaseResult, gene: str, total: int) -> str:
    if not any(caution.code == "copy_gain" for caution in result.call.cautions):
        return f"({gene}x{NORMAL_COPIES})[{total}]"
    copies = _copies(result.nuclei)
    gained = copies[copies > NORMAL_COPIES]
    if not len(gained):
        return f"({gene}x{NORMAL_COPIES})[{total}]"
    low, high = int(gained.min()), int(gained.max())
    many = f"{low}" if low == high else f"{low}~{high}"
    return f"({gene}x{many})[{len(gained)}/{total}]"


def _copies(nuclei: NucleusRecords) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    counted = nuclei.scorable
    most = np.maximum(nuclei.n_3p[counted], nuclei.n_5p[counted])
    return np.asarray(nuclei.n_fused[counted] + most, np.int32)


def _constellation(nuclei: NucleusRecords, pattern: str, gene: str, three_first: bool) -> str:
    rows = nuclei.pattern == pattern
    seen = Counter(
        zip(
            nuclei.n_fused[rows].tolist(), nuclei.n_3p[rows].tolist(), nuclei.n_5p[rows].tolist(),
            strict=True,
        )
    )  # fmt: skip
    fused, three, five = max(seen, key=lambda item: (seen[item], item))
    ends = ((f"3'{gene}", fused + three), (f"5'{gene}", fused + five))
    first, second = ends if three_first else ends[::-1]
    if three == five:
        return f"({gene}x{fused + three})({first[0]} sep {second[0]}x{three})"
    totals = f"({first[0]}x{first[1]},{second[0]}x{second[1]})"
    word, count = ("con", fused) if fused else ("sep", max(1, min(three, five)))
    return f"{totals}({first[0]} {word} {second[0]}x{count})"
