"""Every compiled loop is cached and keeps the order of its sums."""

import importlib
import pkgutil

from numba.core.registry import CPUDispatcher

import alkfish


def _loops():
    for module in pkgutil.walk_packages(alkfish.__path__, "alkfish."):
        if module.name.split(".")[1] in {"detect", "segment", "slides", "io"}:
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, CPUDispatcher):
                    yield f"{module.name}.{name}", value


def test_results_do_not_depend_on_who_compiled():
    loops = dict(_loops())
    assert len(loops) > 30
    assert [name for name, loop in loops.items() if loop.targetoptions.get("fastmath")] == []
    assert [name for name, loop in loops.items() if not loop.targetoptions.get("nogil")] == []
    assert [name for name, loop in loops.items() if not hasattr(loop._cache, "cache_path")] == []
