import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.figures.kinds import KINDS
from cosim import registry
from cosim.commands import application

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "scenarios" / "quickstart.yaml"
SLOW_TO_IMPORT = ("torch", "pint", "pandas", "matplotlib", "transformers", "cvxpy", "peft", "datasets", "pyarrow")
COMMANDS = ("run", "compare", "calibrate", "plot", "table", "report", "trace", "validate", "schema", "list")

Ended = tuple[int, str, str]  # exit status, standard output, standard error


def forbid_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is wrong with the input has to be found before this."""

    def no_run(*_: object) -> None:
        raise AssertionError("the run has begun")

    monkeypatch.setattr("cosim.runner.run", no_run)
    monkeypatch.setattr("cosim.comparison.compare", no_run)


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(application, ["--help"])
    assert result.exit_code == 0
    assert all(command in result.output for command in COMMANDS)
    for command in COMMANDS:
        assert CliRunner().invoke(application, [command, "--help"]).exit_code == 0


def test_without_a_command_there_is_help() -> None:
    assert "Usage" in CliRunner().invoke(application, []).output


def test_a_valid_scenario_is_said_to_be_so(cosim: Callable[..., Ended]) -> None:
    status, out, err = cosim("validate", QUICKSTART, "--set", "users.count=20")
    assert (status, err) == (0, "")
    assert "quickstart is valid (splitfed, federated, split_learning, centralised)" in out


@pytest.mark.parametrize("command", ["validate", "run", "compare"])
@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("users.count=0", "users.count = 0"),
        ("users.cuont=2", "users.cuont = 2: unknown key (did you mean users.count?)"),
        ("radio.bandwidth=20", "radio.bandwidth = 20: a frequency needs a number and a unit"),
        ("users.power=99999 dBm", "users.power = '99999 dBm': a power must be finite"),
        ("scheme.name=splitfad", "scheme.name = 'splitfad': not one of"),
        ("nonsense", "--set nonsense: expected key=value"),
        ("figures=[{kind: gant}]", "figures.0: kind = 'gant': not one of curves, delay"),
        ("figures=[delay, {kind: gantt, rond: 1}]", "figures.1: gantt: rond = 1: unknown option; it takes run, round"),
    ],
)
def test_wrong_input_is_status_2_and_one_line(
    cosim: Callable[..., Ended], tmp_path: Path, command: str, override: str, says: str
) -> None:
    out = [] if command == "validate" else ["--out", tmp_path / "results"]
    status, out_text, err = cosim(command, QUICKSTART, "--set", override, *out)
    assert status == 2
    assert out_text == ""
    assert says in err
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_a_file_that_is_not_there_is_status_2_and_one_line(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    assert cosim("validate", tmp_path / "none.yaml") == (2, "", f"{tmp_path / 'none.yaml'}: no such file\n")


def test_the_seed_of_the_command_line_is_checked_like_the_scenarios(cosim: Callable[..., Ended]) -> None:
    status, _, err = cosim("run", QUICKSTART, "--seed", -1)
    assert status == 2
    assert "seed = -1: input should be greater than or equal to 0" in err


@pytest.mark.parametrize("command", ["run", "compare"])
@pytest.mark.parametrize("place", ["file", "file/below", "splitfed"])
def test_a_place_that_cannot_hold_results_is_refused_before_the_run(
    cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, place: str
) -> None:
    forbid_runs(monkeypatch)
    (tmp_path / "file").write_text("")
    (tmp_path / "splitfed").write_text("")
    out = tmp_path if (command, place) == ("compare", "splitfed") else tmp_path / place
    status, shown, err = cosim(command, QUICKSTART, "--quiet", "--out", out)
    assert (status, shown) == (2, "")
    assert err.startswith(f"--out {tmp_path / place}: cannot be written (")
    assert err.endswith("; expected a folder\n")
    assert err.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_refused(
    cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)  # root may write anywhere, and tests may run as root
    status, _, err = cosim("run", QUICKSTART, "--quiet", "--out", tmp_path)
    assert (status, err) == (2, f"--out {tmp_path}: cannot be written (Permission denied); expected a folder\n")


@pytest.mark.parametrize("workers", [0, -1])
def test_a_comparison_has_a_worker_at_least(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, workers: int) -> None:
    forbid_runs(monkeypatch)
    command = ["compare", str(QUICKSTART), "--out", str(tmp_path), "--workers", str(workers)]
    result = CliRunner().invoke(application, command)
    assert result.exit_code == 2
    assert "--workers" in result.output


def test_a_run_that_diverged_says_where_and_is_a_failure(
    cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = "diverged in round 3: training loss of user1 in step 2 is nan; the adapter of round 2 is kept"
    diverged = {"label": "splitfed", "finished": True, "divergence": found, "rounds": 3, "plan": {}}
    monkeypatch.setattr("cosim.runner.run", lambda _, __, callbacks: [callback.end(None) for callback in callbacks])
    monkeypatch.setattr("cosim.results.write", lambda *_: diverged)
    monkeypatch.setattr("analysis.figures.pictures.show", lambda *_: None)
    status, out, err = cosim("run", QUICKSTART, "--quiet", "--out", tmp_path)
    assert (status, out, err) == (1, f"splitfed: {found}\nresults in {tmp_path}\n", "")


def test_list_prints_every_name_of_every_family() -> None:
    shown = CliRunner().invoke(application, ["list"]).output
    assert all(name in shown for names in (*registry.FAMILIES.values(), KINDS) for name in names)
    fading = CliRunner().invoke(application, ["list", "fading"]).output
    assert "rayleigh" in fading
    assert "splitfed" not in fading
    figures = CliRunner().invoke(application, ["list", "figures"]).output
    assert "gantt" in figures
    assert "splitfed" not in figures


def test_list_of_an_unknown_family_names_the_known_ones(cosim: Callable[..., Ended]) -> None:
    status, _, err = cosim("list", "scheems")
    assert (status, err) == (2, f"list scheems: not one of {', '.join([*registry.FAMILIES, 'figures'])}\n")


def test_schema_prints_json() -> None:
    schema = json.loads(CliRunner().invoke(application, ["schema"]).output)
    assert {"name", "scheme", "users", "radio"} <= set(schema["properties"])


def test_checking_a_scenario_imports_nothing_that_is_slow() -> None:
    probe = (
        "import sys, cosim.commands; early = set(sys.modules)\n"
        f"sys.argv = ['cosim', 'validate', {str(QUICKSTART)!r}]\n"
        "from cosim.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([n for n in {SLOW_TO_IMPORT} if n in early], [n for n in {SLOW_TO_IMPORT} if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stderr == ""
    assert "is valid" in done.stdout
    assert done.stdout.endswith("[] []\n")


def test_as_a_program_a_mistake_is_one_line_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cosim", "validate", str(tmp_path / "none.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{tmp_path / 'none.yaml'}: no such file\n")
