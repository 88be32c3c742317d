"""Who of several processes does a piece of work: claims as files, on one machine or on a folder that several share.

A claim is a lease of ``filelock``. One whose holder has died on the same machine is free at once, for its process is
gone; one of another machine when it has shown no sign of life for `LEASE_S`, by the watch of whoever waits. The locks
of the kernel would be freed as soon, but shared folders are often mounted so that each machine sees only its own. What
is done under a claim must be harmless when done twice: a process that is suspended for longer wakes up without it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import SoftFileLease

LEASE_S = 30.0
"""A holder shows three times as often that it lives."""
_POLL_S = 0.2
_WRITING_S = 5.0
"""A holder writes its name into its file microseconds after it has made it."""
_TURN_LEASES = 3
"""After so long it is looked again whether the claim says whose it is."""


@contextmanager
def claimed(file: Path, patience_s: float | None = None) -> Iterator[bool]:
    """Whether ``file`` is ours meanwhile, waiting so long for it; None is as long as it takes.

    Of a holder on another machine that has died is known after `LEASE_S` of waiting, and not before.

    Raises:
        OSError: no file can be made there.
    """
    from filelock import SoftFileLease  # noqa: PLC0415 - what needs no claim does without

    file.parent.mkdir(parents=True, exist_ok=True)
    lease = SoftFileLease(file, lease_duration=LEASE_S)
    if not _acquired(lease, file, inf if patience_s is None else patience_s):
        yield False
        return
    try:
        yield True
    finally:
        lease.release()


def _acquired(lease: SoftFileLease, file: Path, patience_s: float) -> bool:
    from filelock import Timeout  # noqa: PLC0415

    while True:
        patience_s -= _clear_if_unsaid(file, patience_s)
        turn_s = min(patience_s, _TURN_LEASES * LEASE_S)
        try:
            lease.acquire(timeout=turn_s, poll_interval=_POLL_S)
        except Timeout:
            patience_s -= turn_s
            if patience_s <= 0.0:
                return False
        else:
            return True


def _clear_if_unsaid(file: Path, patience_s: float) -> float:
    """Remove a claim whose holder died before it could say whose it is, and return how many seconds that took.

    For the lease, an empty file is an old version's claim, which it never takes over.
    """
    unsaid, waited_s = _unsaid(file), 0.0
    while unsaid is not None and waited_s < patience_s and _unsaid(file) == unsaid:
        if waited_s >= _WRITING_S:
            _put_away(file, unsaid)
            break
        Event().wait(_POLL_S)
        waited_s += _POLL_S
    return min(waited_s, patience_s)


def _put_away(file: Path, unsaid: tuple[int, int]) -> None:
    """Remove ``file`` if it is still the one that was ``unsaid``; others may be about to do so, or to claim it anew."""
    aside = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    with suppress(OSError):
        file.rename(aside)
        if _unsaid(aside) != unsaid:
            os.link(aside, file)
    aside.unlink(missing_ok=True)


def _unsaid(file: Path) -> tuple[int, int] | None:
    """Which file it is, if it is there and empty."""
    try:
        found = file.stat()
    except OSError:
        return None
    return None if found.st_size else (found.st_ino, found.st_mtime_ns)
