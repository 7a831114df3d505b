"""What tests of several folders build results from."""

from __future__ import annotations

import numpy as np

from alkfish.model.probe import Colour, ProbeProfile

PROBE = ProbeProfile(
    name="kit", title="Kit", gene="ALK", three_prime_colour=Colour.RED,
    five_prime_colour=Colour.GREEN, confirmed=True,
    sources=dict.fromkeys(
        ("colours", "separation", "positive_percent", "min_nuclei", "borderline_percent",
         "read_size", "equivocal_counts"), "made up",
    ),
)  # fmt: skip


def filled(kind, n_rows, **columns):
    """Return a table of zeros and empty texts but for the columns given; scalars are repeated."""
    values = {}
    for info in kind.columns():
        given = columns.pop(info.name, "" if info.dtype == object else 0)
        values[info.name] = np.full(n_rows, given) if np.ndim(given) == 0 else given
        values[info.name] = np.asarray(values[info.name], info.dtype)
    assert not columns, f"unknown columns {sorted(columns)}"
    return kind(**values)
