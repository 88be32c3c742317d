"""Where memory comes from: what one batch frees is kept for the next, and a long-lived block has pages of its own."""

from __future__ import annotations

import contextlib
import ctypes
import mmap

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h of glibc, see mallopt(3)
_LARGEST_BLOCK_BYTES = 2**30
_NEVER_BYTES = 2**31 - 1

_OWN_PAGES_BYTES = 2**17
"""Smaller blocks do not have pages of their own: the last one is half empty, on average."""


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks of up to 1 GiB, in one heap, for the whole process.

    By default every large tensor is mapped and returned anew, and the kernel clears its pages each time: activations of
    a large batch then cost more in page faults than batching saves. All threads share one heap: those that threads get
    of their own are returned when they are empty, after each pass. Where there is no ``mallopt``, nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _NEVER_BYTES)
        mallopt(_M_ARENA_MAX, 1)


def block(nbytes: int) -> bytearray | mmap.mmap:
    """So many bytes to be filled and held for long.

    On Linux, a large block has pages of its own, handed back to the system with it: it leaves no hole in the C
    library's heap. All of them come at once, in two thirds of the time.
    """
    if nbytes >= _OWN_PAGES_BYTES and hasattr(mmap, "MAP_POPULATE"):
        with contextlib.suppress(OSError):  # no more of them: the C library may have some, or says so
            return mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE)
    return bytearray(nbytes)
