"""A user's mistake in a scenario: told in one line a problem, never as a traceback."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import ValidationError

_MOST_SHOWN = 240
"""Characters of a value in a message."""
_ALIKE, _MUCH_ALIKE = 0.6, 0.85
"""Least ratios of letters that two names share: in one section, and in different ones, where names may recur."""


class ScenarioError(ValueError):
    """What is wrong with a scenario, one line a problem: key, value, and what would be right."""


def describe(error: ValidationError, source: str, known: Iterable[str], given: Any) -> ScenarioError:
    """The problems that pydantic found in ``given``, which is from ``source``, one line each.

    ``known`` are all keys, for suggestions.
    """
    keys = sorted(known)
    return ScenarioError("\n".join(f"{source}: {_line(problem, keys, given)}" for problem in error.errors()))


def nearest(word: str, known: Iterable[str]) -> str:
    """`` (did you mean ...?)`` for a misspelt word, else nothing: of keys in its section, else of another's."""
    section, _, name = word.rpartition(".")
    split = [(key.rpartition("."), key) for key in known]
    beside = {last: key for (first, _, last), key in split if first == section}
    anywhere = {last: key for (_, _, last), key in split}
    for keys, alike in ((beside, _ALIKE), (anywhere, _MUCH_ALIKE)):
        if close := difflib.get_close_matches(name, keys, n=1, cutoff=alike):
            return f" (did you mean {keys[close[0]]}?)"
    return ""


def shown(value: Any) -> str:
    """``value`` as a message quotes it: on one line, and not all of a long one."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # more digits than Python writes; or deeper than it goes
        text = f"a {type(value).__name__} beyond words"
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def in_words(message: str) -> str:
    """A message of pydantic as the rest of a line."""
    message = message.removeprefix("Value error, ")
    return f"{message[0].lower()}{message[1:]}"


def _line(problem: Any, keys: list[str], given: Any) -> str:
    key = ".".join(part if isinstance(part, str) and part.isprintable() else repr(part) for part in problem["loc"])
    said = shown(_at(given, problem["loc"], problem["input"]))
    if problem["type"] == "extra_forbidden":
        return f"{key} = {said}: unknown key{nearest(key, keys)}"
    if problem["type"] == "missing":
        return f"{key}: missing"
    return f"{key} = {said}: {in_words(problem['msg'])}" if key else problem["msg"].removeprefix("Value error, ")


def _at(given: Any, loc: Sequence[Any], otherwise: Any) -> Any:
    """What the user has written at ``loc``, which a check may have seen in other units; else what it has seen."""
    for part in loc:
        there = part in given if isinstance(given, dict) else isinstance(given, list) and part in range(len(given))
        if not there:
            return otherwise
        given = given[part]
    return given
