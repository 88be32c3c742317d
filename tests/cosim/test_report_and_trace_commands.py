"""``cosim trace``: the file, and mistakes in one line. What the file says is tested beside the analysis."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.analysis.trace.conftest import checked

ROOT = Path(__file__).parents[2]
ROUNDING_S = 1e-9  # sums of some hundred binary seconds of at most minutes

Ended = tuple[int, str, str]  # exit status, standard output, standard error


def test_a_real_run_has_a_report_and_a_trace_whose_spans_add_up_to_its_delays(
    cosim: Callable[..., Ended], tmp_path: Path
) -> None:
    """One with handovers, outages, absences and missed deadlines."""
    folder = tmp_path / "run"
    options = ("--execution", "analytic", "--quiet", "--out", folder, "--set", "scheme.rounds=4")
    assert cosim("run", ROOT / "scenarios" / "mobility.yaml", *options)[0] == 0
    status, out, _ = cosim("trace", folder)
    assert status == 0 and str(folder / "trace.json") in out and "ui.perfetto.dev" in out
    events = checked(json.loads((folder / "trace.json").read_text(), parse_float=Decimal))
    delay_s = json.loads((folder / "summary.json").read_text())["delay_s"]
    found = dict.fromkeys(delay_s, 0.0)
    for event in events:
        if event["ph"] == "X" and event["cat"] in found and event["args"]["user"] != -2:
            share = 1.0 if event["args"]["user"] == -1 else 1 / 4
            found[event["cat"]] += share * float(event["dur"]) / 1e6
    assert found == pytest.approx(delay_s, abs=ROUNDING_S)
    assert {"s", "t", "f", "C"} <= {event["ph"] for event in events}
    assert cosim("report", folder)[0] == 0
    assert "What user" in (folder / "report.html").read_text(encoding="utf-8")


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


def test_a_place_that_cannot_be_written_is_the_users_to_mend(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("name: x\n")
    (tmp_path / "file").write_text("")
    status, _, err = cosim("report", tmp_path, "--out", tmp_path / "file" / "page.html")
    assert status == 2 and "page.html: cannot be written" in err and err.count("\n") == 1


def test_a_run_that_has_only_begun_has_no_trace_but_a_report(cosim: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("name: x\n")
    status, _, err = cosim("trace", tmp_path)
    assert status == 2 and "no activity is recorded yet" in err
    status, out, _ = cosim("report", tmp_path, "--out", tmp_path / "page.html")
    assert status == 0 and "page.html; it needs no network" in out
