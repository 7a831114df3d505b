"""What the C library does with freed memory."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
"""Numbers of two settings in glibc's <malloc.h>."""


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next picture, where it can be told to (glibc).

    By default large arrays are given back to the system and fetched anew, page by page, which took
    a third of the time of a slide's field. The peak stays the same.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
