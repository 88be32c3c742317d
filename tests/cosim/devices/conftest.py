import gzip
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """A file of these lines, compressed if its name says so."""

    def make(*lines: str, name: str = "table.csv") -> str:
        path, content = tmp_path / name, "\n".join(lines).encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return str(path)

    return make
