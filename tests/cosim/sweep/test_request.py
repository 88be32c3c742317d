"""The file's section and the command line: what is asked for, and what is refused."""

from typing import Any

import pytest

from cosim.scenario import ScenarioError
from cosim.scenario.sweep import Sweep
from cosim.sweep.request import Request, request, said
from cosim.sweep.values import parse_values


def asked(section: Sweep | None = None, *vary: str, **given: Any) -> Request:
    return request(section, vary, **given)


def test_the_section_and_the_command_line_say_the_same() -> None:
    section = Sweep(vary={"a": [1, 2], "b": "10:30:10"}, seeds="0:2")
    assert asked(section).settings(0) == asked(None, "a=1,2", "b=10:30:10", seeds="0:2").settings(0)


def test_the_command_line_has_the_last_word() -> None:
    section = Sweep(vary={"a": [1, 2], "b": [3, 4]}, zip=True, seeds="0:9", samples=None)
    assert asked(section, "a=5,6", seeds="7").settings(0) == [{"a": 5, "b": 3, "seed": 7}, {"a": 6, "b": 4, "seed": 7}]


def test_a_sample_is_of_points_each_with_all_seeds() -> None:
    settings = asked(None, "a=1:100", samples=3, seeds="0:2").settings(0)
    assert [point["seed"] for point in settings] == [0, 1] * 3
    assert len({point["a"] for point in settings}) == 3


def test_seeds_alone_are_a_sweep() -> None:
    assert asked(None, seeds="4,2").settings(0) == [{"seed": 4}, {"seed": 2}]


@pytest.mark.parametrize(
    ("vary", "given", "line"),
    [
        ([], {}, "nothing is varied; say what, such as --vary radio.bandwidth=5MHz,10MHz, or --seeds 0:5"),
        (["users.count"], {}, "--vary users.count: expected key=values, such as radio.bandwidth=5MHz,10MHz"),
        (["a=1", "a=2"], {}, "--vary a=2: a is varied twice"),
        (["a=1,1"], {}, "--vary a=1,1: 1 stands twice"),
        (["seed=1"], {"seeds": "0:2"}, "--seeds 0:2: seed is varied already"),
        (["a=1"], {"seeds": "x"}, "--seeds x: expected seeds such as 0:5 (0 to 4) or 0,3,7"),
        (["a=1"], {"zipped": True, "samples": 2}, "--samples 2: of zipped values there is no sample; leave one out"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(vary: list[str], given: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as told:
        asked(None, *vary, **given).settings(0)
    assert str(told.value) == line


def test_values_are_told_in_a_line() -> None:
    assert said(parse_values("5MHz,10MHz")) == "5MHz, 10MHz"
    assert said(parse_values("0:100")) == "0, 1, 2, 3, ..., 98, 99"
    assert said(parse_values("log(1,100) MHz")) == "1 MHz to 100 MHz"
