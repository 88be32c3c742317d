from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cosim.coverage import Coverage
from cosim.scenario import Scenario

STREET = {"layout": {"name": "line", "site_distance": "400 m"}, "pathloss": "free_space", "shadowing": "0 dB"}
WALK = {"name": "random_waypoint", "least_speed": "10 m/s", "greatest_speed": "20 m/s"}
START_NS = np.zeros(1, dtype=np.int64)


def coverage(users: int = 30, edges: int = 3, **radio: Any) -> Coverage:
    tree = {"name": "covered", "scheme": {"name": "federated"}, "users": {"count": users}, "edges": {"count": edges}}
    return Coverage(Scenario.model_validate({**tree, "radio": radio}))


def test_alone_in_free_space_the_strongest_edge_server_is_the_nearest() -> None:
    found = coverage(**STREET)
    places_m = found.mobility.places_m(found.users, START_NS)[:, 0]
    assert found.sites_m is not None
    apart_m = np.linalg.norm(places_m[:, None] - found.sites_m, axis=-1)
    assert (found.nearest == apart_m.argmin(axis=1)).all()
    assert set(found.nearest.tolist()) == {0, 1, 2}


def test_of_equally_strong_edge_servers_a_user_takes_the_first() -> None:
    together = {"name": "places", "places": [["5 m", "0 m"], ["0 m", "0 m"], ["0 m", "0 m"]]}
    found = coverage(**{**STREET, "layout": together})
    assert (found.start_gain[1] == found.start_gain[2]).all()
    assert set(found.nearest.tolist()) == {0, 1}


def test_users_of_separate_cells_belong_to_them_in_turn_and_have_no_other_links() -> None:
    found = coverage()
    assert found.nearest.tolist() == [user % 3 for user in range(30)]
    assert (found.start_gain == found.start_gain[0]).all()
    up = found.links("uplink")
    assert up[0] is up[1] is up[2]


def test_in_one_plane_every_edge_server_has_links_of_its_own_to_every_user() -> None:
    found = coverage(**STREET)
    for direction in ("uplink", "downlink"):
        links = found.links(direction)  # type: ignore[arg-type]
        assert [len(each.mean_gain) for each in links] == [30] * 3
        gains = [each.fading.power_gain(found.users, 0, 50).ravel() for each in links]
        assert abs(np.corrcoef(gains[0], gains[1])[0, 1]) < 4.9 / np.sqrt(1500)  # a false alarm in a million


def test_the_links_of_those_who_move_follow_them_to_each_edge_server() -> None:
    found = coverage(**STREET, mobility=WALK, fading="none", coherence_time="1 ms")
    assert found.sites_m is not None
    for edge, links in enumerate(found.links("uplink")):
        drift = links.fading.power_gain(found.users, 60_000, 1)[:, 0]
        then = found.mobility.places_m(found.users, np.array([0, 60_000_500_000]))
        squares = np.square(then - found.sites_m[edge]).sum(axis=-1) + 8.5**2  # heights 10 m and 1.5 m
        np.testing.assert_allclose(drift, squares[:, 0] / squares[:, 1], rtol=0.03)  # straight lines over a metre


@pytest.mark.parametrize("radio", [STREET, {**STREET, "mobility": WALK, "shadowing": "8 dB", "pathloss": "uma"}])
def test_another_user_changes_no_gain_of_the_others(radio: dict[str, Any]) -> None:
    whole, fewer = coverage(**radio), coverage(users=29, **radio)
    assert (whole.start_gain[:, :29] == fewer.start_gain).all()
    fading = [found.links("uplink")[2].fading.power_gain(np.arange(29), 500, 40) for found in (whole, fewer)]
    assert (fading[0] == fading[1]).all()


def test_another_edge_server_changes_no_gain_to_the_others_of_those_who_stand_where_they_did(tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    file.write_text("time_s,user,x_m,y_m\n" + "".join(f"0,{user},{100 * user},50\n" for user in range(5)))
    recorded = {"name": "recorded", "path": str(file)}
    three, four = (coverage(5, edges, **{**STREET, "shadowing": "8 dB", "mobility": recorded}) for edges in (3, 4))
    assert (three.start_gain == four.start_gain[:3]).all()
    assert len(np.unique(four.start_gain)) == 20


def test_a_large_world_is_covered_quickly_enough_to_be_built_whole() -> None:
    found = coverage(users=10_000, edges=20, layout={"name": "hexagonal", "site_distance": "500 m"})
    assert found.start_gain.shape == (20, 10_000)
    assert len(np.unique(found.nearest)) == 20
