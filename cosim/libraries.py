"""Large libraries are loaded when they are needed, and without looking for garbage in them."""

from __future__ import annotations

import sys
from importlib import import_module

from cosim.garbage import uncollected


def load(*names: str) -> None:
    """Import these modules while the collector rests, unless all of them are there."""
    if all(name in sys.modules for name in names):
        return
    with uncollected():
        for name in names:
            import_module(name)
