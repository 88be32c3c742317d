"""Path loss and line of sight of TR 38.901 against published numbers, and its ranges."""

import math

import numpy as np
import pytest

from channel_models.geometry import Geometry
from channel_models.indoor import IndoorFactory, IndoorOffice
from channel_models.outdoor import RuralMacro, UrbanMacro, UrbanMicro

SPEED_OF_LIGHT_DB = 0.01  # the report rounds the speed of light to 3e8 m/s: 20 log10 of it moves by 0.006 dB
PRINTED = 5.1e-5  # probabilities are given with four decimals
CARRIER_HZ = 3.5e9
ROUNDING_DB = 1e-9

# Test vectors of ns-3 (three-gpp-propagation-loss-model-test-suite.cc) at 5 GHz: distance, in sight, hidden
NS3_5_GHZ = [
    (RuralMacro, 35.0, 10.0, 77.3784, 77.3784),
    (RuralMacro, 35.0, 100.0, 87.2965, 95.7718),
    (RuralMacro, 35.0, 1000.0, 108.5577, 133.5223),
    (RuralMacro, 35.0, 5000.0, None, 160.5169),
    (RuralMacro, 35.0, 10_000.0, 140.3896, None),
    (UrbanMacro, 25.0, 10.0, 72.9380, 82.5131),
    (UrbanMacro, 25.0, 100.0, 86.2362, 106.1356),
    (UrbanMacro, 25.0, 1000.0, 109.7252, 144.7641),
    (UrbanMacro, 25.0, 5000.0, 137.6794, 172.0753),
    (UrbanMicro, 10.0, 10.0, 69.8591, 76.7563),
    (UrbanMicro, 10.0, 100.0, 88.4122, 107.9432),
    (UrbanMicro, 10.0, 1000.0, 119.3114, 143.1886),
    (UrbanMicro, 10.0, 5000.0, 147.2696, 167.8617),
    (IndoorOffice, 3.0, 1.0, 50.8072, 50.8072),
    (IndoorOffice, 3.0, 10.0, 63.7630, 73.1894),
    (IndoorOffice, 3.0, 50.0, 75.7750, 99.7824),
    (IndoorOffice, 3.0, 100.0, 80.9802, 111.3062),
]
# Worked out by hand at 3.5 GHz, to two decimals
AT_3_5_GHZ = [
    (UrbanMacro, 25.0, 35.0, 74.63, 87.92),
    (UrbanMacro, 25.0, 100.0, 83.14, 103.04),
    (UrbanMacro, 25.0, 250.0, 91.68, 118.21),
    (UrbanMacro, 25.0, 500.0, 98.27, 129.92),
    (UrbanMicro, 10.0, 35.0, 75.97, 88.93),
    (UrbanMicro, 10.0, 100.0, 85.31, 104.64),
    (UrbanMicro, 10.0, 250.0, 95.07, 118.64),
    (UrbanMicro, 10.0, 500.0, 107.11, 129.26),
]


def links(distance_m, base_height_m, user_height_m=1.5, chance=0.0):
    distances_m = np.atleast_1d(np.asarray(distance_m, dtype=float))
    return Geometry(distance_2d_m=distances_m, base_height_m=base_height_m, user_height_m=user_height_m, chance=chance)


def loss_db(model, geometry, in_sight):
    return model.loss_db(geometry, np.full(geometry.distance_2d_m.shape, in_sight))


@pytest.mark.parametrize(
    ("scenario", "carrier_hz", "base_height_m", "distance_m", "seen_db", "hidden_db"),
    [(scenario, 5e9, *rest) for scenario, *rest in NS3_5_GHZ]
    + [(scenario, CARRIER_HZ, *rest) for scenario, *rest in AT_3_5_GHZ],
)
def test_losses_are_the_published_ones(scenario, carrier_hz, base_height_m, distance_m, seen_db, hidden_db):
    model, link = scenario(carrier_hz=carrier_hz), links(distance_m, base_height_m)
    for in_sight, expected_db in ((True, seen_db), (False, hidden_db)):
        if expected_db is not None:
            assert loss_db(model, link, in_sight)[0] == pytest.approx(expected_db, abs=SPEED_OF_LIGHT_DB)


@pytest.mark.parametrize(
    ("kind", "hidden_db"), [("sl", 77.614), ("dl", 77.614), ("sh", 73.707), ("dh", 73.481), ("hh", 70.618)]
)
def test_losses_in_a_factory_are_those_worked_out_by_hand(kind, hidden_db):
    model, link = IndoorFactory(carrier_hz=CARRIER_HZ, kind=kind), links(20.0, 8.0)
    assert loss_db(model, link, True)[0] == pytest.approx(70.618, abs=SPEED_OF_LIGHT_DB)
    assert loss_db(model, link, False)[0] == pytest.approx(hidden_db, abs=SPEED_OF_LIGHT_DB)


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [(UrbanMacro, [1.0, 0.6494, 0.3477, 0.1280]), (UrbanMicro, [1.0, 0.5196, 0.2310, 0.0935])],
)
def test_line_of_sight_in_town_has_the_tabulated_probability(scenario, expected):
    probability = scenario(carrier_hz=CARRIER_HZ).sight_probability(links([18.0, 50.0, 100.0, 200.0], 25.0))
    np.testing.assert_allclose(probability, expected, rtol=0, atol=PRINTED)


def test_line_of_sight_in_the_country_and_in_offices_follows_the_table():
    """Each piece of Table 7.4.2-1, evaluated by hand: RMa; InH mixed and open."""
    rural = RuralMacro(carrier_hz=CARRIER_HZ).sight_probability(links([10.0, 510.0], 35.0))
    np.testing.assert_allclose(rural, [1.0, 0.6065], rtol=0, atol=PRINTED)
    mixed = IndoorOffice(carrier_hz=CARRIER_HZ).sight_probability(links([1.2, 5.9, 39.1], 3.0))
    np.testing.assert_allclose(mixed, [1.0, 0.3679, 0.32 * 0.3679], rtol=0, atol=PRINTED)
    open_plan = IndoorOffice(carrier_hz=CARRIER_HZ, office="open").sight_probability(links([5.0, 40.4, 260.7], 3.0))
    np.testing.assert_allclose(open_plan, [1.0, 0.6065, 0.54 * 0.3679], rtol=0, atol=PRINTED)


@pytest.mark.parametrize(("kind", "expected"), [("sl", 0.8), ("dl", 0.0102), ("sh", 0.9830), ("dh", 0.0419), ("hh", 1)])
def test_line_of_sight_among_clutter_has_the_tabulated_probability(kind, expected):
    model = IndoorFactory(carrier_hz=CARRIER_HZ, kind=kind)
    assert model.sight_probability(links(10.0, 8.0))[0] == pytest.approx(expected, abs=PRINTED)


def test_users_high_above_the_street_see_more():
    """At 23 m and 100 m, C' = 1: the probability grows by 1 + 1.25 exp(-100 / 150)."""
    low, high = (UrbanMacro(carrier_hz=CARRIER_HZ).sight_probability(links(100.0, 25.0, up)) for up in (13.0, 22.5))
    assert low[0] == pytest.approx(0.3477, abs=PRINTED)
    assert high[0] == pytest.approx(low[0] * (1 + 0.95**1.5 * 1.25 * math.exp(-100 / 150)))


def test_a_high_user_has_one_reflecting_height_for_good_drawn_from_the_tables_set():
    """hE is 1 m with probability 1 / (1 + C), else 12, 15, 18 or 21 m alike, for a user at 22.5 m; 2 km away."""
    model, chances = UrbanMacro(carrier_hz=CARRIER_HZ), np.linspace(0, 1, 10_001)[:-1]
    distance_m = 400.0
    clearance = 0.95**1.5 * 1.25 * (distance_m / 100) ** 3 * math.exp(-distance_m / 150)
    losses = loss_db(model, links(np.full(len(chances), distance_m), 25.0, 22.5, chances), True)
    heights, counts = np.unique(losses.round(9), return_counts=True)

    def table_db(height_m):
        break_m = 4 * (25 - height_m) * (22.5 - height_m) * CARRIER_HZ / 299_792_458.0
        distance_3d_m = math.hypot(distance_m, 2.5)
        near_db = 28 + 22 * math.log10(distance_3d_m) + 20 * math.log10(3.5)
        far_db = 28 + 40 * math.log10(distance_3d_m) + 20 * math.log10(3.5) - 9 * math.log10(break_m**2 + 2.5**2)
        return near_db if distance_m <= break_m else far_db

    shares = dict.fromkeys((12, 15, 18, 21), clearance / (1 + clearance) / 4) | {1: 1 / (1 + clearance)}
    expected: dict[float, float] = {}
    for height, share in shares.items():
        loss = round(table_db(height), 9)
        expected[loss] = expected.get(loss, 0.0) + share
    assert heights.tolist() == pytest.approx(sorted(expected), abs=ROUNDING_DB)
    np.testing.assert_allclose(counts / len(chances), [expected[loss] for loss in sorted(expected)], atol=2e-4)


def test_both_lines_meet_at_the_breakpoint():
    """d'BP = 4 (25 - 1)(1.5 - 1) f / c; on either side of it the loss is the same."""
    break_m = 4 * 24.0 * 0.5 * CARRIER_HZ / 299_792_458.0
    before, after = (
        loss_db(UrbanMacro(carrier_hz=CARRIER_HZ), links(break_m * (1 + side), 25.0), True) for side in (-1e-9, 1e-9)
    )
    assert before[0] == pytest.approx(after[0], abs=1e-6)  # a billionth of the distance is 1e-8 dB


def test_rural_shadowing_is_stronger_beyond_the_breakpoint():
    model = RuralMacro(carrier_hz=1e9)
    break_m = 2 * math.pi * 35.0 * 1.5 * 1e9 / 299_792_458.0
    geometry = links([break_m - 1, break_m + 1], 35.0)
    assert model.sigma_db(geometry, np.array([True, True])).tolist() == [4.0, 6.0]
    assert model.sigma_db(geometry, np.array([False, False])).tolist() == [8.0, 8.0]


@pytest.mark.parametrize(
    ("scenario", "carrier_hz"),
    [(UrbanMacro, 0.4e9), (UrbanMicro, 101e9), (RuralMacro, 31e9), (IndoorOffice, 0.1e9), (IndoorFactory, 200e9)],
)
def test_a_carrier_out_of_range_is_an_error(scenario, carrier_hz):
    with pytest.raises(ValueError, match="carrier_hz must lie between"):
        scenario(carrier_hz=carrier_hz)


@pytest.mark.parametrize(
    ("scenario", "base_height_m", "user_height_m", "name"),
    [
        (UrbanMacro, 25.0, 1.4, "user_height_m"),
        (UrbanMicro, 10.0, 23.0, "user_height_m"),
        (RuralMacro, 9.0, 1.5, "base_height_m"),
        (RuralMacro, 151.0, 1.5, "base_height_m"),
        (RuralMacro, 35.0, 11.0, "user_height_m"),
    ],
)
def test_a_height_out_of_range_is_an_error(scenario, base_height_m, user_height_m, name):
    with pytest.raises(ValueError, match=f"{name} must lie between"):
        loss_db(scenario(carrier_hz=CARRIER_HZ), links(100.0, base_height_m, user_height_m), True)


def test_links_nearer_than_the_nearest_have_the_loss_there():
    """10 m along the ground outdoors, 1 m between the antennas indoors."""
    outdoors = loss_db(UrbanMacro(carrier_hz=CARRIER_HZ), links([0.0, 3.0, 10.0], 25.0), False)
    assert outdoors[0] == outdoors[1] == outdoors[2]
    indoors = loss_db(IndoorOffice(carrier_hz=CARRIER_HZ), links([0.0, 0.6, 0.8], 2.1), True)
    assert indoors[0] == pytest.approx(indoors[2], abs=ROUNDING_DB)
    assert indoors[1] == pytest.approx(32.4 + 20 * math.log10(3.5), abs=ROUNDING_DB)


def test_impossible_options_are_errors():
    with pytest.raises(ValueError, match="office must be mixed or open, got 'round'"):
        IndoorOffice(carrier_hz=CARRIER_HZ, office="round")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kind must be one of sl, dl, sh, dh, hh, got 'xl'"):
        IndoorFactory(carrier_hz=CARRIER_HZ, kind="xl")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="clutter_density must lie between 0 and 1"):
        IndoorFactory(carrier_hz=CARRIER_HZ, clutter_density=1.0)
    with pytest.raises(ValueError, match="clutter_height_m must lie between user and antenna"):
        IndoorFactory(carrier_hz=CARRIER_HZ, kind="dh").sight_probability(links(10.0, 5.0))
    with pytest.raises(ValueError, match="street_width_m must lie between 5 and 50"):
        RuralMacro(carrier_hz=CARRIER_HZ, street_width_m=60.0)
