import numpy as np
import pytest

from channel_models.pathloss import MacroPathLoss
from cosim import registry

ROUNDING_DB = 1e-9
AGREEMENT_DB = 0.06  # 128.1 + 37.6 log10(d) rounds the coefficients of TR 36.942: 0.05 dB at one kilometre
DISTANCES_M = np.array([0.0, 10.0, 35.0, 100.0, 250.0, 500.0, 2000.0])


def tr_36942_db(distance_km, carrier_mhz, antenna_over_roofs_m=15.0):
    """3GPP TR 36.942 section 4.5.2, macro cell, urban area, of which the simple model is a special case."""
    slope = 40.0 * (1.0 - 4e-3 * antenna_over_roofs_m)
    return slope * np.log10(distance_km) - 18 * np.log10(antenna_over_roofs_m) + 21 * np.log10(carrier_mhz) + 80


@pytest.mark.parametrize("carrier_mhz", [700.0, 2000.0, 3500.0])
def test_macro_loss_is_that_of_tr_36942(carrier_mhz):
    distances_m = np.array([35.0, 100.0, 500.0, 1000.0, 5000.0])
    loss_db = MacroPathLoss(carrier_hz=carrier_mhz * 1e6).loss_db(distances_m)
    np.testing.assert_allclose(loss_db, tr_36942_db(distances_m / 1000, carrier_mhz), rtol=0, atol=AGREEMENT_DB)


def test_macro_loss_at_one_kilometre_and_two_gigahertz_is_the_intercept():
    assert MacroPathLoss(carrier_hz=2e9).loss_db(np.array([1000.0])) == pytest.approx(128.1, abs=ROUNDING_DB)


def test_ten_times_the_distance_costs_the_slope():
    loss_db = MacroPathLoss(carrier_hz=3.5e9).loss_db(np.array([100.0, 1000.0]))
    assert loss_db[1] - loss_db[0] == pytest.approx(37.6, abs=ROUNDING_DB)


def test_macro_loss_is_constant_below_the_minimum_distance():
    loss_db = MacroPathLoss(carrier_hz=2e9, minimum_distance_m=50.0).loss_db(np.array([0.0, 20.0, 50.0, 51.0]))
    assert loss_db[0] == loss_db[1] == loss_db[2] < loss_db[3]


@pytest.mark.parametrize("field", ["carrier_hz", "minimum_distance_m"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_an_impossible_macro_cell_is_an_error(field, value):
    with pytest.raises(ValueError, match=f"{field} must be positive"):
        MacroPathLoss(**{"carrier_hz": 2e9, field: value})


@pytest.mark.parametrize("name", registry.FAMILIES["pathloss"])
class TestEveryPathLoss:
    def test_is_finite_and_never_falls_with_distance(self, name):
        loss_db = registry.find("pathloss", name)(carrier_hz=3.5e9).loss_db(DISTANCES_M)
        assert np.isfinite(loss_db).all()
        assert (np.diff(loss_db) >= 0.0).all()

    def test_keeps_the_shape_and_repeats(self, name):
        model = registry.find("pathloss", name)(carrier_hz=3.5e9)
        grid_m = np.linspace(1.0, 999.0, 6).reshape(2, 3)
        assert model.loss_db(grid_m).shape == (2, 3)
        assert (model.loss_db(grid_m) == model.loss_db(grid_m)).all()

    @pytest.mark.parametrize("distance_m", [-1.0, float("nan")])
    def test_rejects_a_distance_that_is_none(self, name, distance_m):
        with pytest.raises(ValueError, match="distance_m must not be negative"):
            registry.find("pathloss", name)(carrier_hz=3.5e9).loss_db(np.array([100.0, distance_m]))
