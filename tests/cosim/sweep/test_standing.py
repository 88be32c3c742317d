"""What is to be run, and by which part of a sweep."""

from pathlib import Path

from cosim.sweep.standing import Part, standing
from cosim.sweep.worker import run_point
from tests.cosim.sweep.conftest import planned


def test_parts_have_all_points_and_none_twice_and_what_trains_the_same_together(small: Path) -> None:
    points = planned(small, small.parent, "radio.bandwidth=1:4 MHz", seeds="0:5")
    parts = [standing(points, small.parent, Part(number, 3)) for number in (1, 2, 3)]
    seeds = [[{point.scenario.seed for point in family} for family in part.missing] for part in parts]
    assert seeds == [[{0}, {3}], [{1}, {4}], [{2}]]
    assert [part.to_run for part in parts] == [part.wanted for part in parts] == [6, 6, 3]


def test_what_is_there_is_not_run_and_leaves_the_parts_as_they_were(small: Path) -> None:
    points = planned(small, small.parent, "radio.bandwidth=1:5 MHz", overrides=("execution=analytic",))
    run_point(points[1].scenario, points[1].folder)
    first, second = (standing(points, small.parent, Part(number, 2)) for number in (1, 2))
    assert [family[0].name for family in first.missing] == [points[0].name, points[2].name]
    assert [family[0].name for family in second.missing] == [points[3].name]
    assert (second.there_before, second.to_run, second.wanted) == (1, 1, 2)
    assert list(first.kept) == [points[1].name]
