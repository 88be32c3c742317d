import math
from typing import Any, get_args

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from cosim.scenario.quantities import (
    BitsPerSecond,
    Bytes,
    Decibels,
    FlopPerSecond,
    Hertz,
    Metres,
    Quantity,
    Seconds,
    Unit,
    Watts,
)

TYPES = [Hertz, Watts, Decibels, Metres, Seconds, FlopPerSecond, BitsPerSecond, Bytes]
CONVERSION = 1e-15  # relative: a product with the unit's factor, rounded once or twice
FINITE = st.floats(allow_nan=False, allow_infinity=False)


def unit_of(quantity: Any) -> Unit:
    """The unit that an annotated type names."""
    (unit,) = (extra.unit for extra in get_args(quantity) if isinstance(extra, Quantity))
    return unit


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (Hertz, "20 MHz", 20e6),
        (Hertz, "3.5 GHz", 3.5e9),
        (Hertz, "15kHz", 15e3),
        (Watts, "23 dBm", 0.19952623149688797),  # 10^-0.7
        (Watts, "30 dBm", 1.0),
        (Watts, "-30 dBm", 1e-6),
        (Watts, "200 mW", 0.2),
        (Decibels, "8 dB", 8.0),
        (Metres, "0.25 km", 250.0),
        (Seconds, "5 ms", 0.005),
        (Seconds, "2 minutes", 120.0),
        (Seconds, "20 us", 20e-6),
        (Seconds, "20 µs", 20e-6),
        (FlopPerSecond, "15 GFLOP/s", 15e9),
        (FlopPerSecond, "2 TFLOP / s", 2e12),
        (FlopPerSecond, "1.5e3 MFLOP/s", 1.5e9),
        (BitsPerSecond, "1 Gbit/s", 1e9),
        (BitsPerSecond, "+.5 Mbit/s", 5e5),
        (BitsPerSecond, "1 MB/s", 8e6),  # bytes, not bits
        (BitsPerSecond, "  7 bit/s ", 7.0),
        (Bytes, "4 GB", 4e9),
        (Bytes, "512KiB", 2.0**19),
        (Bytes, "1.5 MiB", 1.5 * 2**20),
        (Bytes, "2 GiB", 2.0**31),
        (Bytes, "1 TiB", 2.0**40),
    ],
)
def test_numbers_with_units_are_read_in_the_unit_of_the_type(quantity: Any, text: str, value: float) -> None:
    assert TypeAdapter(quantity).validate_python(text) == pytest.approx(value, rel=CONVERSION)


@pytest.fixture(scope="module")
def registry() -> Any:
    """Pint's own units."""
    return pint.UnitRegistry()


@pytest.mark.parametrize("prefix", ["k", "M", "G", "T", "m", "u", "µ", "n"])
@pytest.mark.parametrize("symbol", ["Hz", "W", "m", "s", "bit/s"])
def test_metric_prefixes_mean_what_pint_says(registry: Any, symbol: str, prefix: str) -> None:
    expected = registry.Quantity(35.7, prefix + symbol).to(symbol).magnitude
    assert Unit(symbol, "quantity", "").read(f"35.7 {prefix}{symbol}") == pytest.approx(expected, rel=CONVERSION)


@pytest.mark.parametrize("quantity", TYPES, ids=lambda quantity: unit_of(quantity).symbol)
def test_the_example_in_messages_is_itself_valid(quantity: Any) -> None:
    assert TypeAdapter(quantity).validate_python(unit_of(quantity).example) > 0


@pytest.mark.parametrize("quantity", TYPES, ids=lambda quantity: unit_of(quantity).symbol)
@given(value=FINITE)
def test_what_is_written_reads_back_as_exactly_the_same(quantity: Any, value: float) -> None:
    unit = unit_of(quantity)
    assert unit.read(unit.write(value)) == value


@pytest.mark.parametrize("bare", [20, 20.0, "20", "1e400", "20.", True, None, [], {"MHz": 20}, "", " ", "MHz"])
def test_a_bare_number_is_an_error_that_shows_what_is_right(bare: Any) -> None:
    with pytest.raises(ValidationError, match="a frequency needs a number and a unit, such as '20 MHz'"):
        TypeAdapter(Hertz).validate_python(bare)


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Hertz, "20 ms"),
        (Seconds, "5 Hz"),
        (Watts, "23 dB"),
        (Decibels, "8 dBm"),
        (Decibels, "8 mdB"),
        (Metres, "250 M"),
        (BitsPerSecond, "1 Gbit"),
        (FlopPerSecond, "15 GFLOPS"),
        (FlopPerSecond, "15 GHz"),  # cycles are no operations,
        (BitsPerSecond, "20 MHz"),  # nor is a band a rate,
        (Hertz, "20 Mbit/s"),  # nor the other way round
        (FlopPerSecond, "1 Gbit/s"),
        (Hertz, "20 parsnips"),
        (Bytes, "4 Gs"),
        (Bytes, "4 GiBi"),
        (Hertz, "20 MHz/s"),
        (Seconds, "5 degC"),
    ],
)
def test_a_wrong_unit_is_named(quantity: Any, text: str) -> None:
    unit = text.split(" ", 1)[1]
    with pytest.raises(ValidationError, match=f"'{unit}' is not a unit of .*; expected such as"):
        TypeAdapter(quantity).validate_python(text)


@pytest.mark.parametrize("text", ["1e400 Hz", "-1e400 MHz", "1e308 GHz"])
def test_infinite_quantities_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="a frequency must be finite"):
        TypeAdapter(Hertz).validate_python(text)


@pytest.mark.filterwarnings("error")
def test_decibels_beyond_all_watts_are_refused_without_a_warning() -> None:
    with pytest.raises(ValidationError, match="a power must be finite"):
        TypeAdapter(Watts).validate_python("99999 dBm")


@pytest.mark.parametrize(
    "text", ["nan Hz", "inf Hz", "20 Hz Hz", "20 9**9**9*Hz", "20 Hz/0", "20 (Hz", "2 0 Hz", "٢ Hz"]
)
def test_junk_is_refused_and_arithmetic_is_junk(text: str) -> None:
    with pytest.raises(ValidationError, match="a frequency needs a number and a unit"):
        TypeAdapter(Hertz).validate_python(text)


@pytest.mark.parametrize(("quantity", "text"), [(Hertz, "0 Hz"), (Hertz, "-1 Hz"), (Metres, "0 m"), (Seconds, "-5 ms")])
def test_quantities_that_cannot_be_are_refused(quantity: Any, text: str) -> None:
    with pytest.raises(ValidationError, match="greater than"):
        TypeAdapter(quantity).validate_python(text)


@pytest.mark.parametrize("quantity", [Hertz, Watts, Seconds], ids=lambda quantity: unit_of(quantity).symbol)
@given(text=st.text(alphabet="0123456789.eE+- /HzWsmkMGdBµ\n", max_size=12))
def test_any_text_is_either_a_finite_number_or_a_value_error(quantity: Any, text: str) -> None:
    try:
        value = unit_of(quantity).read(text)
    except ValueError:
        return
    assert math.isfinite(value)
