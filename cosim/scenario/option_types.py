"""Options of parts against the types that their code declares, so that no part has to check types itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from cosim.scenario.errors import in_words

_STRICT = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
_MOST = 2**53


def conforming(made: Callable[..., Any], key: str, value: Any) -> Any:
    """``value`` for parameter ``key`` of ``made``, in the type declared there; as it is, where none is.

    Raises:
        ValueError: it has another type, or is not finite, or a whole number that no float has.
    """
    declared = _declared(made)
    if isinstance(value, int) and abs(value) > _MOST:
        raise ValueError("no part can count so far")
    if key not in declared:
        return value
    try:
        made_of_it = TypeAdapter(declared[key], config=_STRICT).validate_python(value)
    except ValidationError as error:
        raise ValueError(in_words(error.errors()[0]["msg"])) from error
    return value if made_of_it == value else made_of_it  # a whole number stays as it was written


@lru_cache(maxsize=256)
def _declared(made: Callable[..., Any]) -> dict[str, Any]:
    """The types of its parameters; none where they cannot be worked out, as in code of the user's own."""
    plain = isinstance(made, type) and not dataclasses.is_dataclass(made)
    where = vars(made).get("__init__", made) if plain else made
    try:
        return get_type_hints(where)
    except (NameError, TypeError, AttributeError):
        return {}
