"""Keys: the hash of a recipe. Equal keys mean equal values, and no tensor is needed to make one."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path

_BYTES = 16


def digest(*parts: str) -> str:
    """Hexadecimal hash of ``parts`` in their order; ("ab", "c") and ("a", "bc") differ."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=_BYTES).hexdigest()


@cache
def code_of(operation: type) -> str:
    """Hash of the name of an operation's class and of the code behind it.

    The code is that of this package, since any change in it may change a number, and of the module that defines
    ``operation``, should that be a user's own.
    """
    try:
        own = Path(inspect.getfile(operation)).read_text(encoding="utf-8")
    except (TypeError, OSError):  # made in an interactive session
        own = ""
    return digest(operation.__module__, operation.__qualname__, own, _code_of_package())


@cache
def _code_of_package() -> str:
    return digest(*(file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.rglob("*.py"))))
