"""Names of files and folders in a scenario, which a file could have; whether it is there is another question."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_LONGEST = 255
"""Bytes of a name between two slashes (NAME_MAX of Linux, macOS and Windows)."""


def _possible(text: str) -> str:
    try:
        parts = [os.fsencode(part) for part in Path(text).expanduser().parts]
    except UnicodeEncodeError as error:
        raise ValueError("no file can have this name, which is no text") from error
    except RuntimeError as error:
        raise ValueError("there is no user of this name, or no home (~)") from error
    if any(b"\0" in part or len(part) > _LONGEST for part in parts):
        raise ValueError(f"no file can have this name: at most {_LONGEST} bytes, none of them zero")
    return text


FilePath = Annotated[str, AfterValidator(_possible)]
"""A path as the user writes it, where ``~`` is the home."""
