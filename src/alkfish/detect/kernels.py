"""How the numerical kernels of this room are compiled: cached on disk, free of the GIL."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

jit = nb.njit(cache=True, nogil=True, fastmath=True)

Kernel = npt.NDArray[Any]
"""An array handed to a kernel; its shape and dtype stand in the kernel's docstring."""


@jit
def local_maxima(response: Kernel, limit: Kernel) -> Any:
    """Return rows and columns above `limit` and all neighbours.

    Parameters
    ----------
    response : ndarray of float32, shape (H + 2, W + 2)
        With a rim of one pixel.
    limit : ndarray of float32, shape (H, W)
        What a maximum must exceed.
    """
    height, width = limit.shape
    found = np.empty((limit.size // 4 + 1, 2), np.float64)
    n = 0
    for i in range(height):
        for j in range(width):
            r, c = i + 1, j + 1
            v = response[r, c]
            if (
                v > limit[i, j]
                and v >= response[r, c - 1]
                and v > response[r, c + 1]
                and v >= response[r - 1, c]
                and v > response[r + 1, c]
                and v >= response[r - 1, c - 1]
                and v >= response[r - 1, c + 1]
                and v > response[r + 1, c - 1]
                and v > response[r + 1, c + 1]
            ):
                found[n, 0], found[n, 1] = i, j
                n += 1
    return found[:n, 0].copy(), found[:n, 1].copy()
