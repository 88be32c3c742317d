"""Claims exclude, and whoever dies leaves none behind."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cosim import claims
from cosim.claims import claimed

DIES = """
import os, signal, socket, sys
from pathlib import Path
from cosim import claims

claims.LEASE_S = float(sys.argv[2])
if sys.argv[3] == "elsewhere":
    socket.gethostname = lambda: "another-machine"
with claims.claimed(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""

PATIENCE_S = 60.0
"""Never needed, but by a machine that is very busy."""


def dead(file: Path, where: str, lease_s: float) -> None:
    """Leave at ``file`` the claim of a process that was killed, on this machine or another."""
    died = subprocess.run([sys.executable, "-c", DIES, str(file), str(lease_s), where], check=False)
    assert died.returncode == -signal.SIGKILL
    assert file.exists()


def test_of_two_one_has_it_and_then_the_other(tmp_path: Path) -> None:
    file = tmp_path / "below" / "claim.lock"
    with claimed(file) as first:
        with claimed(file, 0.0) as second:
            assert (first, second) == (True, False)
        with claimed(tmp_path / "other.lock", 0.0) as other:
            assert other
    with claimed(file, 0.0) as second:
        assert second
    assert not file.exists()


def test_a_claim_ends_with_an_error_under_it(tmp_path: Path) -> None:
    file = tmp_path / "claim.lock"
    with pytest.raises(ZeroDivisionError), claimed(file):
        _ = 1 / 0
    with claimed(file, 0.0) as again:
        assert again


def test_whoever_is_killed_here_leaves_it_free_at_once(tmp_path: Path) -> None:
    file = tmp_path / "claim.lock"
    dead(file, "here", claims.LEASE_S)
    with claimed(file, claims.LEASE_S / 3) as ours:  # far from running out
        assert ours


def test_whoever_is_killed_elsewhere_leaves_it_free_when_the_lease_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease_s = 1.5
    monkeypatch.setattr(claims, "LEASE_S", lease_s)
    file = tmp_path / "claim.lock"
    dead(file, "elsewhere", lease_s)
    with claimed(file, lease_s / 3) as ours:
        assert not ours
    with claimed(file, PATIENCE_S) as ours:
        assert ours


def test_whoever_is_killed_before_it_has_said_whose_the_claim_is_leaves_it_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "_WRITING_S", 0.5)
    file = tmp_path / "claim.lock"
    file.touch()
    with claimed(file, 0.0) as ours:
        assert not ours
    assert file.exists(), "nobody who does not wait can know"
    with claimed(file) as ours:
        assert ours
        assert file.stat().st_size > 0


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), claimed(tmp_path / "file" / "claim.lock"):
        pass
