from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cosim import results, runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

QUICKSTART = Path(__file__).parents[2] / "scenarios" / "quickstart.yaml"
SMALL = ["execution=analytic", "users.count=2", "edges.count=1", "scheme.rounds=2", "compare=[]"]
FIGURES = ["delay", "curves", {"kind": "gantt", "round": 2}]

Ended = tuple[int, str, str]  # exit status, standard output, standard error
Program = Callable[..., Ended]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An analytic run for each of two bandwidths and two numbers of steps, whose scenario names three figures."""
    folder = tmp_path_factory.mktemp("swept")
    for mhz in (5, 20):
        for steps in (1, 2):
            more = [f"radio.bandwidth={mhz} MHz", f"scheme.local_steps={steps}", f"figures={FIGURES}"]
            scenario = load_scenario(QUICKSTART, [*SMALL, *more])
            results.write(runner.run(scenario, entries(scenario)[0]), folder / f"{mhz}-{steps}")
    return folder


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_a_figure_is_written_where_one_says_with_its_numbers(
    cosim: Program, swept: Path, tmp_path: Path, suffix: str
) -> None:
    target = tmp_path / f"cdf.{suffix}"
    status, out, err = cosim("plot", swept / "5-1", "--kind", "cdf", "--out", target)
    assert (status, out, err) == (0, f"{target}, and its numbers in {tmp_path / 'cdf.csv'}\n", "")
    assert target.stat().st_size > 1000
    assert list(pd.read_csv(tmp_path / "cdf.csv").columns) == [
        *("label", "seed", "round", "delay_s", "share", "of", "user")
    ]


@pytest.mark.parametrize(
    ("options", "stem"),
    [
        (["--x", "round", "--y", "traffic_bytes"], "traffic_bytes-round"),
        (["--x", "radio.bandwidth", "--y", "sim_time_s"], "sim_time_s-radio.bandwidth"),
        (["--x", "radio.bandwidth", "--y", "scheme.local_steps"], "sim_time_s-radio.bandwidth-scheme.local_steps"),
        (["--round", "2", "--run", "5-2"], "gantt-5-2-2"),
        (["--of", "user"], "cdf-user"),
        (["--rate", "downlink"], "map"),
    ],
)
def test_without_a_kind_it_is_guessed_and_drawn_into_the_first_folder(
    cosim: Program, swept: Path, options: list[str], stem: str
) -> None:
    status, out, err = cosim("plot", swept, *options)
    assert (status, err) == (0, "")
    assert out.startswith(str(swept / f"{stem}.png"))
    assert (swept / f"{stem}.csv").is_file()


def test_without_options_the_figures_of_the_scenario_are_drawn(cosim: Program, swept: Path) -> None:
    status, out, err = cosim("plot", swept / "20-2")
    assert (status, err) == (0, "")
    assert [line for line in out.splitlines() if "not drawn" not in line] == [
        str(swept / "20-2" / f"{stem}.png") for stem in ("delay", "gantt-2")
    ]
    (skipped,) = (line for line in out.splitlines() if "not drawn" in line)
    assert skipped.startswith("learning: not drawn; some run recorded neither perplexity nor accuracy")


def test_a_pattern_is_drawn_into_the_folder_that_it_stands_in(cosim: Program, swept: Path) -> None:
    status, out, _ = cosim("plot", f"{swept}/5-*", "--kind", "delay")
    assert status == 0
    assert out.startswith(str(swept / "delay.png"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["{swept}/nowhere"], "plot: {swept}/nowhere: no such folder"),
        (["{swept}", "--kind", "gant"], "plot: kind = 'gant': not one of curves, delay"),
        (["{swept}", "--kind", "gantt", "--x", "round"], "plot: gantt: x = 'round': unknown option"),
        (["{swept}", "--x", "sim_tme_s"], "(did you mean sim_time_s?)"),
        (["{swept}", "--round", "3"], "nothing took time in round 3; there are 2 rounds"),
        (["{swept}", "--y", "perplexity"], "perplexity was never recorded"),
        (["{swept}", "--kind", "sweep", "--x", "radio.width"], "'radio.width' is no key of the runs' scenarios"),
        (["{swept}", "--kind", "delay", "--out", "{swept}/a.gif"], "use .png, .svg or .pdf"),
        (["{swept}", "--out", "{swept}/a.png"], "one file for all the figures that the scenario names"),
        (["{swept}", "--of", "user", "--round", "1"], "no kind of figure has all of of, round"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(cosim: Program, swept: Path, arguments: list[str], says: str) -> None:
    status, out, err = cosim("plot", *(argument.format(swept=swept) for argument in arguments))
    assert (status, out) == (2, "")
    assert says.format(swept=swept) in err
    assert err.count("\n") == 1


def test_a_place_that_cannot_be_written_is_one_line(cosim: Program, swept: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    status, _, err = cosim("plot", swept / "5-1", "--kind", "delay", "--out", tmp_path / "file" / "delay.png")
    assert status == 2
    assert err.startswith("plot: ")
    assert err.count("\n") == 1


def test_a_run_draws_the_figures_that_its_scenario_names_and_writes_every_option(
    cosim: Program, tmp_path: Path
) -> None:
    overrides = [word for said in (*SMALL, f"figures={FIGURES}") for word in ("--set", said)]
    status, out, err = cosim("run", QUICKSTART, *overrides, "--quiet", "--out", tmp_path)
    assert (status, err) == (0, "")
    assert {path.stem for path in tmp_path.glob("*.png")} == {"delay", "gantt-2"}
    assert out.startswith("learning: not drawn; ")
    assert yaml.safe_load((tmp_path / "scenario.yaml").read_text())["figures"] == [
        {"kind": "delay"},
        {"kind": "curves", "x": "sim_time_s", "y": None},
        {"kind": "gantt", "run": None, "round": 2},
    ]
    assert load_scenario(tmp_path / "scenario.yaml").figures is not None
