"""Outcomes of a batch without scoring anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from alkfish.batch.cases import BatchCase, Control
from alkfish.batch.outcomes import Done, Figures
from alkfish.io.probes import load_probe
from alkfish.model.probe import ControlLimits
from alkfish.model.result import CaseCall, Caution, PatternCounts
from alkfish.score.case_rule import call_counts
from alkfish.score.statistics import wilson_interval


def make_done(case_id, positive, counted, *, out=Path("out"), control="none", lot="", limits=None,
              cautions=(), min_nuclei=50, **more):  # fmt: skip
    """Return a case with a result of so many positive nuclei."""
    probe = load_probe()
    rule = replace(probe.case_rule, min_nuclei=min_nuclei)
    probe = replace(probe, case_rule=rule, controls=limits and ControlLimits(*limits))
    counts = PatternCounts(fused=counted - positive, split=positive)
    call, reason = call_counts(counts, rule)
    rate = positive / counted if counted else 0.0
    texts = tuple(Caution(f"code_{i}", text) for i, text in enumerate(cautions))
    made = CaseCall(call, counts, rate, wilson_interval(positive, counted), 0.5, (reason,), texts)
    case = BatchCase(case_id, (), Control(control), lot=lot, **more)
    figures = Figures(made, probe, counted, 1, "f" * 64, "c" * 64, "0.1.0", "")
    return Done(case, figures, out.absolute() / case_id, is_new=True)


@pytest.fixture
def done():
    return make_done
