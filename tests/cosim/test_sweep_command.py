"""``cosim sweep`` as a user calls it: mistakes, points that fail, Ctrl-C, and going on."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from tests.cosim.sweep.conftest import small
from tests.cosim.sweep.crews import counting, stories

Cosim = Callable[..., tuple[int, str, str]]

ANALYTIC = ("--quiet", "--set", "execution=analytic")

__all__ = ["small"]


def test_a_sweep_of_the_file_says_what_it_does_and_where_it_is(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    with small.open("a", encoding="utf-8") as file:
        file.write("sweep: {vary: {radio.bandwidth: [5 MHz, 10 MHz], backhaul.latency: '1:3 ms'}, zip: true}\n")
    call = ("sweep", str(small), "--workers", "1", "--out", str(tmp_path / "out"), *ANALYTIC)
    status, said, wrong = cosim(*call)
    assert (status, wrong) == (0, "")
    lines = said.splitlines()
    assert lines[:2] == ["radio.bandwidth: 5 MHz, 10 MHz", "backhaul.latency: 1 ms, 2 ms"]
    assert lines[2].startswith("2 points, 1 at a time, ")
    assert lines[3:] == [f"results in {tmp_path / 'out'}"]
    assert not list((tmp_path / "out").glob("*.png"))  # of zipped values it would be of points that differ in two
    assert cosim(*call)[1].splitlines()[2] == "2 of 2 points were there before"
    folders = sorted(path.name for path in (tmp_path / "out" / "points").iterdir())
    assert folders == ["radio.bandwidth=10MHz,backhaul.latency=2ms", "radio.bandwidth=5MHz,backhaul.latency=1ms"]


def test_the_folders_of_a_sweep_are_read_like_those_of_any_runs(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    vary = ("--vary", "radio.bandwidth=5MHz,10MHz", "--seeds", "0:2")
    assert cosim("sweep", str(small), *vary, "--workers", "1", "--out", str(tmp_path / "out"), *ANALYTIC)[0] == 0
    from analysis import load

    runs = load(tmp_path / "out")
    assert runs.varied == ("radio.bandwidth",)
    by_folder = runs.runs.sort_values(["radio.bandwidth", "seed"], ignore_index=True)
    found = pd.read_parquet(tmp_path / "out" / "sweep.parquet")
    for column in ("label", "scheme", "seed", "radio.bandwidth", "sim_time_s", "traffic_bytes.uplink"):
        assert found[column].tolist() == by_folder[column].tolist()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--vary", "radio.bandwith=5MHz"], "radio.bandwith = '5MHz': unknown key (did you mean radio.bandwidth?)"),
        (["--vary", "users.count=2,x"], "users.count = 'x': input should be a valid integer"),
        (["--vary", "users.count=2", "--seeds", "a"], "--seeds a: expected seeds such as 0:5 (0 to 4) or 0,3,7"),
        ([], "nothing is varied"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_left(cosim: Cosim, small: Path, given: list[str], line: str) -> None:
    out = small.parent / "out"
    status, said, wrong = cosim("sweep", str(small), *given, "--out", str(out))
    assert (status, said) == (2, "")
    assert len(wrong.splitlines()) == 1
    assert line in wrong
    assert not out.exists()


def test_points_that_fail_are_told_in_a_line_each_with_status_1(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    call = ("--vary", "users.count=2,50", "--set", "data.partition={name: natural, authors_per_user: 1}", *ANALYTIC)
    status, _, wrong = cosim("sweep", str(small), *call, "--workers", "1", "--out", str(tmp_path / "out"))
    assert status == 1
    (line,) = wrong.splitlines()
    assert line.startswith("users.count=50: failed: small: ")
    assert pd.read_parquet(tmp_path / "out" / "sweep.parquet")["status"].tolist() == ["done", "failed"]


COSIM_SWEEP = (sys.executable, "-m", "cosim", "sweep")
FEW = ("--vary", "radio.bandwidth=5MHz,10MHz", "--seeds", "0:2")
MANY = ("--vary", "radio.bandwidth=log(1,100,40) MHz", *ANALYTIC)


def finished(out: Path) -> int:
    """How many points have come to their end; a run that takes long is written on the way, too."""
    return sum(json.loads(file.read_text())["finished"] for file in out.glob("points/*/summary.json"))


def begun(small: Path, out: Path, *options: str) -> "subprocess.Popen[str]":
    """A sweep in a process of its own, of which some points are done."""
    call = [*COSIM_SWEEP, str(small), *MANY, "--workers", "2", "--out", str(out), *options]
    process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and finished(out) < 3:
        time.sleep(0.01)
    return process


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ctrl_c_keeps_what_is_finished_and_the_same_command_goes_on(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = begun(small, out)
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate()
    assert (process.returncode, wrong) == (1, "")
    kept = int(said.split("interrupted with ")[1].split()[0])
    assert 3 <= kept < 40
    assert (pd.read_parquet(out / "sweep.parquet")["status"] == "done").sum() == kept
    _goes_on(small, out, least=kept)


@pytest.mark.slow
def test_a_sweep_under_way_can_be_drawn(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = begun(small, out)
    while process.poll() is None and not (out / "sweep.parquet").exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)  # it stays under way, however slow the drawing is
    picture = out / "sim_time_s-radio.bandwidth.png"
    status, said, wrong = cosim("plot", out)
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.communicate()
    assert (status, said, wrong) == (0, f"{picture}\n", "")
    assert 1 <= len(pd.read_csv(picture.with_suffix(".csv"))) < 40


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("backend", ["local", "ray"])
def test_a_sweep_that_is_killed_goes_on_and_its_workers_are_gone(small: Path, tmp_path: Path, backend: str) -> None:
    out = tmp_path / "out"
    process = begun(small, out, "--backend", backend)
    its_own = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    _, alive = psutil.wait_procs(its_own, timeout=60.0)
    assert alive == []
    process.communicate()
    kept = finished(out)
    assert kept < 40
    time.sleep(0.5)
    assert finished(out) == kept
    _goes_on(small, out, least=kept)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_whose_cluster_dies_says_so_and_goes_on(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = begun(small, out, "--backend", "ray")
    its_own = psutil.Process(process.pid).children(recursive=True)
    (heart,) = [child for child in its_own if child.name() == "raylet"]
    heart.kill()
    _, wrong = process.communicate()
    assert process.returncode == 1
    (line,) = wrong.splitlines()
    assert line == "--backend ray: the raylet of Ray ended while points were under way; what is finished is kept"
    assert psutil.wait_procs(its_own, timeout=60.0)[1] == []
    _goes_on(small, out, least=finished(out))


@pytest.fixture
def head(tmp_path: Path) -> Iterator[str]:
    """A cluster begun as Ray's manual says; its address."""
    ray, free = Path(sys.executable).with_name("ray"), 6380
    given = ("--head", "--port", str(free), "--num-cpus", "2", "--include-dashboard", "false", "--disable-usage-stats")
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    subprocess.run([ray, "start", *given, "--temp-dir", folder], check=True, capture_output=True)
    yield f"127.0.0.1:{free}"
    subprocess.run([ray, "stop", "--force"], check=True, capture_output=True)
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_in_a_cluster_elsewhere_has_the_table_of_one_here(
    small: Path, tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.chdir(tmp_path)  # of what is run elsewhere, the folders are those of who asked for it
    for out, where in (("there", ["--backend", "ray", "--address", head]), ("here", [])):
        monkeypatch.setenv("COSIM_CACHE", str(tmp_path / f"cache {out}"))
        call = [*COSIM_SWEEP, str(small), *FEW, "--quiet", "--workers", "2", "--out", out, *where]
        subprocess.run(call, check=True, capture_output=True)
    _same_table(tmp_path / "there", tmp_path / "here")


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_sweeps_into_one_folder_share_its_points(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheme = counting(tmp_path, monkeypatch, "counted", deaths=0)
    small.write_text(small.read_text(encoding="utf-8").replace("{name: federated", f"{{name: '{scheme}'"))
    call = [*COSIM_SWEEP, str(small), *MANY, "--workers", "1", "--out", str(tmp_path / "out")]
    both = [subprocess.Popen(call, cwd=tmp_path, text=True, stderr=subprocess.PIPE) for _ in range(2)]
    said = "code of your own: counted:Counting is imported, as the scenario asks\n"
    assert [process.communicate()[1] for process in both] == [said] * 2
    assert [process.returncode for process in both] == [0, 0]
    assert stories(tmp_path) == 40
    found = pd.read_parquet(tmp_path / "out" / "sweep.parquet")
    assert found["status"].tolist() == ["done"] * 40
    assert not list((tmp_path / "out").rglob("*.lock"))


def _goes_on(small: Path, out: Path, least: int) -> None:
    """To the table of a sweep that nothing disturbed."""
    call = [*COSIM_SWEEP, str(small), *MANY]
    said = subprocess.run([*call, "--out", str(out)], check=True, capture_output=True, text=True).stdout
    assert f"{least} of 40 points were there before" in said
    subprocess.run([*call, "--out", str(out.parent / "calm")], check=True, capture_output=True)
    _same_table(out, out.parent / "calm")


def _same_table(*folders: Path) -> None:
    one, other = (pd.read_parquet(folder / "sweep.parquet").drop(columns="wall_time_s") for folder in folders)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["--address", "auto"], "--address auto: only --backend ray has one"),
        (["--part", "5/4"], "--part 5/4: expected one of so many, such as 1/4"),
        (["--script", "a.sh", "--part", "1/2"], "--script a.sh: its jobs have parts and backend of their own"),
        (["--part", "one"], "--part one: expected one of so many, such as 1/4"),
        (["--script", "missing/sweep.sh"], "--script missing/sweep.sh: cannot be written (No such file or directory)"),
    ],
)
def test_a_mistake_in_where_it_runs_is_one_line(cosim: Cosim, small: Path, given: list[str], line: str) -> None:
    out = ("--out", str(small.parent / "out"))
    status, _, wrong = cosim("sweep", str(small), "--vary", "radio.bandwidth=5MHz,10MHz", *out, *given)
    assert status == 2
    assert len(wrong.splitlines()) == 1
    assert line in wrong


@pytest.mark.slow
@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense"])
def test_an_address_without_a_cluster_is_one_line(cosim: Cosim, small: Path, address: str) -> None:
    given = ("--vary", "radio.bandwidth=5MHz,10MHz", "--out", str(small.parent / "out"), "--backend", "ray")
    status, _, wrong = cosim("sweep", str(small), *given, "--address", address)
    assert status == 2
    assert len(wrong.splitlines()) == 1
    assert wrong.startswith(f"--address {address}: no cluster of Ray (")


def test_a_part_does_its_points_and_the_table_has_all(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    call = ("sweep", str(small), "--vary", "radio.bandwidth=1:4 MHz", "--workers", "1", *ANALYTIC)
    call = (*call, "--out", str(tmp_path / "out"))
    assert "2 of the 3 points, 1 at a time" in cosim(*call, "--part", "1/2")[1]
    statuses = [pd.read_parquet(tmp_path / "out" / "sweep.parquet")["status"].tolist()]
    assert cosim(*call, "--part", "2/2")[0] == 0
    statuses.append(pd.read_parquet(tmp_path / "out" / "sweep.parquet")["status"].tolist())
    assert statuses == [["done", "waiting", "done"], ["done"] * 3]


def test_a_script_runs_nothing_and_says_how_it_is_submitted(cosim: Cosim, small: Path, tmp_path: Path) -> None:
    script, out = tmp_path / "sweep.sh", tmp_path / "out"
    given = ("--vary", "radio.bandwidth=1:4 MHz", "--out", str(out), "--workers", "2", *ANALYTIC)
    status, said, _ = cosim("sweep", str(small), *given, "--script", str(script))
    assert status == 0
    assert said.splitlines()[-1] == f"nothing is run yet: sbatch {script}"
    assert "#SBATCH --array=1-2" in script.read_text(encoding="utf-8")
    assert not list((out / "points").iterdir())
