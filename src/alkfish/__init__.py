"""ALK break-apart FISH: from fluorescence images to a case call that a person can check.

The names below are the public interface. They are loaded on first use, so importing `alkfish`
is cheap and has no side effect. Research use only.

Examples
--------
>>> import alkfish
>>> case = alkfish.open_case("case_17")              # doctest: +SKIP
>>> result = alkfish.score_case(case)                # doctest: +SKIP
>>> result.call.call, result.call.rate               # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from alkfish._version import __version__

if TYPE_CHECKING:
    from alkfish.config import Config
    from alkfish.errors import AlkfishError
    from alkfish.evaluate import evaluate_bundle
    from alkfish.io.bundle import export_csv, open_bundle, write_bundle
    from alkfish.io.images import Case, open_case
    from alkfish.io.probes import list_probes, load_probe
    from alkfish.model.flags import NucleusFlag, SpotFlag
    from alkfish.model.fov import FieldOfView
    from alkfish.model.probe import ProbeProfile
    from alkfish.model.result import Call, CaseResult, FieldResult
    from alkfish.model.signals import Pattern
    from alkfish.pipeline import iter_case, score_case, score_fov
    from alkfish.synthetic import simulate_case

_HOMES = {
    "AlkfishError": "alkfish.errors",
    "Call": "alkfish.model.result",
    "Case": "alkfish.io.images",
    "CaseResult": "alkfish.model.result",
    "Config": "alkfish.config",
    "FieldOfView": "alkfish.model.fov",
    "FieldResult": "alkfish.model.result",
    "NucleusFlag": "alkfish.model.flags",
    "Pattern": "alkfish.model.signals",
    "ProbeProfile": "alkfish.model.probe",
    "SpotFlag": "alkfish.model.flags",
    "evaluate_bundle": "alkfish.evaluate",
    "export_csv": "alkfish.io.bundle",
    "iter_case": "alkfish.pipeline",
    "list_probes": "alkfish.io.probes",
    "load_probe": "alkfish.io.probes",
    "open_bundle": "alkfish.io.bundle",
    "open_case": "alkfish.io.images",
    "score_case": "alkfish.pipeline",
    "score_fov": "alkfish.pipeline",
    "simulate_case": "alkfish.synthetic",
    "write_bundle": "alkfish.io.bundle",
}

__all__ = [
    "AlkfishError",
    "Call",
    "Case",
    "CaseResult",
    "Config",
    "FieldOfView",
    "FieldResult",
    "NucleusFlag",
    "Pattern",
    "ProbeProfile",
    "SpotFlag",
    "__version__",
    "evaluate_bundle",
    "export_csv",
    "iter_case",
    "list_probes",
    "load_probe",
    "open_bundle",
    "open_case",
    "score_case",
    "score_fov",
    "simulate_case",
    "write_bundle",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'alkfish' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
