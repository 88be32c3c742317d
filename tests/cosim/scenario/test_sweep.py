"""What the ``sweep`` section of a scenario may hold."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cosim.scenario import ScenarioError, load_scenario, write_scenario
from cosim.scenario.sweep import Sweep

Write = Callable[..., Path]


def text(sweep: str) -> str:
    return f"name: small\nscheme: {{name: federated}}\nsweep: {sweep}\n"


def test_it_is_read_and_written_as_it_is(write: Write) -> None:
    scenario = load_scenario(
        write(text("{vary: {users.count: [2, 3], radio.bandwidth: 'log(1,9,3) MHz'}, seeds: '0:2'}"))
    )
    assert scenario.sweep == Sweep(vary={"users.count": [2, 3], "radio.bandwidth": "log(1,9,3) MHz"}, seeds="0:2")
    assert load_scenario(write(write_scenario(scenario))) == scenario


def test_ranges_are_words_and_no_numbers_to_the_base_of_sixty(write: Write) -> None:
    scenario = load_scenario(write(text("{vary: {users.count: 10:50:10}, seeds: 1:5}")))
    assert scenario.sweep == Sweep(vary={"users.count": "10:50:10"}, seeds="1:5")
    assert load_scenario(write(write_scenario(scenario))) == scenario


@pytest.mark.parametrize(
    ("sweep", "line"),
    [
        (
            "{vary: {users.count: 5}}",
            "sweep.vary.users.count = 5: expected a list of values, or a progression in quotes",
        ),
        ("{seeds: 5}", "sweep.seeds = 5: expected seeds in quotes, such as '0:5' (0 to 4) or '0,3,7'"),
        ("{samples: 0}", "sweep.samples = 0: input should be greater than or equal to 1"),
        ("{varied: {}}", "sweep.varied = {}: unknown key (did you mean sweep.vary?)"),
    ],
)
def test_a_mistake_is_one_line(write: Write, sweep: str, line: str) -> None:
    path = write(text(sweep))
    with pytest.raises(ScenarioError) as told:
        load_scenario(path)
    assert str(told.value).startswith(f"{path}: {line}")
    assert "\n" not in str(told.value)
