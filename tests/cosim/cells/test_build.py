"""From a scenario to the cells of all edge servers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.cells.air import Air
from cosim.cells.build import build_cells
from cosim.cells.own_band_cell import OwnBandCell
from cosim.cells.shared import SharedCell
from cosim.cells.virtual_time import VirtualTimeCell
from cosim.clock import Clock
from cosim.coverage import Coverage
from cosim.scenario.models import Scenario

PLANE = {"layout": {"name": "line", "site_distance": "400 m"}}
MB = 1_000_000


def scenario(**radio: Any) -> Scenario:
    tree = {"name": "small", "scheme": {"name": "federated"}, "users": {"count": 4}, "edges": {"count": 2}}
    return Scenario.model_validate({**tree, "radio": radio})


def cells(direction: Any, **radio: Any) -> tuple[Clock, list[Any]]:
    clock, there = Clock(), scenario(**radio)
    return clock, build_cells(there, clock, Coverage(there), direction)


def end_s(direction: Any, nbytes: int = MB, **radio: Any) -> float:
    """When the first user's message to or from its own edge server has arrived."""
    clock, (cell, _) = cells(direction, **radio)
    clock.run(cell.begin(0, nbytes).done)
    return clock.now_s


@pytest.mark.parametrize(
    ("radio", "up", "down"),
    [
        ({}, SharedCell, SharedCell),
        ({"access": "dedicated"}, OwnBandCell, OwnBandCell),
        ({"access": "dedicated", "downlink_access": "max_rate"}, OwnBandCell, SharedCell),
        ({"fading": "none"}, SharedCell, VirtualTimeCell),
        ({"fading": "none", "access": "round_robin"}, VirtualTimeCell, VirtualTimeCell),
        ({"fading": "none", "access": "round_robin", "interference": "active", **PLANE}, SharedCell, SharedCell),
        ({"access": {"name": "proportional_fair", "window": "500 ms"}}, SharedCell, SharedCell),
    ],
)
def test_each_direction_has_its_access(radio: dict[str, Any], up: type, down: type) -> None:
    for direction, kind in (("uplink", up), ("downlink", down)):
        assert {type(cell) for cell in cells(direction, **radio)[1]} == {kind}


def test_a_part_of_the_band_is_for_those_attached_by_default() -> None:
    """Four users under two edge servers: a half each, at the same power density on the downlink."""
    alone_s, half_s = end_s("downlink", fading="none"), end_s("downlink", fading="none", access="dedicated")
    assert half_s == pytest.approx(2 * alone_s, rel=1e-6)


@pytest.mark.parametrize(("direction", "time_share"), [("uplink", 0.25), ("downlink", 0.75)])
def test_directions_that_take_turns_in_one_band_have_their_part_of_the_time(direction: str, time_share: float) -> None:
    whole_s, part_s = (end_s(direction, fading="none", **radio) for radio in ({}, {"uplink_time": 0.25}))
    assert part_s == pytest.approx(whole_s / time_share, rel=1e-6)


def test_the_energy_of_turns_is_that_of_the_message_alone() -> None:
    spent_j = []
    for radio in ({}, {"uplink_time": 0.25}):
        clock, (cell, _) = cells("uplink", fading="none", **radio)
        done = cell.begin(0, MB).done
        clock.run(done)
        spent_j.append(done.value)
    assert spent_j[0] == pytest.approx(spent_j[1], rel=1e-6)


def test_a_noise_rise_of_three_decibels_is_half_the_snr(monkeypatch: pytest.MonkeyPatch) -> None:
    calm, loud = (
        end_s("uplink", fading="none", rate="shannon", **radio)
        for radio in ({}, {"interference": {"name": "constant", "noise_rise": "3.0103 dB"}})
    )
    heard: list[Any] = []
    original = Air.in_part
    monkeypatch.setattr(Air, "in_part", lambda air, *a: heard.append(original(air, *a)[0]) or original(air, *a))
    assert loud > calm
    end_s("uplink", fading="none")
    snr = 2 ** (heard[-1][0, 0] / 20e6) - 1
    assert loud / calm == pytest.approx(np.log2(1 + snr) / np.log2(1 + snr / 2), rel=1e-3)


def test_neighbours_in_one_plane_disturb_each_other_and_those_who_move_as_well() -> None:
    walk = {"name": "random_walk", "least_speed": "1 m/s", "greatest_speed": "2 m/s"}
    for more in ({}, {"mobility": walk}):
        ends = []
        for interference in ("none", "active"):
            there = scenario(interference=interference, **PLANE, **more)
            clock, coverage = Clock(), Coverage(there)
            first, second = build_cells(there, clock, coverage, "uplink")
            own, other = (int(np.flatnonzero(coverage.nearest == edge)[0]) for edge in (0, 1))
            second.begin(other, 100 * MB)
            clock.run(first.begin(own, MB).done)
            ends.append(clock.now_ns)
        assert ends[1] > ends[0]


def test_a_recorded_uplink_replaces_the_model_and_leaves_the_downlink(tmp_path: Path) -> None:
    """A packet every millisecond: 12 Mbit/s for each user, whoever is active."""
    file = tmp_path / "steady.up"
    file.write_text("".join(f"{ms}\n" for ms in range(1, 11)))
    clock, made = cells("uplink", uplink_trace={"file": str(file)})
    transfers = [made[link % 2].begin(link, 15_000) for link in range(4)]
    clock.env.run()
    assert clock.now_ns == 10_000_000
    assert [transfer.energy_j for transfer in transfers] == pytest.approx([10 ** (23 / 10) / 1000 * 0.01] * 4)
    assert {type(cell) for cell in cells("downlink", uplink_trace={"file": str(file)})[1]} == {SharedCell}


@pytest.mark.slow
def test_a_run_over_recordings_says_which_files_they_were(tmp_path: Path, cosim: Callable[..., Any]) -> None:
    (tmp_path / "a.up").write_text("1\n")
    quickstart = Path(__file__).parents[3] / "scenarios" / "quickstart.yaml"
    settings = ("execution=analytic", "scheme.rounds=1", f"radio.uplink_trace={{file: {tmp_path}/a.up}}")
    flags = [word for setting in settings for word in ("--set", setting)]
    status, _, problems = cosim("run", quickstart, *flags, "--out", tmp_path / "out", "--quiet")
    assert (status, problems) == (0, "")
    (found,) = [json.loads(path.read_text()) for path in (tmp_path / "out").rglob("provenance.json")]
    assert list(found["recordings"]) == ["uplink_trace"]
    assert list(found["recordings"]["uplink_trace"]) == ["a.up"]
