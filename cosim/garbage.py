"""Python's collector of cycles, which looks through all objects there are, again and again.

A large library's objects are never garbage, and a simulation has millions, of which none are in cycles when their time
is over: looking for them takes a sixth of the time of loading, and a third of that of a run of many users.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_SELDOM = (50_000, 20, 10)
"""New objects before the collector looks, and how many times it looks through the young before it does through older
ones; Python's own begin with 700, or 2,000, objects."""


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector rests."""
    resting = not gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not resting:
            gc.enable()


@contextmanager
def seldom_collected() -> Iterator[None]:
    """The collector looks seldom."""
    before = gc.get_threshold()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
