"""``cosim trace``: the file, and mistakes in one line. What the file says is tested beside the analysis."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROUNDING_S = 1e-9  # sums of some hundred binary seconds of at most minutes

Ended = tuple[int, str, str]  # exit status, standard output, standard error


def run_of(cosim: Callable[..., Ended], folder: Path) -> Path:
    """A real one, with handovers, outages, absences and missed deadlines."""
    options = ("--execution", "analytic", "--quiet", "--out", folder, "--set", "scheme.rounds=5")
    status, _, err = cosim("run", ROOT / "scenarios" / "mobility.yaml", *options)
    assert (status, err) == (0, "")
    return folder


def test_a_real_run_has_a_trace_whose_spans_add_up_to_its_delays(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    folder = run_of(cosim, tmp_path / "run")
    status, out, _ = cosim("trace", folder)
    assert status == 0 and str(folder / "trace.json") in out and "ui.perfetto.dev" in out
    events = json.loads((folder / "trace.json").read_text())["traceEvents"]
    delay_s = json.loads((folder / "summary.json").read_text())["delay_s"]
    found = dict.fromkeys(delay_s, 0.0)
    for event in events:
        if event["ph"] == "X" and event["cat"] in found and event["args"]["user"] != -2:
            share = 1.0 if event["args"]["user"] == -1 else 1 / 4
            found[event["cat"]] += share * event["dur"] / 1e6
    assert found == pytest.approx(delay_s, abs=ROUNDING_S)
    assert {"s", "t", "f", "C"} <= {event["ph"] for event in events}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nowhere"], "nowhere: no such folder"), (["."], "no run here or below")],
)
def test_mistakes_are_one_line(
    cosim: Callable[..., Ended], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in ("trace", "report"):
        status, out, err = cosim(command, *arguments)
        assert (status, out) == (2, "") and says in err and err.count("\n") == 1


def test_a_trace_is_of_one_run(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scenario.yaml").write_text("name: x\n")
    status, _, err = cosim("trace", tmp_path)
    assert status == 2 and "has 2 runs (one, two); expected the folder of one" in err


@pytest.mark.parametrize("command", ["trace", "report"])
def test_a_place_that_cannot_be_written_is_the_users_to_mend(
    cosim: Callable[..., Ended], tmp_path: Path, command: str
) -> None:
    folder = run_of(cosim, tmp_path / "run")
    (tmp_path / "file").write_text("")
    status, _, err = cosim(command, folder, "--out", tmp_path / "file" / "page")
    assert status == 2 and "cannot be written" in err and err.count("\n") == 1


def test_a_report_is_beside_the_runs_unless_told(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    folder = run_of(cosim, tmp_path / "run")
    assert cosim("report", folder)[0] == 0
    assert cosim("report", folder, "--out", tmp_path / "page.html")[0] == 0
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page == (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What user" in page and "<!doctype html>" in page
