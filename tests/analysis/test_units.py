import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.units import (
    ENERGY,
    MEMORY,
    PLAIN,
    TIME,
    TRAFFIC,
    Ladder,
    ladder_of,
    quantity_of,
    three_digits,
    unit_for,
    written,
)

ROUNDING = 0.0051  # three significant digits are within half a unit of the third: 0.005 of 1.00


@pytest.mark.parametrize(
    ("values", "ladder", "symbol"),
    [
        ([30.0, 59.0], TIME, "s"),
        ([30.0, 90.0], TIME, "min"),
        ([7200.0], TIME, "h"),
        ([0.004], TIME, "ms"),
        ([1e-6], TIME, "ms"),
        ([0.0], TIME, "s"),
        ([math.nan, math.inf, 5.0], TIME, "s"),
        ([999_999], TRAFFIC, "kB"),
        ([1_000_000], TRAFFIC, "MB"),
        ([1_000_000], MEMORY, "KiB"),
        ([2**20], MEMORY, "MiB"),
        ([1500.0], ENERGY, "kJ"),
        ([12.0], PLAIN, ""),
    ],
)
def test_the_unit_suits_the_largest_value(values: list[float], ladder: Ladder, symbol: str) -> None:
    assert unit_for(values, ladder).symbol == symbol


def test_one_mebibyte_is_1048576_bytes_and_one_megabyte_a_million() -> None:
    assert unit_for([2**20], MEMORY).size == 1_048_576
    assert unit_for([10**6], TRAFFIC).size == 1_000_000


@pytest.mark.parametrize(
    ("column", "ladder", "words"),
    [
        ("sim_time_s", TIME, "Simulated time"),
        ("uplink_bytes", TRAFFIC, "Uplink"),
        ("user_energy_j", ENERGY, "User energy"),
        ("perplexity", PLAIN, "Perplexity"),
        ("train_loss", PLAIN, "Train loss"),
    ],
)
def test_a_columns_name_tells_its_unit_and_quantity(column: str, ladder: Ladder, words: str) -> None:
    assert ladder_of(column) is ladder
    assert quantity_of(column) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.0, "12"), (0.0, "0"), (4.4, "4.40"), (99.96, "100"), (12345.6, "12,346"), (0.01234, "0.0123"), (-3.0, "-3")],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert three_digits(value) == text


def test_a_value_alone_has_its_own_unit() -> None:
    assert [written(seconds, TIME) for seconds in (0.0021, 3.0, 7200.0)] == ["2.10 ms", "3 s", "2 h"]
    assert [written(math.nan, TIME), written(12.0, PLAIN)] == ["– s", "12"]
    assert unit_for([2**30], MEMORY).written(2**29) == "0.500 GiB"


def test_changes_carry_their_sign_and_missing_values_a_dash() -> None:
    assert three_digits(2.5, signed=True) == "+2.50"
    assert three_digits(math.nan) == "–"


@given(st.floats(min_value=1e-3, max_value=1e12))
def test_a_written_number_is_the_number_to_three_digits(value: float) -> None:
    assert float(three_digits(value).replace(",", "")) == pytest.approx(value, rel=ROUNDING)
