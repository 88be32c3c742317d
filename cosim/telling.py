"""How trouble with the machine is told: in one line, without the code that met it."""

from __future__ import annotations

import warnings


def disk_trouble(error: OSError) -> str:
    """What of a disk that is full, or is not ours to write to, the user should know."""
    reason = error.strerror or " ".join(str(error).split())
    if not error.filename:
        return reason
    return f"{error.filename}: cannot be {'found' if isinstance(error, FileNotFoundError) else 'written'} ({reason})"


def warn_plainly() -> None:
    """From now on a warning is the line that it says."""
    warnings.formatwarning = _line


def _line(message: Warning | str, *_: object, **__: object) -> str:
    return f"{' '.join(str(message).split())}\n"
