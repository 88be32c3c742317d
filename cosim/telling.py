"""How trouble with the machine is told: in one line, without the code that met it."""

from __future__ import annotations

import errno
import warnings

_WORDS = ("allocate memory:", "failed to map segment")
"""Of PyTorch's allocator, and of what loads libraries."""


def machine_trouble(error: BaseException) -> str | None:
    """What the machine lacks, if that is what ``error`` says; None if it says anything else."""
    if isinstance(error, OSError) and error.errno != errno.ENOMEM:
        return disk_trouble(error)
    if _out_of_memory(error):
        return (
            f"memory of this machine ran out ({in_a_line(error).partition('. ')[0] or 'MemoryError'}); "
            "fewer --workers, a smaller host.tokens or data.batch_size need less"
        )
    if type(error).__name__ == "BrokenProcessPool":  # not imported for a name
        return "a process of this command was killed, as it is where memory runs out; fewer --workers need less"
    return None


def disk_trouble(error: OSError) -> str:
    """What of a disk that is full, or is not ours to write to, the user should know."""
    reason = error.strerror or in_a_line(error)
    if not error.filename:
        return reason
    return f"{error.filename}: cannot be {'found' if isinstance(error, FileNotFoundError) else 'written'} ({reason})"


def warn_plainly() -> None:
    """From now on a warning is the line that it says."""
    warnings.formatwarning = lambda message, *_, **__: f"{in_a_line(message)}\n"


def _out_of_memory(error: BaseException) -> bool:
    """PyTorch has a class of its own for accelerators, and for the processor only words; so has what loads code."""
    if isinstance(error, MemoryError | OSError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | ImportError) and any(words in str(error) for words in _WORDS)


def in_a_line(said: object) -> str:
    """What is said, however many lines it has."""
    return " ".join(str(said).split())
