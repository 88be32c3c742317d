"""The scenario of users who drive through three cells, as shipped, without its training."""

from pathlib import Path

import pytest

from analysis.figures.signals import farthest_travelled, signal_data
from analysis.result import Result
from cosim import results, runner
from cosim.scenario import load_scenario
from cosim.scenario.entries import entries

MOBILITY = Path(__file__).parent.parent / "scenarios" / "mobility.yaml"


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("mobility")
    scenario = load_scenario(MOBILITY, ["execution=analytic", "radio.sampling=40 ms"])
    results.write(runner.run(scenario, entries(scenario)[0]), folder)
    return Result(folder)


def test_somebody_drives_through_all_cells_and_misses_a_deadline(driven: Result) -> None:
    data = signal_data(driven, farthest_travelled(driven))
    samples = data[(data["what"] == "signal") & (data["serving"] == True)]  # noqa: E712 - an object column
    assert samples["edge"].nunique() == 3
    assert {"uplink", "downlink", "handover", "outage", "absence", "deadline"} <= set(data["what"])


def test_each_handover_goes_to_an_edge_server_that_was_stronger_by_the_hysteresis(driven: Result) -> None:
    """The samples are at the instants of the checks."""
    signal_dbm = driven.links.set_index(["user", "edge", "time_s"])["signal_dbm"]
    signal_dbm.index = signal_dbm.index.set_levels(signal_dbm.index.levels[2].round(6), level=2)
    events = driven.events
    handovers = events[events["kind"] == "handover"]
    assert len(handovers) > 3
    for row in handovers.itertuples():
        origin, target = (int(name.removeprefix("edge")) for name in row.reason.split(",")[0].split(" to "))
        user = int(row.node.removeprefix("user"))
        for check in range(5):  # 160 ms are four intervals of 40 ms
            instant_s = round(row.start_s - 0.04 * check, 6)
            assert signal_dbm[user, target, instant_s] - signal_dbm[user, origin, instant_s] > 3.0


def test_nothing_passes_while_a_link_is_interrupted(driven: Result) -> None:
    events = driven.events
    sent = events[events["kind"].isin(["uplink", "downlink"]) & (events["user"] >= 0) & (events["bytes"] > 0)]
    stops = events[events["kind"].isin(["handover", "outage", "absence"])]
    assert len(stops) > 10
    for stop in stops.itertuples():
        mine = sent[sent["user"] == int(stop.node.removeprefix("user"))]
        assert not ((mine["start_s"] < stop.end_s - 1e-9) & (mine["end_s"] > stop.start_s + 1e-9)).any()
