"""A user's mistake in a scenario: told in one line a problem, never as a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError


class ScenarioError(ValueError):
    """What is wrong with a scenario, one line a problem: key, value, and what would be right."""


def describe(error: ValidationError, source: str, known: Iterable[str]) -> ScenarioError:
    """The problems that pydantic found in ``source``, one line each; ``known`` are all keys, for suggestions."""
    keys = sorted(known)
    return ScenarioError("\n".join(f"{source}: {_line(problem, keys)}" for problem in error.errors()))


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)`` for a misspelt word, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _line(problem: Any, keys: list[str]) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    value = problem["input"]
    if problem["type"] == "extra_forbidden":
        return f"{key} = {value!r}: unknown key{nearest(key, keys)}"
    if problem["type"] == "missing":
        return f"{key}: missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key} = {value!r}: {message[0].lower()}{message[1:]}" if key else message
