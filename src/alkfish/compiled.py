"""How the loops over pixels and spots are compiled: once, cached on disk, free of the GIL.

A loop that only other loops call is an *inner* kernel: it gets no entry from Python, which saves
a good part of its compile time on the first run. Sums keep their order (no ``fastmath``): it gained
nothing, and the process that had compiled a loop and the next one, which loaded it from the cache,
differed in the last bits of a fit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: Function) -> Function:
    """Compile a loop that Python calls."""
    return cast("Function", numba.njit(**_OPTIONS)(function))


def inner_kernel(function: Function) -> Function:
    """Compile a loop that only kernels call."""
    return cast("Function", numba.njit(**_OPTIONS, **_INNER)(function))
