"""Large libraries are loaded without looking for garbage in them, and left alone when the next run begins.

Python's collector of cycles looks through all objects there are while more and more of them come, and again whenever it
looks at the old ones. The libraries' are never garbage: to look through them takes a sixth of the time of loading, and
a tenth of that of a run whose results are known.
"""

from __future__ import annotations

import gc
import sys
from importlib import import_module

_new = False


def load(*names: str) -> None:
    """Import these modules while the collector rests, unless all of them are there."""
    global _new  # noqa: PLW0603 - modules are the process's, and so is this
    if all(name in sys.modules for name in names):
        return
    resting = not gc.isenabled()
    gc.disable()
    try:
        for name in names:
            import_module(name)
    finally:
        _new = True
        if not resting:
            gc.enable()


def leave_alone() -> None:
    """Take what has been loaded since the last time out of the collector's sight; garbage is collected before."""
    global _new  # noqa: PLW0603
    if _new:
        gc.collect()
        gc.freeze()
        _new = False
