"""Lists and progressions as they are written, and the values that come of them."""

import math
import re

import pytest

from cosim.sweep.values import Continuous, Listed, parse_values


def listed(text: str) -> list[object]:
    found = parse_values(text)
    assert isinstance(found, Listed)
    return list(found.values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("5MHz,10MHz,20 MHz", ["5MHz", "10MHz", "20 MHz"]),
        ("1,2,3", [1, 2, 3]),
        ("2e-3,0.5", [0.002, 0.5]),
        ("federated,splitfed", ["federated", "splitfed"]),
        ("[1, 3],[2, 4]", [[1, 3], [2, 4]]),
        ("{name: rma, street_width: 15 m},uma", [{"name": "rma", "street_width": "15 m"}, "uma"]),
        ("true,null", [True, None]),
        ("hub:owner/name", ["hub:owner/name"]),
        ("10:50:10", [10, 20, 30, 40]),
        ("0:3", [0, 1, 2]),
        ("0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4]),
        ("3:0:-1", [3, 2, 1]),
        ("5:20:5MHz", ["5 MHz", "10 MHz", "15 MHz"]),
        ("5MHz:20MHz:5MHz", ["5 MHz", "10 MHz", "15 MHz"]),
        ("lin(0,1,3)", [0, 0.5, 1]),
        ("lin(20dBm, 26dBm, 3)", ["20 dBm", "23 dBm", "26 dBm"]),
        ("lin(1000001,1000003,3)", [1000001, 1000002, 1000003]),
        ("log(1,100,3) Mbit/s", ["1 Mbit/s", "10 Mbit/s", "100 Mbit/s"]),
        ("log(1MHz,2MHz,3)", ["1 MHz", "1.41421 MHz", "2 MHz"]),
        ("log(1234567,1,2)", [1234567, 1]),
        ("log(7,9,1)", [7]),
    ],
)
def test_values_are_written_as_anybody_would(text: str, values: list[object]) -> None:
    assert listed(text) == values


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no value"),
        ("5:5", "no value"),
        ("1,2,1", "1 stands twice"),
        ("1:5:0", "the step of a range is 0"),
        ("1:1e9", "a range of 999999999 values"),
        ("lin(1MHz,2GHz,5)", "all of a range must have one unit, not GHz and MHz"),
        ("log(0,1,5)", "both ends of a logarithmic range must be above 0"),
        ("lin(0,1,0)", "0 values; from 1 to 100000 are possible"),
        ("[1,2", "expected values such as"),
    ],
)
def test_what_is_no_list_of_values_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}"):
        parse_values(text)


def test_without_a_number_of_values_all_between_can_be_drawn() -> None:
    even, logarithmic = parse_values("lin(10,20) MHz"), parse_values("log(1,100)")
    assert isinstance(even, Continuous)
    assert isinstance(logarithmic, Continuous)
    assert [even.at(share) for share in (0.0, 0.25, 1.0)] == ["10 MHz", "12.5 MHz", "20 MHz"]
    assert [logarithmic.at(share) for share in (0.0, 0.5, 1.0)] == [1, 10, 100]
    assert logarithmic.at(0.25) == pytest.approx(math.sqrt(10), rel=1e-5)  # six digits are kept


def test_each_value_of_a_list_has_an_equal_share() -> None:
    values = parse_values("a,b,c,d")
    assert [values.at(share) for share in (0.0, 0.2499, 0.25, 0.5, 0.75, 1.0)] == ["a", "a", "b", "c", "d", "d"]
