import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channel_models.decibels import db_to_linear, dbm_to_w, linear_to_db, w_to_dbm

ROUNDING = 1e-12  # relative; a power and a logarithm cost a few units in the last place each


@pytest.mark.parametrize(("value_db", "ratio"), [(0.0, 1.0), (10.0, 10.0), (-20.0, 0.01), (30.0, 1000.0)])
def test_ten_decibels_are_a_factor_of_ten(value_db, ratio):
    assert db_to_linear(value_db) == pytest.approx(ratio, rel=ROUNDING)
    assert linear_to_db(ratio) == pytest.approx(value_db, rel=ROUNDING, abs=ROUNDING)


@pytest.mark.parametrize(("power_dbm", "power_w"), [(0.0, 1e-3), (30.0, 1.0), (46.0, 39.81071705534972)])
def test_dbm_count_from_a_milliwatt(power_dbm, power_w):
    assert dbm_to_w(power_dbm) == pytest.approx(power_w, rel=ROUNDING)
    assert w_to_dbm(power_w) == pytest.approx(power_dbm, rel=ROUNDING, abs=ROUNDING)


@given(st.floats(-200.0, 200.0))
def test_there_and_back_is_the_same_number(value_db):
    assert linear_to_db(db_to_linear(value_db)) == pytest.approx(value_db, rel=ROUNDING, abs=ROUNDING)


def test_arrays_convert_elementwise():
    np.testing.assert_allclose(db_to_linear(np.array([[0.0, 10.0], [20.0, -10.0]])), [[1, 10], [100, 0.1]], ROUNDING)


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan")])
def test_a_ratio_without_decibels_is_an_error(ratio):
    with pytest.raises(ValueError, match="ratio must be positive"):
        linear_to_db(ratio)
    with pytest.raises(ValueError, match="ratio must be positive"):
        linear_to_db(np.array([1.0, ratio]))
