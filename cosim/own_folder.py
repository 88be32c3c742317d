"""Folders that this process writes results into, and no other meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

_held: dict[Path, int] = {}
"""File descriptors; the system gives the locks up when the process ends, however it ends."""


class TakenError(OSError):
    """Another process writes into the folder."""


def claim(folder: Path) -> None:
    """Keep ``folder`` for this process until it ends.

    Raises:
        TakenError: another process has it.
        OSError: it is none, or cannot be read.
    """
    place = folder.resolve()
    if place in _held:
        return
    descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise TakenError(errno.EBUSY, "another run writes there now") from error
    except OSError:  # a file system without locks
        os.close(descriptor)
        return
    _held[place] = descriptor
