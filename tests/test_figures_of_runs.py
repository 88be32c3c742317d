"""Figures of real runs show what their event records say, added up here event by event in plain loops."""

from collections import defaultdict
from pathlib import Path
from statistics import fmean

import pytest

from analysis.figures.cdf import round_delays, user_delays
from analysis.figures.curves import curves_data
from analysis.figures.drawing import draw
from analysis.figures.gantt import gantt_data
from analysis.figures.heatmap import heatmap_data
from analysis.figures.kinds import Cdf, Comparison, Curves, Delay, Gantt, Heatmap, Map, Memory, Sweep, Wish
from analysis.figures.sweep import sweep_data
from analysis.load import Results, load
from analysis.result import Result
from cosim import results, runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

QUICKSTART = Path(__file__).parent.parent / "scenarios" / "quickstart.yaml"
BANDWIDTHS_MHZ, STEPS, SEEDS = (5, 20), (1, 2), (0, 1, 2)
EVERYBODY = -1
EXACT = 1e-9  # hundreds of doubles, added in another order


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("runs")
    for mhz in BANDWIDTHS_MHZ:
        for steps in STEPS:
            for seed in SEEDS:
                said = ["execution=analytic", "users.count=3", "scheme.rounds=2", "compare=[{name: split_learning}]"]
                said += [f"radio.bandwidth={mhz} MHz", f"seed={seed}", f"scheme.local_steps={steps}"]
                scenario = load_scenario(QUICKSTART, said)
                for entry in entries(scenario):
                    results.write(runner.run(scenario, entry), folder / f"{mhz}-{steps}-{seed}" / entry.label)
    return load(folder)


def sent_bytes(run: Result, until_round: int) -> int:
    links = ("uplink", "downlink", "backhaul")
    return sum(event.bytes for event in run.events.itertuples() if event.kind in links and event.round <= until_round)


def chosen(runs: Results, label: str, mhz: float, steps: float) -> list[Result]:
    return [
        run
        for run in runs
        if run.label == label
        and run.settings["radio.bandwidth"].value == mhz * 1e6
        and run.settings["scheme.local_steps"].value == steps
    ]


def uplink_bytes(run: Result) -> int:
    return sum(event.bytes for event in run.events.itertuples() if event.kind == "uplink")


def users_s(run: Result, number: int) -> dict[int, float]:
    """What each user spent in a round outside waiting for others."""
    found = dict.fromkeys({event.user for event in run.events.itertuples() if event.user >= 0}, 0.0)
    for event in run.events.itertuples():
        if event.round == number and event.reason not in ("the other users", "its turn"):
            for user in found:
                if event.user in (user, EVERYBODY):
                    found[user] += event.end_s - event.start_s
    return found


def test_learning_curves_have_the_bytes_of_the_record(runs: Results) -> None:
    data = curves_data(runs, "round", "traffic_bytes")
    assert len(data) == 2 * 2 * 2 * 3
    for label, series in runs.series.items():
        for row in data[data["label"] == label].itertuples():
            expected = fmean(sent_bytes(run, row.round) for run in series)
            assert row.traffic_bytes == pytest.approx(expected, rel=EXACT)


def test_rounds_last_from_the_end_of_one_to_the_end_of_the_next_story(runs: Results) -> None:
    ends: dict[tuple[str, int, int], float] = defaultdict(float)
    for label, series in runs.series.items():
        for run in series:
            for event in run.events.itertuples():
                if event.user >= EVERYBODY:
                    key = label, run.seed, event.round
                    ends[key] = max(ends[key], event.end_s)
    for row in round_delays(runs).itertuples():
        began_s = ends.get((row.label, row.seed, row.round - 1), 0.0)
        assert row.delay_s == pytest.approx(ends[row.label, row.seed, row.round] - began_s, abs=EXACT)


def test_users_spend_what_the_record_says_and_the_slowest_of_a_parallel_round_all_of_it(runs: Results) -> None:
    data = user_delays(runs)
    lasted_s = round_delays(runs).set_index(["label", "seed", "round"])["delay_s"]
    for label, series in runs.series.items():
        for run in series:
            for number in (1, 2):
                expected = users_s(run, number)
                mine = data[(data["label"] == label) & (data["seed"] == run.seed) & (data["round"] == number)]
                found = dict(zip(mine["user"], mine["delay_s"], strict=True))
                assert found == pytest.approx(expected, abs=EXACT)
                if run.label == "splitfed":
                    assert max(found.values()) == pytest.approx(lasted_s[label, run.seed, number], abs=EXACT)
                else:
                    assert sum(found.values()) == pytest.approx(lasted_s[label, run.seed, number], abs=EXACT)


def test_sweeps_and_heat_maps_have_the_bytes_of_the_record(runs: Results) -> None:
    cells = heatmap_data(runs, "radio.bandwidth", "scheme.local_steps", "uplink_bytes").to_dict("records")
    assert len(cells) == 8
    for row in cells:
        found = chosen(runs, row["label"], row["radio.bandwidth"] / 1e6, row["scheme.local_steps"])
        assert row["uplink_bytes"] == pytest.approx(fmean(map(uplink_bytes, found)))
        assert row["seeds"] == len(found) == len(SEEDS)
    points = sweep_data(runs, "radio.bandwidth", "uplink_bytes").to_dict("records")
    by_cell = {
        (f"{row['label']}, scheme local steps {row['scheme.local_steps']:g}", row["radio.bandwidth"]): row
        for row in cells
    }
    assert len(points) == 8
    for row in points:
        assert row["uplink_bytes"] == by_cell[row["line"], row["radio.bandwidth"]]["uplink_bytes"]


def test_timelines_have_every_activity_of_the_round_once(runs: Results) -> None:
    for run in runs[:2]:
        for number in (1, 2):
            expected = [
                (event.kind, event.node, event.start_s, event.end_s)
                for event in run.events.itertuples()
                if event.round == number and event.end_s > event.start_s
            ]
            began_s = run.rounds["sim_time_s"].iloc[number - 1]
            data = gantt_data(run, number)
            found = [(row.kind, row.node, row.start_s + began_s, row.end_s + began_s) for row in data.itertuples()]
            assert len(found) == len(expected)
            for (kind, node, *times), (other_kind, other_node, *other_times) in zip(found, expected, strict=True):
                assert (kind, node) == (other_kind, other_node)
                assert times == pytest.approx(other_times, abs=EXACT)


def test_who_waits_does_nothing_else_in_its_lane(runs: Results) -> None:
    for run in runs[:2]:
        data = gantt_data(run, 1)
        for lane, mine in data[data["lane"].str.startswith("user")].groupby("lane"):
            waits, works = mine[mine["kind"] == "waiting"], mine[(mine["kind"] != "waiting")]
            for wait in waits.itertuples():
                during = (works["start_s"] < wait.end_s - EXACT) & (works["end_s"] > wait.start_s + EXACT)
                beside = works["user"] != wait.user  # what it sends for the one whose turn it is
                assert not (during & ~beside).any(), lane


@pytest.mark.parametrize(
    "wish",
    [
        *(Curves(y="energy_j"), Delay(), Cdf(), Memory(), Gantt(), Map(), Sweep(x="radio.bandwidth")),
        *(Heatmap(x="radio.bandwidth", y="scheme.local_steps"), Comparison(y="traffic_bytes")),
    ],
    ids=lambda wish: wish.stem,
)
def test_every_kind_is_drawn_with_nothing_cut_off(runs: Results, wish: Wish) -> None:
    """The ink of all axes, titles and legends lies on the page."""
    figure = draw(runs, wish).figure
    figure.draw_without_rendering()
    page = figure.bbox
    for artist in (*figure.axes, *figure.legends):
        ink = artist.get_tightbbox()
        assert ink is not None
        assert page.x0 - 1 <= ink.x0 < ink.x1 <= page.x1 + 1
        assert page.y0 - 1 <= ink.y0 < ink.y1 <= page.y1 + 1
