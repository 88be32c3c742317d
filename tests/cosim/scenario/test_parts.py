"""Parts with options, and the radio they make: what is wrong with one is said in one line before a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channel_models.outdoor import RuralMacro
from cosim.scenario import ScenarioError, load_scenario, write_scenario
from cosim.scenario.parts import FadingPart, PathLossPart

Write = Callable[..., Path]


def problem(path: Path) -> str:
    with pytest.raises(ScenarioError) as refusal:
        load_scenario(path)
    (line,) = str(refusal.value).split("\n")
    return line.removeprefix(f"{path}: ")


def test_an_option_with_a_unit_goes_by_the_parameter_without_it() -> None:
    part = PathLossPart.model_validate({"name": "rma", "street_width": "0.01 km", "building_height": "7 m"})
    assert part.build(carrier_hz=2e9) == RuralMacro(carrier_hz=2e9, street_width_m=10.0, building_height_m=7.0)


def test_the_world_supplies_what_a_part_asks_for_and_keeps_the_rest() -> None:
    part = FadingPart.model_validate("none")
    assert part.build(stream=None, block_ns=5, carrier_hz=1e9).block_ns == 5


@pytest.mark.parametrize(
    ("radio", "says"),
    [
        ({"pathloss": {"name": "rma", "street_width": 20}}, "radio.pathloss = {'name': 'rma', 'street_width': 20}: "
         "street_width = 20: a length needs a number and a unit"),
        ({"pathloss": {"name": "uma", "carrier": "2 GHz"}}, "radio.pathloss = {'name': 'uma', 'carrier': '2 GHz'}: "
         "uma takes no options, not carrier"),
        ({"pathloss": {"name": "inf", "kind": "xl"}}, "radio.pathloss = {'name': 'inf', 'kind': 'xl'}: "
         "kind = 'xl': input should be 'sl', 'dl', 'sh', 'dh' or 'hh'"),
        ({"pathloss": "rma", "carrier": "60 GHz"}, "radio.pathloss = 'rma': carrier_hz must lie between"),
        ({"pathloss": "uma", "user_height": "1 m"}, "radio: user_height_m must lie between 1.5 and 22.5, got 1"),
        ({"pathloss": "inh", "indoor": 0.5}, "radio: indoor_share must be 0 with IndoorOffice"),
        ({"mobility": {"name": "random_walk", "least_speed": "1 m/s"}}, "radio.mobility = {'name': 'random_walk', "
         "'least_speed': '1 m/s'}: random_walk needs greatest_speed"),
        ({"mobility": {"name": "recorded", "path": "no/such.csv"}}, "radio.mobility = {'name': 'recorded', "
         "'path': 'no/such.csv'}: no such file"),
        ({"rate": {"name": "cqi", "table": 4}}, "radio.rate = {'name': 'cqi', 'table': 4}: table must be one of 1, 2"),
        ({"fading": {"name": "jakes", "speed": "100 km/h"}}, "radio.fading = {'name': 'jakes', 'speed': '100 km/h'}: "
         "a block must not be longer than the coherence time, 0.00"),
        ({"access": {"name": "proportional_fair", "window": 2}}, "radio.access = {'name': 'proportional_fair', "
         "'window': 2}: window = 2: a time needs a number and a unit"),
        ({"access": {"name": "tdma", "window": "2 s"}}, "radio.access = {'name': 'tdma', 'window': '2 s'}: "
         "tdma takes no options, not window"),
        ({"downlink_access": {"name": "dedicated", "parts": [0.5, 0.5]}}, "radio.downlink_access = "
         "{'name': 'dedicated', 'parts': [0.5, 0.5]}: parts must be 8 numbers in (0, 1], one for each user"),
        ({"access": {"name": "dedicated", "parts": [0.3] * 8}}, "radio.access = {'name': 'dedicated', 'parts': "
         "[0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3]}: parts of users [0, 2, 4, 6], who share a cell, add up to 1.2"),
        ({"access": {"name": "dedicated", "powers": [0.0] * 8}}, "radio.access = {'name': 'dedicated', 'powers': "
         "[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]}: powers must be 8 numbers in (0, 1], one for each user"),
        ({"interference": "constant"}, "radio.interference = 'constant': give either power_w or noise_rise_db"),
        ({"interference": "active"}, "radio.interference = 'active': no cell hears another in the layout 'separate'"),
        ({"uplink_time": 1.0}, "radio.uplink_time = 1.0: "),
        ({"uplink_trace": {"file": "no/such.up"}}, "radio.uplink_trace = {'file': 'no/such.up'}: no such file"),
        ({"uplink_trace": {"file": "x", "where": {"a": "b"}}},
         "radio.uplink_trace = {'file': 'x', 'where': {'a': 'b'}}: group_column and where go with column"),
        ({"fading": {"name": "none", "k": "3 dB"}}, "radio.fading = {'name': 'none', 'k': '3 dB'}: "
         "none takes no options, not k"),
    ],
)  # fmt: skip
def test_a_radio_that_cannot_be_is_one_line_with_key_and_value(write: Write, radio: dict[str, Any], says: str) -> None:
    assert problem(write(radio=radio)).startswith(says)


def test_a_radio_with_parts_and_options_reads_back_as_it_was(write: Write, tmp_path: Path) -> None:
    radio = {"pathloss": {"name": "rma", "street_width": "10 m"}, "indoor": 0.5, "decorrelation": "0 m"}
    scenario = load_scenario(write(radio=radio))
    copy = tmp_path / "copy.yaml"
    copy.write_text(write_scenario(scenario))
    assert load_scenario(copy) == scenario
