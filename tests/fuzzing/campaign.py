"""Damaged files, one after another, for one loader."""

from __future__ import annotations

import random
import tempfile
import time
import traceback
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzzing.loaders import REFUSALS, Loader
from tests.fuzzing.mutation import mutated

_MOST_FAILURES = 5


@dataclass(kw_only=True)
class Campaign:
    """How many files there were, how many were refused, and with which content what else happened."""

    files: int = 0
    refused: int = 0
    failures: list[str] = field(default_factory=list)


def campaign(loader: Loader, seed: int, *, seconds: float = 1e9, files: int = 10**9) -> Campaign:
    """Try ``files`` damaged files, or as many as go into ``seconds``; ends early where much is broken."""
    found, draw, until = Campaign(), random.Random(seed), time.monotonic() + seconds
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while found.files < files and time.monotonic() < until and len(found.failures) < _MOST_FAILURES:
            content = mutated(loader.valid, draw)
            found.files += 1
            with tempfile.TemporaryDirectory() as folder:
                _try(loader, content, Path(folder) / loader.name, found)
    return found


def _try(loader: Loader, content: bytes, path: Path, found: Campaign) -> None:
    path.write_bytes(content)
    try:
        loader.read(path)
    except REFUSALS as error:
        found.refused += 1
        if not str(error).strip():
            found.failures.append(f"{content!r}: refused without a word")
    except Exception as error:  # what this is about
        last = traceback.extract_tb(error.__traceback__)[-1]
        found.failures.append(f"{content!r}: {type(error).__name__}: {error} ({last.filename}:{last.lineno})")
