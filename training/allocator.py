"""The C library's allocator: memory that one batch frees is kept for the next."""

from __future__ import annotations

import contextlib
import ctypes

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc, see mallopt(3)
_LARGEST_BLOCK_BYTES = 2**30
_NEVER_BYTES = 2**31 - 1


def keep_freed_memory() -> None:
    """Let glibc keep freed blocks of up to 1 GiB, for the whole process.

    By default every large tensor is mapped and returned anew, and the kernel clears its pages each time: activations of
    a large batch then cost more in page faults than batching saves. Where there is no ``mallopt``, nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _LARGEST_BLOCK_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _NEVER_BYTES)


def give_back_freed_memory() -> None:
    """Hand the pages of freed blocks back to the system now, wherever they lie; where glibc is not, nothing happens."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
