"""Where base models are, and what their configuration says; reads JSON only, so that checking a scenario is quick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ASSETS = Path(__file__).parent / "assets"
"""Base models that ship with the project, one folder each."""


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


def local_config(name: str) -> dict[str, Any] | None:
    """The model's ``config.json``, if it is on this machine."""
    file = Path(locate(name)) / "config.json"
    if not file.is_file():
        return None
    config: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return config


def blocks(config: dict[str, Any]) -> int | None:
    """Number of decoder blocks, under whichever name the family gives it."""
    return _first(config, "num_hidden_layers", "n_layer", "num_layers")


def positions(config: dict[str, Any]) -> int | None:
    """Longest sequence the model has positions for, in tokens."""
    return _first(config, "max_position_embeddings", "n_positions")


def _first(config: dict[str, Any], *names: str) -> int | None:
    return next((int(config[name]) for name in names if config.get(name)), None)
