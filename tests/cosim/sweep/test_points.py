"""Names of points, what is in their scenarios, and which mistakes are told before anything runs."""

import re
from pathlib import Path

import pytest

from cosim.scenario import Scenario, ScenarioError, load_scenario, write_scenario
from cosim.scenario.entries import entries, single
from cosim.sweep.points import name_of
from tests.cosim.sweep.conftest import planned, split

SAFE = re.compile(r"[\w.+=,-]+", re.ASCII)


def refusal(file: Path, *vary: str, **wanted: object) -> str:
    with pytest.raises(ScenarioError) as told:
        planned(file, file.parent, *vary, **wanted)  # type: ignore[arg-type]
    return str(told.value)


def test_a_name_says_what_was_varied() -> None:
    assert name_of({"radio.bandwidth": "5 MHz", "users.count": 10, "seed": 3}) == (
        "radio.bandwidth=5MHz,users.count=10,seed=3"
    )


def test_names_are_safe_short_and_different() -> None:
    values = ["a/b", "a:b", "..", "", "ü", {"name": "rma"}, [1, 2], [1, 3], None, "x" * 500, "x" * 501, "1 Gbit/s"]
    names = [name_of({"some.key": value}) for value in values]
    assert all(SAFE.fullmatch(name) and len(name) < 150 for name in names)
    assert len(set(names)) == len(names)


def test_a_point_is_the_scenario_with_its_settings(small: Path, tmp_path: Path) -> None:
    points = planned(small, tmp_path, "radio.bandwidth=5MHz,10MHz", "users.count=2:4", seeds="0:2")
    assert len(points) == 8
    for point in points:
        overrides = [f"{key}={value}" for key, value in point.settings.items()]
        assert write_scenario(point.scenario) == write_scenario(_alone(small, overrides))
        assert point.folder == tmp_path / "points" / point.name
    assert [point.scenario.seed for point in points] == [0, 1] * 4


def _alone(file: Path, overrides: list[str]) -> Scenario:
    scenario = load_scenario(file, overrides)
    return single(scenario, entries(scenario)[0])


def test_another_scheme_keeps_the_options_that_it_knows(small: Path, tmp_path: Path) -> None:
    small.write_text(split(small) + "compare: [{name: federated}]\n")
    federated, splitfed = planned(small, tmp_path, "scheme.name=federated,splitfed")
    assert federated.scenario.scheme["rounds"] == splitfed.scenario.scheme["rounds"] == 2
    assert "cut" not in federated.scenario.scheme
    assert splitfed.scenario.scheme["cut"] == [2]


SCHEMES = "compare: [{name: federated}, {name: splitfed, label: own, cut: 1}]\n"


def test_all_schemes_of_the_file_are_points_and_one_that_does_not_heed_what_is_varied_is_one(
    small: Path, tmp_path: Path
) -> None:
    small.write_text(split(small) + SCHEMES)
    points = planned(small, tmp_path, "scheme.cut=2,3", seeds="0:2", compare=True)
    assert [point.name for point in points] == [
        *("scheme=splitfed,scheme.cut=2,seed=0", "scheme=federated,seed=0", "scheme=own,seed=0"),
        *("scheme=splitfed,scheme.cut=2,seed=1", "scheme=federated,seed=1", "scheme=own,seed=1"),
        *("scheme=splitfed,scheme.cut=3,seed=0", "scheme=splitfed,scheme.cut=3,seed=1"),
    ]
    compared = {
        entry.label: single(scenario, entry) for scenario in [load_scenario(small)] for entry in entries(scenario)
    }
    assert points[1].scenario == compared["federated"]
    assert points[2].scenario == compared["own"]
    assert points[6].scenario.scheme["cut"] == [3]


def test_schemes_are_said_once(small: Path) -> None:
    small.write_text(split(small) + SCHEMES)
    assert refusal(small, "scheme.name=federated,splitfed", compare=True) == (
        "--vary scheme.name: schemes are those of the compare: list (--compare); leave one out"
    )


@pytest.mark.parametrize(
    "vary",
    [
        "scheme={name: splitfed, cut: 1},{name: splitft, cut: [2, 4], policy: resource, every: 1}",
        "data.partition.name=natural,iid",
        "radio.access=tdma,{name: proportional_fair, window: 2 s}",
        "users.ranks=[2, 4],[8]",
    ],
)
def test_any_key_can_be_varied_schemes_and_policies_too(small: Path, tmp_path: Path, vary: str) -> None:
    first, second = planned(small, tmp_path, vary)
    assert first.scenario != second.scenario
    assert first.name != second.name


@pytest.mark.parametrize(
    ("vary", "lines"),
    [
        ("radio.bandwith=5MHz", ["radio.bandwith = '5MHz': unknown key (did you mean radio.bandwidth?)"]),
        ("radio.bandwidth=5MHz,5", ["radio.bandwidth = 5: a frequency needs a number and a unit, such as '20 MHz'"]),
        ("scheme.cut=1", ["scheme.cut = 1: unknown key"]),
        ("users.count=0,-1", ["users.count = 0: input should be greater", "users.count = -1: input should be greater"]),
    ],
)
def test_a_mistake_is_told_with_key_and_value_and_point(small: Path, vary: str, lines: list[str]) -> None:
    told = refusal(small, vary).split("\n")
    assert len(told) == len(lines)
    for line, expected in zip(told, lines, strict=True):
        assert line.startswith(f"{small}: {expected}")
        assert f"; at the point {vary.partition('=')[0]} = " in line


def test_a_mistake_at_many_points_is_told_for_some(small: Path) -> None:
    told = refusal(small, "radio.bandwith=1:100 MHz").split("\n")
    assert len(told) == 11
    assert told[-1] == "... and 89 more points are not possible"


@pytest.mark.parametrize("vary", ["name=a,b", "compare.0.name=federated", "figures=[]", "sweep.zip=true"])
def test_what_is_no_part_of_one_run_cannot_be_varied(small: Path, vary: str) -> None:
    assert refusal(small, vary).startswith(f"--vary {vary.partition('=')[0]}: not a part of one run")


def test_one_point_twice_is_a_mistake(small: Path) -> None:
    assert refusal(small, "radio.bandwidth=5MHz,5 MHz") == (
        "two points are alike: radio.bandwidth = '5MHz', and radio.bandwidth = '5 MHz'"
    )


def test_names_that_a_file_system_may_take_for_one_are_told_apart(small: Path, tmp_path: Path) -> None:
    milli, mega = planned(small, tmp_path, "users.power=5mW,5MW")
    assert milli.name == "users.power=5mW"
    assert mega.name.startswith("users.power=5MW-")
