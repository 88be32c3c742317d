"""Where base models are, and what their configuration says; reads JSON only, so that checking a scenario is quick."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from training.keys import digest

ASSETS = Path(__file__).parent / "assets"
"""Base models that ship with the project, one folder each."""
_WEIGHTS = ".safetensors"
"""No other: weights as Python pickles them can execute anything when they are loaded."""
_MOST_BLOCKS, _MOST_POSITIONS = 10_000, 10**8
_HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)


def shipped() -> list[str]:
    """Names of the base models in the package."""
    return sorted(folder.name for folder in ASSETS.iterdir() if (folder / "config.json").is_file())


def locate(name: str) -> str:
    """What Hugging Face loads for ``name``: a shipped model's folder, a local folder, else the hub name itself."""
    if name in shipped():
        return str(ASSETS / name)
    if Path(name).expanduser().is_dir():
        return str(Path(name).expanduser())
    return name


def may_be_of_hub(name: str) -> bool:
    """Whether ``name`` has the form of a hub name, ``NAME`` or ``OWNER/NAME``, and so need not be on this machine."""
    return _HUB_NAME.fullmatch(name) is not None


def fingerprint(name: str) -> str | None:
    """Hash of all files of a model on this machine, or None for one of the hub."""
    folder = Path(locate(name))
    if not folder.is_dir():
        return None
    hashes = []
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        with file.open("rb") as opened:
            hashes += [file.name, hashlib.file_digest(opened, "sha256").hexdigest()]
    return digest(*hashes)


def lacks_weights(name: str) -> bool:
    """Whether the model is a local folder with a ``config.json`` and no weights, from which costs can be known."""
    folder = Path(locate(name))
    return (folder / "config.json").is_file() and not any(
        path.suffix == _WEIGHTS for path in folder.iterdir() if path.is_file()
    )


def local_config(name: str) -> dict[str, Any] | None:
    """The model's ``config.json``, if it is on this machine.

    Raises:
        ValueError: the file is not readable, or holds no mapping.
    """
    file = Path(locate(name)) / "config.json"
    if not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is not readable as JSON ({error})") from error
    if not isinstance(config, dict):
        raise ValueError(f"{file} holds a {type(config).__name__}, not a mapping of keys to values")
    return config


def blocks(config: dict[str, Any]) -> int | None:
    """Number of decoder blocks, under whichever name the family gives it.

    Raises:
        ValueError: it is not a whole number.
    """
    return _first(config, _MOST_BLOCKS, "num_hidden_layers", "n_layer", "num_layers")


def positions(config: dict[str, Any]) -> int | None:
    """Longest sequence the model has positions for, in tokens.

    Raises:
        ValueError: it is not a whole number.
    """
    return _first(config, _MOST_POSITIONS, "max_position_embeddings", "n_positions")


def _first(config: dict[str, Any], most: int, *names: str) -> int | None:
    name = next((name for name in names if config.get(name)), None)
    if name is None:
        return None
    if not isinstance(config[name], int):
        raise ValueError(f"config.json: {name} = {config[name]!r} is not a whole number")
    if not 0 < config[name] <= most:
        raise ValueError(f"config.json: {name} = {config[name]} must lie between 1 and {most}")
    return int(config[name])
