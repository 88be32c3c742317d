"""Settings of all tests."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

# A timed assertion does not stand in the suite: machines are shared. The same examples on every run: a failure repeats.
settings.register_profile("cosim", deadline=None, derandomize=True)
settings.load_profile("cosim")


@pytest.fixture(scope="session", autouse=True)
def cache_of_their_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither find the user's results nor leave any there; subprocesses inherit it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
