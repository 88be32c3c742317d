import math
from pathlib import Path

import numpy as np
import pytest

from channel_models.availability import AlwaysOn, MarkovOnOff
from channel_models.randomness import Stream
from channel_models.recorded_availability import RecordedAvailability

SECOND = 1_000_000_000
ON_S, OFF_S = 30.0, 10.0
STREAM = Stream(0, "availability")
MARKOV = MarkovOnOff(stream=STREAM, mean_on_s=ON_S, mean_off_s=OFF_S)
USERS = 10_000
STANDARD_ERRORS = 4.9  # a right process misses with probability 1e-6; the seed is fixed
RECORDING = "user,start_s,end_s\n0,1,2\n1,0,5\n0,3,3.5\n0,3.5,4\n"


def recorded(folder: Path, text: str = RECORDING) -> RecordedAvailability:
    file = folder / "on.csv"
    file.write_text(text)
    return RecordedAvailability(path=str(file))


@pytest.fixture(params=["always", "markov", "recorded"])
def model(request, tmp_path: Path):
    return {"always": AlwaysOn(), "markov": MARKOV, "recorded": recorded(tmp_path)}[request.param]


def test_states_are_a_function_of_who_and_when(model) -> None:
    times_ns = np.arange(0, 400) * SECOND // 3
    whole = model.is_on(np.arange(6), times_ns)
    assert whole.shape == (6, 400)
    later = np.array([391, 5, 77])
    assert (model.is_on(np.array([4, 0]), times_ns[later]) == whole[[4, 0]][:, later]).all()


def test_the_next_change_is_where_the_state_becomes_another_and_not_before(model) -> None:
    for who in range(3):
        time_ns = 0
        for _ in range(20):
            change_ns = model.next_change_ns(who, time_ns)
            if change_ns is None:
                assert len(set(model.is_on(np.array([who]), time_ns + np.arange(100) * SECOND)[0])) == 1
                break
            between = np.linspace(time_ns, change_ns - 1, 50).astype(np.int64)
            before = model.is_on(np.array([who]), between)[0]
            after = model.is_on(np.array([who]), np.array([change_ns]))[0, 0]
            assert (before == before[0]).all()
            assert after != before[0]
            time_ns = change_ns


def test_users_are_on_for_their_share_of_the_time_from_the_start() -> None:
    share = ON_S / (ON_S + OFF_S)
    on = MARKOV.is_on(np.arange(USERS), np.array([0, 3]) * SECOND)
    bound = STANDARD_ERRORS * math.sqrt(share * (1 - share) / USERS)
    assert (np.abs(on.mean(axis=0) - share) < bound).all()


@pytest.mark.parametrize("lag_s", [1.0, 5.0, 20.0, 100.0])
def test_states_forget_exponentially(lag_s: float) -> None:
    """P(on at t + lag | on at t) = share + (1 - share) exp(-(1 / on + 1 / off) lag), of 10,000 users."""
    share = ON_S / (ON_S + OFF_S)
    start, later = MARKOV.is_on(np.arange(USERS), np.array([50 * SECOND, 50 * SECOND + int(lag_s * SECOND)])).T
    expected = share + (1 - share) * math.exp(-(1 / ON_S + 1 / OFF_S) * lag_s)
    bound = STANDARD_ERRORS * math.sqrt(0.25 / start.sum())
    assert abs(later[start].mean() - expected) < bound


def test_times_on_and_off_are_exponential_with_their_means() -> None:
    """150 users over ten changes each: the means, and by Kolmogorov and Smirnov the distributions."""
    spells: dict[bool, list[float]] = {True: [], False: []}
    for user in range(150):
        time_ns = MARKOV.next_change_ns(user, 0) or 0
        on = bool(MARKOV.is_on(np.array([user]), np.array([time_ns]))[0, 0])
        for _ in range(10):
            change_ns = MARKOV.next_change_ns(user, time_ns) or 0
            spells[on].append((change_ns - time_ns) / SECOND)
            time_ns, on = change_ns, not on
    for state, mean_s in ((True, ON_S), (False, OFF_S)):
        lengths = np.sort(spells[state])
        assert abs(lengths.mean() - mean_s) < STANDARD_ERRORS * mean_s / math.sqrt(len(lengths))
        steps, cdf = np.arange(len(lengths) + 1) / len(lengths), -np.expm1(-lengths / mean_s)
        bound = math.sqrt(-math.log(1e-6 / 2) / 2 / len(lengths))
        assert max((steps[1:] - cdf).max(), (cdf - steps[:-1]).max()) < bound


def test_recorded_users_are_on_in_their_times_and_nobody_else_is(tmp_path: Path) -> None:
    times_ns = (np.array([0.0, 1.0, 1.999, 2.0, 3.5, 4.0]) * SECOND).astype(np.int64)
    on = recorded(tmp_path).is_on(np.array([0, 1, 7]), times_ns)
    assert on.astype(int).tolist() == [[0, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]]
    assert recorded(tmp_path).next_change_ns(0, 3 * SECOND) == 4 * SECOND
    assert recorded(tmp_path).next_change_ns(7, 0) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("user,start_s\n", "no column 'end_s', only user, start_s"),
        ("user,start_s,end_s\n0,2,1\n", "line 2: the times of user 0 must rise"),
        ("user,start_s,end_s\n0,1,3\n0,2,4\n", "line 3: the times of user 0 must rise"),
        ("user,start_s,end_s\n0,-1,3\n", "line 2: start_s = '-1' is not a time from 0 on"),
    ],
)
def test_a_recording_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        recorded(tmp_path, text)


def test_impossible_processes_and_times_are_errors() -> None:
    with pytest.raises(ValueError, match="mean_off_s must be positive and at most 1e8, got 0"):
        MarkovOnOff(stream=STREAM, mean_on_s=1.0, mean_off_s=0.0)
    with pytest.raises(ValueError, match="times_ns must not be negative, got -1"):
        MARKOV.is_on(np.arange(2), np.array([5, -1]))
