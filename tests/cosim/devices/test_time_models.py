from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cosim.devices import Faster, MeasuredProfile, SteadySpeed, TimeModel, read_profile

ROUNDING = 1e-12  # relative: a few operations on doubles
POINTS = ((4e9, 1.5), (1e9, 0.5), (2e9, 0.7))  # a first job pays for warming up
STEADY = SteadySpeed(flops_per_s=2e9)
PROFILE = MeasuredProfile(points=POINTS)
ONE_POINT = MeasuredProfile(points=((3e9, 1.5),))
KINDS: dict[str, TimeModel] = {
    "steady speed": STEADY,
    "profile": PROFILE,
    "profile of one point": ONE_POINT,
    "faster than a profile": Faster(than=PROFILE, factor=3.0),
    "slower than a speed": Faster(than=STEADY, factor=0.5),
}
ADDITIVE = ("steady speed", "profile of one point", "slower than a speed")
every_kind = pytest.mark.parametrize("model", KINDS.values(), ids=KINDS.keys())
FLOPS = st.floats(min_value=1.0, max_value=1e15)


@every_kind
def test_no_work_takes_no_time(model: TimeModel) -> None:
    assert model.seconds(0) == 0.0


@every_kind
@given(flops=FLOPS, more=st.floats(min_value=1e-3, max_value=1e3))
def test_more_work_takes_more_time(model: TimeModel, flops: float, more: float) -> None:
    assert 0.0 < model.seconds(flops) < model.seconds(flops * (1 + more))


@every_kind
@given(flops=FLOPS, factor=st.floats(min_value=1e-3, max_value=1e3))
def test_twice_as_fast_takes_half_the_time(model: TimeModel, flops: float, factor: float) -> None:
    assert Faster(than=model, factor=2.0).seconds(flops) == model.seconds(flops) / 2
    assert Faster(than=model, factor=factor).seconds(flops) * factor == pytest.approx(
        model.seconds(flops), rel=ROUNDING
    )


@pytest.mark.parametrize("kind", ADDITIVE)
@given(one=FLOPS, other=FLOPS)
def test_where_it_is_promised_two_jobs_take_as_long_as_both_in_one(kind: str, one: float, other: float) -> None:
    seconds = KINDS[kind].seconds
    assert seconds(one) + seconds(other) == pytest.approx(seconds(one + other), rel=ROUNDING)


def test_a_steady_speed_is_operations_over_operations_a_second() -> None:
    assert STEADY.seconds(5_000_000_000) == 2.5


def test_a_profile_says_what_was_measured_exactly() -> None:
    assert [PROFILE.seconds(flops) for flops, _ in POINTS] == [seconds for _, seconds in POINTS]


@given(flops=st.floats(min_value=0, max_value=4e9))
def test_between_its_points_and_the_origin_a_profile_is_linear(flops: float) -> None:
    known_flops, known_seconds = [0, 1e9, 2e9, 4e9], [0, 0.5, 0.7, 1.5]
    by_numpy = float(np.interp(flops, known_flops, known_seconds))
    assert PROFILE.seconds(flops) == pytest.approx(by_numpy, rel=ROUNDING)


def test_beyond_its_last_point_a_profile_goes_on_with_the_last_slope() -> None:
    assert PROFILE.seconds(10e9) == pytest.approx(1.5 + 6e9 * (1.5 - 0.7) / 2e9, rel=ROUNDING)  # 3.9 s
    assert ONE_POINT.seconds(30e9) == pytest.approx(15.0, rel=ROUNDING)


@given(
    steps=st.lists(
        st.tuples(st.floats(min_value=1e3, max_value=1e12), st.floats(min_value=1e-6, max_value=1e3)),
        min_size=1,
        max_size=8,
    ),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter(steps: list[tuple[float, float]], order: object) -> None:
    points = [tuple(point) for point in np.cumsum(steps, axis=0).tolist()]
    shuffled = list(points)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    profile = MeasuredProfile(points=tuple(shuffled))
    assert [profile.seconds(flops) for flops, _ in points] == [seconds for _, seconds in points]


@pytest.mark.parametrize(
    "points",
    [
        ((1e9, 1.0), (2e9, 0.9)),  # less time for more work
        ((1e9, 1.0), (2e9, 1.0)),
        ((1e9, 1.0), (1e9, 2.0)),  # two times for the same work
        ((1e9, 1.0), (1e9, 1.0)),
        ((0.0, 1.0),),
        ((1e9, 0.0),),
    ],
)
def test_seconds_that_do_not_rise_with_the_work_are_refused(points: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ValueError, match=r"^seconds must rise with flops from zero, but .* take"):
        MeasuredProfile(points=points)


def test_a_profile_without_points_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one point"):
        MeasuredProfile(points=())


def test_a_profile_is_read_from_a_file_whatever_else_stands_there(table: Callable[..., str]) -> None:
    file = table("layer,seconds,flops", "lstm,1.5,4e9", "lstm,0.5,1e9", "embedding,0.7,2e9")
    assert read_profile(file) == PROFILE


def test_a_profile_of_a_file_names_what_does_not_rise(table: Callable[..., str]) -> None:
    with pytest.raises(ValueError) as refusal:
        read_profile(table("flops,seconds", "2e9,0.5", "1e9,0.6"))
    problem = "seconds must rise with flops from zero, but 1e+09 FLOPs take 0.6 s and 2e+09 take 0.5 s"
    assert str(refusal.value) == problem
