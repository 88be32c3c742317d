"""A disk that is full, a folder that is not ours, a cache that cannot be written: one line, and nothing is broken."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from tests.cosim.sweep.conftest import small

Cosim = Callable[..., tuple[int, str, str]]

ANALYTIC = ("--quiet", "--set", "execution=analytic")
TWO = ("--vary", "users.count=2,3", "--workers", "1")

LEFT_BYTES = 16_384
"""On a full disk: less than the 40 kB of a small run, and more than its first files."""

__all__ = ["small"]


@contextmanager
def most(nbytes: int) -> Iterator[None]:
    """No file may grow larger, of this process and those that it begins: the system's own way to refuse a write."""
    before, heard = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (nbytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heard)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only the administrator may mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def files(folder: Path) -> dict[str, bytes]:
    """All that is there, hidden or not."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finished(folder: Path) -> bool:
    """Whether a run has come to its end there; one that takes long is written on the way, too."""
    summary = folder / "summary.json"
    return summary.is_file() and bool(json.loads(summary.read_text())["finished"])


def test_a_full_disk_ends_a_run_in_a_line_and_keeps_the_one_before(cosim: Cosim, small: Path, disk: Path) -> None:
    out = disk / "out"
    call = ("run", str(small), "--set", "figures=[]", "--out", str(out), *ANALYTIC)
    assert cosim(*call)[0] == 0
    room = os.statvfs(disk)
    (disk / "filler").write_bytes(bytes(room.f_bavail * room.f_frsize - LEFT_BYTES))
    before = files(disk)
    status, said, wrong = cosim(*call, "--seed", "1")
    assert (status, said) == (1, "")
    assert wrong == f"{out}: cannot be written (No space left on device); what is finished is kept\n"
    assert files(disk) == before
    assert json.loads(before["out/summary.json"])["seed"] == 0


def test_a_full_disk_ends_a_comparison_in_a_line(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with most(10_000):  # the table of activities has more
        status, _, wrong = cosim("compare", str(small), "--out", str(out), "--workers", "1", *ANALYTIC)
    assert status == 1
    assert (
        wrong.splitlines()[-1] == f"{out / 'federated'}: cannot be written (File too large); what is finished is kept"
    )
    assert not finished(out / "federated")


def test_a_point_that_cannot_be_written_has_failed_and_is_run_again(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    call = ("sweep", str(small), *TWO, "--out", str(out), *ANALYTIC)
    with most(10_000):
        status, _, wrong = cosim(*call)
    assert status == 1
    assert sorted(wrong.splitlines()) == [
        f"{name}: failed: {out / 'points' / name}: cannot be written (File too large)"
        for name in ("users.count=2", "users.count=3")
    ]
    assert cosim(*call)[0] == 0
    assert pd.read_parquet(out / "sweep.parquet")["status"].tolist() == ["done"] * 2


def test_what_a_sweep_has_finished_before_its_table_found_no_room_is_kept(
    cosim: Cosim, small: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    call = ("sweep", str(small), *TWO, "--out", str(out), *ANALYTIC)
    with most(20_000):  # room for each file of a point, and none for the table of the sweep
        assert cosim(*call)[0] == 1
    status, said, _ = cosim(*call)
    assert status == 0
    assert re.search("[12] of 2 points were there before", said)  # as many as there were when the table was due


@pytest.mark.parametrize("command", [("run",), ("compare",), ("sweep", *TWO)])
def test_a_folder_that_is_not_ours_is_refused_before_anything_runs(
    cosim: Cosim, small: Path, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").write_text("not a folder")
    out = tmp_path / "file" / "out"
    name, *options = command
    status, said, wrong = cosim(name, str(small), *options, "--out", str(out), *ANALYTIC)
    assert (status, said) == (2, "")
    assert wrong.startswith(f"--out {out}")
    assert wrong.endswith("cannot be written (Not a directory); expected a folder\n")


@pytest.mark.parametrize(
    "command",
    [["run"], *(pytest.param(by_workers, marks=pytest.mark.slow) for by_workers in (["compare"], ["sweep", *TWO]))],
)
def test_a_cache_that_cannot_be_written_is_told_in_a_line_and_costs_nothing_else(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    cache = tmp_path / "cache"
    cache.write_text("not a folder")
    monkeypatch.setenv("COSIM_CACHE", str(cache))
    name, *options = command
    call = [sys.executable, "-m", "cosim", name, str(small), *options, "--out", str(tmp_path / "out"), *ANALYTIC]
    ended = subprocess.run(call, check=True, capture_output=True, text=True)
    assert set(ended.stderr.splitlines()) == {f"results are not kept in {cache}: Not a directory"}


@pytest.mark.slow
def test_a_cache_that_can_only_be_read_gives_what_it_has(
    small: Path, tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COSIM_CACHE", str(disk))

    def run(name: str, *options: str) -> tuple[dict[str, int], str]:
        call = [sys.executable, "-m", "cosim", "run", str(small), "--quiet", *options, "--out", str(tmp_path / name)]
        ended = subprocess.run(call, check=True, capture_output=True, text=True)
        return json.loads((tmp_path / name / "summary.json").read_text())["jobs"], ended.stderr

    run("first")
    before = files(disk)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    jobs, told = run("later", "--set", "backhaul.latency=1 s")
    assert (jobs["run"], told) == (0, "")
    assert files(disk) == before
