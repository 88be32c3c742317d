"""``python -m tests.fuzzing [SECONDS]``: damage files for so long, ten minutes by default, and report what broke."""

from __future__ import annotations

import sys
import time

from tests.fuzzing.campaign import campaign
from tests.fuzzing.loaders import LOADERS


def main() -> None:
    """Share the time among the loaders, each with a seed of its own that is told."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    seed = time.time_ns() % 10**6
    broken = 0
    for name, loader in LOADERS.items():
        ended = campaign(loader, seed, seconds=seconds / len(LOADERS))
        print(f"{name:22}{ended.files:8} files, {ended.refused:8} refused, seed {seed}")  # noqa: T201
        for failure in ended.failures:
            broken += 1
            print(f"  {failure}")  # noqa: T201
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
