"""Keys: the hash of a recipe. Equal keys mean equal values, and no tensor is needed to make one."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path

_BYTES = 16


def digest(*parts: str) -> str:
    """Hexadecimal hash of ``parts`` in their order; ("ab", "c") and ("a", "bc") differ."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=_BYTES).hexdigest()


@cache
def code_of(operation: type) -> str:
    """Hash of the name of an operation's class and of the code behind it.

    The code is that of this package, since any change in it may change a number, and of the module that defines
    ``operation``, should that be a user's own.
    """
    own = sorted(Path(__file__).parent.glob("*.py"))
    try:
        others = [Path(inspect.getfile(operation))]
    except (TypeError, OSError):  # made in an interactive session
        others = []
    sources = [file.read_text(encoding="utf-8") for file in dict.fromkeys([*own, *others])]
    return digest(operation.__module__, operation.__qualname__, *sources)
