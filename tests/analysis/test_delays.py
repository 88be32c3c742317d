from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.delays import EVERYBODY, HAPPENINGS, KINDS, NOBODY, mean_delay_s
from analysis.result import Result

EXACT = 1e-12  # sums of a few dozen doubles


def per_user_s(events: pd.DataFrame, user: int, kind: str) -> float:
    """One user's delay of one kind, counted event by event."""
    return sum(
        event.end_s - event.start_s
        for event in events.itertuples()
        if event.kind == kind and event.user in (user, EVERYBODY)
    )


def test_delay_is_the_mean_over_users_and_common_events_count_for_everybody(make_run: Callable[..., Path]) -> None:
    events = Result(make_run("splitfed")).events
    delay_s = mean_delay_s(events)
    for kind in KINDS:
        expected = (per_user_s(events, 0, kind) + per_user_s(events, 1, kind)) / 2
        assert delay_s[kind] == pytest.approx(expected, rel=EXACT)


def test_delay_from_events_agrees_with_the_summary_and_fills_the_simulated_time(make_run: Callable[..., Path]) -> None:
    run = Result(make_run("splitfed", slowness=3.0))
    delay_s = mean_delay_s(run.events)
    assert delay_s.to_dict() == pytest.approx(run.summary["delay_s"], rel=EXACT)
    assert delay_s.sum() == pytest.approx(run.summary["sim_time_s"], rel=EXACT)


def test_kinds_come_in_a_fixed_order_and_absent_ones_are_zero(make_run: Callable[..., Path]) -> None:
    events = Result(make_run("splitfed")).events
    delay_s = mean_delay_s(events[events["kind"] == "uplink"])
    assert tuple(delay_s.index) == KINDS
    assert delay_s.drop("uplink").eq(0).all()


def test_events_common_to_all_need_no_user_of_their_own() -> None:
    events = pd.DataFrame({"start_s": [1.0], "end_s": [3.0], "kind": ["cloud_compute"], "user": [EVERYBODY]})
    assert mean_delay_s(events)["cloud_compute"] == 2.0


def test_events_beside_the_users_path_delay_nobody_and_are_no_user(make_run: Callable[..., Path]) -> None:
    events = Result(make_run("splitfed")).events
    beside = events["user"] == NOBODY
    assert beside.any()
    pd.testing.assert_series_equal(mean_delay_s(events), mean_delay_s(events[~beside]))
    assert mean_delay_s(events[beside]).eq(0).all()


def test_what_befell_users_delays_nobody(make_run: Callable[..., Path]) -> None:
    events = Result(make_run("splitfed")).events
    happened = events.iloc[: len(HAPPENINGS)].assign(kind=HAPPENINGS, user=NOBODY)
    pd.testing.assert_series_equal(mean_delay_s(pd.concat([events, happened])), mean_delay_s(events))


def test_an_unknown_kind_is_refused(make_run: Callable[..., Path]) -> None:
    events = Result(make_run("splitfed")).events.replace({"kind": {"uplink": "sidelink"}})
    with pytest.raises(ValueError, match="unknown kind 'sidelink'"):
        mean_delay_s(events)
