"""Two runs never write into one folder at once."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cosim.own_folder import TakenError, claim

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
HOLDER = """
import sys
from pathlib import Path
from cosim.own_folder import claim
claim(Path(sys.argv[1]))
print(flush=True)
input()
"""

Ended = tuple[int, str, str]


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Another process writes into ``folder``, until it is killed."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield
        holder.kill()


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[Path]:
    """A folder that another process writes into."""
    with held(tmp_path):
        yield tmp_path


@pytest.mark.parametrize("command", ["run", "compare"])
def test_a_second_run_into_a_folder_is_refused_before_it_begins(
    command: str, taken: Path, cosim: Callable[..., Ended]
) -> None:
    status, out, err = cosim(command, QUICKSTART, "--quiet", "--out", taken)
    assert (status, out) == (2, "")
    assert err == f"--out {taken}: cannot be written (another run writes there now); expected a folder\n"
    assert list(taken.iterdir()) == []


def test_whoever_was_killed_holds_it_no_longer(tmp_path: Path) -> None:
    with held(tmp_path), pytest.raises(TakenError):
        claim(tmp_path)
    claim(tmp_path)


def test_a_process_may_claim_its_folder_again(tmp_path: Path) -> None:
    claim(tmp_path)
    claim(tmp_path)
