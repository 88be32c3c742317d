from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

QUICKSTART = Path(__file__).parents[3] / "scenarios" / "quickstart.yaml"


@pytest.fixture(scope="session")
def quickstart() -> Path:
    """The scenario that ships with the project."""
    return QUICKSTART


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A scenario file: the text or bytes given, or a smallest scenario with the keys given."""

    def make(content: str | bytes | None = None, **keys: Any) -> Path:
        path = tmp_path / "s.yaml"
        tree = {"name": "small", "scheme": {"name": "federated"}, **keys}
        text = yaml.safe_dump(tree) if content is None else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make
