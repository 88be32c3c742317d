import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from training.store import Store

Ended = tuple[int, str, str]  # exit status, standard output, standard error
KEPT = {"aaaa": "2026-01-02 03:04:00", "bbbb": "2026-05-06 07:08:00", "cccc": "2026-03-04 05:06:00"}
CAP_BYTES = 10**10  # of a scenario that says nothing
VALUES = 250_000  # 2 MB a result, and less than a thousandth of it is header


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COSIM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def fill(folder: Path) -> None:
    """A result a key of ``KEPT``, last used then, local time."""
    store = Store(folder, CAP_BYTES)
    for key, used in KEPT.items():
        store.put(key, {"x": np.zeros(VALUES)}, {})
        used_s = time.mktime(time.strptime(used, "%Y-%m-%d %H:%M:%S"))
        os.utime(folder / key[:2] / f"{key}.safetensors", (used_s, used_s))


@pytest.mark.parametrize("arguments", [["cache"], ["cache", "show"]])
def test_the_cache_is_shown_in_units_one_can_read(
    cosim: Callable[..., Ended], folder: Path, arguments: list[str]
) -> None:
    fill(folder)
    assert cosim(*arguments) == (
        0,
        f"folder   {folder}\n"
        "results  3\n"
        "size     6.0 MB of at most 10.0 GB\n"
        "oldest   last used 2026-01-02 03:04\n"
        "newest   last used 2026-05-06 07:08\n",
        "",
    )


def test_a_cache_that_does_not_exist_yet_is_empty_and_stays_so(cosim: Callable[..., Ended], folder: Path) -> None:
    shown = f"folder   {folder}\nresults  0\nsize     0 bytes of at most 10.0 GB\n"
    assert cosim("cache") == (0, shown, "")
    assert cosim("cache", "clear") == (0, f"cleared  {folder}\nresults  0\nsize     0 bytes\n", "")
    assert not folder.exists()


def test_clear_means_clear(cosim: Callable[..., Ended], folder: Path) -> None:
    fill(folder)
    assert cosim("cache", "clear") == (0, f"cleared  {folder}\nresults  3\nsize     6.0 MB\n", "")
    assert not any(key in Store(folder, CAP_BYTES) for key in KEPT)


@pytest.mark.parametrize("arguments", [["cache"], ["cache", "show"], ["cache", "clear"]])
def test_a_file_where_the_folder_should_be_is_status_2_and_one_line(
    cosim: Callable[..., Ended], folder: Path, arguments: list[str]
) -> None:
    folder.write_text("in the way")
    says = f"cache {folder}: cannot be used (Not a directory); COSIM_CACHE may name another folder\n"
    assert cosim(*arguments) == (2, "", says)
    assert folder.read_text() == "in the way"
