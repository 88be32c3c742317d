"""Seeds as the command line names them."""

from __future__ import annotations

import re

from cosim.scenario.errors import ScenarioError

_PART = re.compile(r"\s*([0-9]{1,18})\s*(?::\s*([0-9]{1,18})\s*)?")
_MOST = 100_000


def parse_seeds(text: str) -> list[int]:
    """``0:5`` are 0 to 4, as in Python; ``0,3,7`` are these three; both may stand together, as in ``0:5,9``.

    Raises:
        ScenarioError: something else, nothing at all, or one seed twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ScenarioError(f"--seeds {text}: expected seeds such as 0:5 (0 to 4) or 0,3,7")
        first = int(match[1])
        found = range(first, first + 1 if match[2] is None else int(match[2]))
        if len(seeds) + len(found) > _MOST:
            raise ScenarioError(f"--seeds {text}: expected at most {_MOST} seeds")
        seeds += found
    if not seeds:
        raise ScenarioError(f"--seeds {text}: no seed is in this range, whose end is left out")
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise ScenarioError(f"--seeds {text}: {twice} stands twice")
    return seeds
