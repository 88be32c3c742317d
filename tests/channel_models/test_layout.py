import numpy as np
import pytest

from channel_models.geometry import distance_m
from channel_models.layout import Hexagonal, Line, Places, Separate


def distances_m(sites_m):
    return distance_m(sites_m[:, None], sites_m[None, :])


def test_separate_sites_have_no_common_plane():
    assert Separate().sites_m(4) is None


def test_sites_along_a_line_are_as_far_apart_as_said():
    assert Line(site_distance_m=400.0).sites_m(3).tolist() == [[0.0, 0.0], [400.0, 0.0], [800.0, 0.0]]


def test_hexagonal_rings_have_six_twelve_and_eighteen_sites_about_the_first():
    """The hexagonal lattice: from the centre 6 sites at distance 1, 6 at sqrt(3), 6 at 2, 12 at sqrt(7), 6 at 3."""
    sites_m = Hexagonal(site_distance_m=500.0).sites_m(37)
    found, counts = np.unique(np.round(distances_m(sites_m)[0] / 500.0, 6), return_counts=True)
    np.testing.assert_allclose(found**2, [0, 1, 3, 4, 7, 9], rtol=1e-5)
    assert counts.tolist() == [1, 6, 6, 6, 12, 6]


def test_no_two_sites_of_a_hexagonal_grid_are_nearer_than_neighbours():
    apart_m = distances_m(Hexagonal(site_distance_m=500.0).sites_m(37)) + 1e9 * np.eye(37)
    np.testing.assert_allclose(apart_m.min(axis=1), 500.0)


@pytest.mark.parametrize("layout", [Line(site_distance_m=9.0), Hexagonal(site_distance_m=9.0)])
@pytest.mark.parametrize("count", [1, 6, 7, 8, 19, 20])
def test_a_further_site_leaves_the_others_where_they_are(layout, count):
    sites_m = layout.sites_m(count)
    assert sites_m.shape == (count, 2)
    assert (layout.sites_m(count + 1)[:-1] == sites_m).all()


def test_given_places_are_taken_as_they_are_if_there_are_as_many_as_sites():
    layout = Places(places_m=((0.0, 5.0), (-3.0, 1.0)))
    assert layout.sites_m(2).tolist() == [[0.0, 5.0], [-3.0, 1.0]]
    with pytest.raises(ValueError, match=r"places has 2 sites for 3 edge servers \(edges.count\)"):
        layout.sites_m(3)


def test_impossible_layouts_are_errors():
    for layout in (Line, Hexagonal):
        with pytest.raises(ValueError, match="site_distance must be positive, got 0 m"):
            layout(site_distance_m=0.0)
    with pytest.raises(ValueError, match="places must be pairs, x and y"):
        Places(places_m=((1.0, 2.0, 3.0),))
