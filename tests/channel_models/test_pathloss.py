import math

import numpy as np
import pytest

from channel_models.geometry import Geometry
from channel_models.pathloss import FreeSpace, LogDistance, MacroPathLoss
from cosim import registry

ROUNDING_DB = 1e-9
AGREEMENT_DB = 0.06  # 128.1 + 37.6 log10(d) rounds the coefficients of TR 36.942: 0.05 dB at one kilometre
PRINTED_DB = 0.005  # the reference prints two decimals
DISTANCES_M = np.array([0.0, 10.0, 35.0, 100.0, 250.0, 500.0, 2000.0])
CARRIER_HZ = 3.5e9


def geometry(distances_m, base_height_m=25.0, user_height_m=1.5):
    distances_m = np.asarray(distances_m, dtype=float)
    return Geometry(distance_2d_m=distances_m, base_height_m=base_height_m, user_height_m=user_height_m)


def loss_db(model, distances_m, in_sight=False, **heights):
    links = geometry(distances_m, **heights)
    return model.loss_db(links, np.full(links.distance_2d_m.shape, in_sight))


def tr_36942_db(distance_km, carrier_mhz, antenna_over_roofs_m=15.0):
    """3GPP TR 36.942 section 4.5.2, macro cell, urban area, of which the simple model is a special case."""
    slope = 40.0 * (1.0 - 4e-3 * antenna_over_roofs_m)
    return slope * np.log10(distance_km) - 18 * np.log10(antenna_over_roofs_m) + 21 * np.log10(carrier_mhz) + 80


@pytest.mark.parametrize("carrier_mhz", [700.0, 2000.0, 3500.0])
def test_macro_loss_is_that_of_tr_36942(carrier_mhz):
    distances_m = np.array([35.0, 100.0, 500.0, 1000.0, 5000.0])
    macro_db = loss_db(MacroPathLoss(carrier_hz=carrier_mhz * 1e6), distances_m)
    np.testing.assert_allclose(macro_db, tr_36942_db(distances_m / 1000, carrier_mhz), rtol=0, atol=AGREEMENT_DB)


def test_macro_loss_at_one_kilometre_and_two_gigahertz_is_the_intercept():
    assert loss_db(MacroPathLoss(carrier_hz=2e9), [1000.0]) == pytest.approx(128.1, abs=ROUNDING_DB)


def test_ten_times_the_distance_costs_the_slope():
    near_db, far_db = loss_db(MacroPathLoss(carrier_hz=CARRIER_HZ), [100.0, 1000.0])
    assert far_db - near_db == pytest.approx(37.6, abs=ROUNDING_DB)


def test_macro_loss_is_constant_below_the_minimum_distance():
    losses_db = loss_db(MacroPathLoss(carrier_hz=2e9, minimum_distance_m=50.0), [0.0, 20.0, 50.0, 51.0])
    assert losses_db[0] == losses_db[1] == losses_db[2] < losses_db[3]


def test_free_space_takes_what_friis_says():
    """92.45 + 20 log10(f / GHz) + 20 log10(d / km), by the distance between the antennas, the other end being 3-4-5."""
    model = FreeSpace(carrier_hz=5e9)
    assert loss_db(model, [1000.0], base_height_m=1.5) == pytest.approx(92.45 + 20 * math.log10(5), abs=PRINTED_DB)
    slanted_db = loss_db(model, [400.0], base_height_m=301.5)
    assert slanted_db == pytest.approx(loss_db(model, [500.0], base_height_m=1.5), abs=ROUNDING_DB)


def test_log_distance_with_exponent_two_is_free_space():
    friis_db = loss_db(FreeSpace(carrier_hz=CARRIER_HZ), DISTANCES_M)
    np.testing.assert_allclose(loss_db(LogDistance(carrier_hz=CARRIER_HZ, exponent=2.0), DISTANCES_M), friis_db)


def test_log_distance_rises_from_its_reference_by_its_exponent():
    model = LogDistance(carrier_hz=CARRIER_HZ, exponent=3.7, reference_distance_m=10.0, reference_loss_db=60.0)
    losses_db = loss_db(model, [0.0, 10.0, 100.0, 1000.0], base_height_m=1.5)
    np.testing.assert_allclose(losses_db, [60.0, 60.0, 97.0, 134.0], atol=ROUNDING_DB)


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (MacroPathLoss, "minimum_distance_m"),
        (FreeSpace, "minimum_distance_m"),
        (LogDistance, "exponent"),
        (LogDistance, "reference_distance_m"),
    ],
)
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_an_impossible_option_is_an_error(model, field, value):
    with pytest.raises(ValueError, match=f"{field} must be positive"):
        model(carrier_hz=2e9, **{field: value})


@pytest.mark.parametrize("name", registry.FAMILIES["pathloss"])
class TestEveryPathLoss:
    def links(self, model, distances_m=DISTANCES_M):
        return geometry(distances_m, base_height_m=model.environment.base_height_m)

    @pytest.mark.parametrize("in_sight", [True, False])
    def test_is_finite_and_never_falls_with_distance(self, name, in_sight):
        model = registry.find("pathloss", name)(carrier_hz=CARRIER_HZ)
        losses_db = model.loss_db(self.links(model), np.full(len(DISTANCES_M), in_sight))
        assert np.isfinite(losses_db).all()
        assert (np.diff(losses_db) >= 0).all()

    def test_takes_each_link_alone_whatever_the_shape(self, name):
        model, square = registry.find("pathloss", name)(carrier_hz=CARRIER_HZ), DISTANCES_M[1:].reshape(2, 3)
        sight = np.array([[True, False, True], [False, True, False]])
        whole = model.loss_db(self.links(model, square), sight)
        assert whole.shape == square.shape
        assert (whole.ravel() == model.loss_db(self.links(model, square.ravel()), sight.ravel())).all()

    def test_takes_no_less_where_the_antennas_do_not_see_each_other(self, name):
        model = registry.find("pathloss", name)(carrier_hz=CARRIER_HZ)
        links, everybody = self.links(model), np.ones(len(DISTANCES_M), dtype=bool)
        assert (model.loss_db(links, ~everybody) >= model.loss_db(links, everybody)).all()

    def test_sees_with_a_probability_and_less_from_afar(self, name):
        model = registry.find("pathloss", name)(carrier_hz=CARRIER_HZ)
        probability = model.sight_probability(self.links(model))
        assert probability.shape == DISTANCES_M.shape
        assert ((probability >= 0) & (probability <= 1)).all()
        assert (np.diff(probability) <= 0).all()

    def test_has_a_deviation_for_every_link(self, name):
        model = registry.find("pathloss", name)(carrier_hz=CARRIER_HZ)
        for sight in (True, False):
            sigma_db = model.sigma_db(self.links(model), np.full(len(DISTANCES_M), sight))
            assert sigma_db.shape == DISTANCES_M.shape
            assert (sigma_db >= 0).all()

    @pytest.mark.parametrize("carrier_hz", [0.0, -1.0, float("nan")])
    def test_rejects_a_carrier_that_is_none(self, name, carrier_hz):
        with pytest.raises(ValueError, match="carrier_hz must"):
            registry.find("pathloss", name)(carrier_hz=carrier_hz)
