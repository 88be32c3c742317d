"""Who of several processes does a piece of work: claims as files, on one machine or on a folder that several share.

A claim is a lease of ``filelock``. One whose holder has died on the same machine is free at once, for its process is
gone; one of another machine when it has shown no sign of life for `LEASE_S`, by the watch of whoever waits. The locks
of the kernel would be freed as soon, but shared folders are often mounted so that each machine sees only its own. What
is done under a claim must be harmless when done twice: a process that is suspended for longer wakes up without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LEASE_S = 30.0
"""A holder shows three times as often that it lives."""
_POLL_S = 0.2


@contextmanager
def claimed(file: Path, patience_s: float | None = None) -> Iterator[bool]:
    """Whether ``file`` is ours meanwhile, waiting so long for it; None is as long as it takes.

    Of a holder on another machine that has died is known after `LEASE_S` of waiting, and not before.

    Raises:
        OSError: no file can be made there.
    """
    from filelock import SoftFileLease, Timeout  # noqa: PLC0415 - what needs no claim does without

    file.parent.mkdir(parents=True, exist_ok=True)
    lease = SoftFileLease(file, lease_duration=LEASE_S)
    try:
        lease.acquire(timeout=-1 if patience_s is None else patience_s, poll_interval=_POLL_S)
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lease.release()
