import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from channel_models.handover import HandoverRule, HandoverWatch

RULE = HandoverRule(hysteresis_db=3.0, time_to_trigger_s=0.16, interval_s=0.04)


def decided(signal_db, rule=RULE, serving=None, pieces=1):
    """All handovers by signals (sites, users, checks), given in so many pieces."""
    sites, users, checks = signal_db.shape
    watch = HandoverWatch(rule, np.zeros(users, dtype=np.int64) if serving is None else serving, sites)
    found, begin = [], 0
    for piece in np.array_split(signal_db, pieces, axis=2):
        found += [(begin + h.check, h.user, h.origin, h.target) for h in watch.decide(piece)]
        begin += piece.shape[2]
    assert begin == checks
    return found


@pytest.mark.parametrize("exponent", [2.0, 3.76])
@pytest.mark.parametrize("speed_mps", [5.0, 30.0])
@pytest.mark.parametrize("hysteresis_db", [0.5, 3.0, 6.0])
def test_on_a_straight_way_between_two_sites_it_comes_when_path_loss_says(exponent, speed_mps, hysteresis_db):
    """Sites at 0 and D: the far one is stronger by H where x / (D - x) = 10^(H / 10 n); then the time to trigger."""
    distance_m, interval_s = 400.0, 0.04
    rule = HandoverRule(hysteresis_db=hysteresis_db, time_to_trigger_s=0.16, interval_s=interval_s)
    place_m = 1.0 + speed_mps * interval_s * np.arange(int(398.0 / speed_mps / interval_s))
    level_db = -10 * exponent * np.log10(np.stack([place_m, distance_m - place_m]))
    ratio = 10 ** (hysteresis_db / 10 / exponent)
    crossing_s = (distance_m * ratio / (1 + ratio) - 1.0) / speed_mps
    first = math.ceil(crossing_s / interval_s)
    assert decided(level_db[:, None], rule) == [(first + 4, 0, 0, 1)]


def test_within_the_hysteresis_nobody_goes_to_and_fro():
    signal_db = np.zeros((2, 1, 500))
    signal_db[1, 0] = 3.0 * np.cos(np.arange(500) / 7)  # up to the hysteresis, and never above
    assert decided(signal_db) == []


def test_a_stronger_site_must_stay_so_for_the_time_to_trigger():
    signal_db = np.zeros((2, 2, 30))
    signal_db[1, 0, 5:9] = signal_db[1, 0, 10:14] = 9.0  # four checks on end are 120 ms
    signal_db[1, 1, 5:10] = 9.0  # five are 160 ms
    assert decided(signal_db) == [(9, 1, 0, 1)]  # level again, it stays


def test_the_strongest_of_several_is_taken_and_of_equals_the_first():
    signal_db = np.zeros((4, 2, 10))
    signal_db[1:, 0, :] = np.array([5.0, 7.0, 6.0])[:, None]
    signal_db[1:, 1, :] = np.array([4.0, 8.0, 8.0])[:, None]
    assert decided(signal_db) == [(4, 0, 0, 2), (4, 1, 0, 2)]


def test_after_a_handover_the_time_to_trigger_begins_anew():
    """Site 1 is stronger from check 0 on and taken at 4; site 2 from 2 on, but counts from 5 on against site 1."""
    signal_db = np.zeros((3, 1, 20))
    signal_db[1] = 5.0
    signal_db[2, 0, 2:] = 20.0
    assert decided(signal_db) == [(4, 0, 0, 1), (9, 0, 1, 2)]


def test_without_a_time_to_trigger_the_first_check_decides():
    rule = HandoverRule(hysteresis_db=3.0, time_to_trigger_s=0.0, interval_s=0.04)
    signal_db = np.zeros((2, 1, 9))
    signal_db[1, 0, 6:] = 3.1
    assert decided(signal_db, rule) == [(6, 0, 0, 1)]


@pytest.mark.parametrize(("time_s", "checks"), [(0.16, 4), (0.12, 3), (0.13, 4), (0.0, 0)])
def test_checks_reach_over_the_time_to_trigger(time_s, checks):
    assert HandoverRule(time_to_trigger_s=time_s, interval_s=0.04).further_checks == checks


def by_definition(signal_db, rule, user):
    """One user's handovers, check by check, each looking back over the whole time to trigger."""
    found, serving, since = [], 0, 0
    for check in range(signal_db.shape[2]):
        span = slice(check - rule.further_checks, check + 1)
        if check - rule.further_checks < since:
            continue
        level_db = signal_db[:, user, span]
        stronger = (level_db > level_db[serving] + rule.hysteresis_db).all(axis=1)
        if stronger.any():
            target = int(np.where(stronger, level_db[:, -1], -np.inf).argmax())
            found.append((check, user, serving, target))
            serving, since = target, check + 1
    return found


SIGNALS = arrays(
    np.float64, st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 40)), elements=st.floats(0, 9)
)


@settings(max_examples=60)
@given(signal_db=SIGNALS, pieces=st.integers(1, 5), time_s=st.sampled_from([0.0, 0.04, 0.08]))
def test_any_signals_are_decided_by_the_definition_however_they_are_cut(signal_db, pieces, time_s):
    rule = HandoverRule(hysteresis_db=2.0, time_to_trigger_s=time_s, interval_s=0.04)
    expected = sorted(
        handover for user in range(signal_db.shape[1]) for handover in by_definition(signal_db, rule, user)
    )
    assert decided(signal_db, rule, pieces=pieces) == expected


@given(signal_db=SIGNALS)
def test_another_user_changes_nothing_for_the_others(signal_db):
    rule = HandoverRule(hysteresis_db=1.0, time_to_trigger_s=0.04, interval_s=0.04)
    alone = decided(signal_db[:, :1], rule)
    assert [handover for handover in decided(signal_db, rule) if handover[1] == 0] == alone


def test_impossible_rules_are_errors():
    with pytest.raises(ValueError, match="hysteresis_db must be finite and not negative, got -1"):
        HandoverRule(hysteresis_db=-1.0)
    with pytest.raises(ValueError, match="time_to_trigger_s must be finite and not negative, got nan"):
        HandoverRule(time_to_trigger_s=math.nan)
    with pytest.raises(ValueError, match="interval_s must be positive, got 0"):
        HandoverRule(interval_s=0.0)
