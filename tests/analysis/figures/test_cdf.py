from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.delays import EVERYBODY, KINDS
from analysis.figures.cdf import WAITS_FOR_OTHERS, round_delays, user_delays
from analysis.figures.drawing import draw
from analysis.figures.kinds import Cdf
from analysis.load import Results, load
from analysis.result import Result

EXACT = 1e-12  # sums of a few dozen doubles


def own_time_s(result: Result, number: int, user: int) -> float:
    """What a round took a user outside waiting for others, counted event by event."""
    total = 0.0
    for event in result.events.itertuples():
        if event.round == number and event.user in (user, EVERYBODY) and event.kind in KINDS:
            if event.kind == "waiting" and event.reason in ("the other users", "its turn"):
                continue
            total += event.end_s - event.start_s
    return total


def share_of(delays: list[float], delay: float) -> float:
    return sum(other <= delay for other in delays) / len(delays)


@pytest.fixture
def results(make_run: Callable[..., Path]) -> Results:
    """Two seeds of one scheme, and another scheme; in the second round user 1 waits for user 0 rather than works."""
    runs = load(make_run("a0", label="a"), make_run("a1", label="a", seed=1, slowness=3.0), make_run("b", slowness=2.0))
    for run in runs:
        events = run.events.copy()
        waits = (events["round"] == 2) & (events["node"] == "user1")
        events.loc[waits, ["act", "kind", "reason"]] = ["waiting", "waiting", "the other users"]
        events.to_parquet(run.path / "events.parquet")
    return load(*(run.path for run in runs))


def test_the_delay_of_a_round_is_its_duration(results: Results) -> None:
    data = round_delays(results)
    assert data[["label", "seed", "round", "delay_s", "share"]].to_numpy().tolist() == [
        ["a", 0, 1, 9.0, 0.5],
        ["a", 0, 2, 9.0, 0.5],
        ["a", 1, 1, 27.0, 1.0],
        ["a", 1, 2, 27.0, 1.0],
        ["b", 0, 1, 18.0, 1.0],
        ["b", 0, 2, 18.0, 1.0],
    ]


def test_the_delay_of_a_user_is_its_time_in_a_round_but_for_waiting_for_others(results: Results) -> None:
    data = user_delays(results)
    assert len(data) == 3 * 2 * 2
    by_run = {(result.label, result.seed): result for result in results}
    for row in data.itertuples():
        assert row.delay_s == pytest.approx(own_time_s(by_run[row.label, row.seed], row.round, row.user), rel=EXACT)
    assert data["delay_s"].iloc[:4].tolist() == [9.0, 9.0, 9.0, 5.0]  # user 1 waits four of its nine seconds


def test_shares_are_of_all_rounds_and_users_and_seeds_of_a_scheme(results: Results) -> None:
    for data in (round_delays(results), user_delays(results)):
        for row in data.itertuples():
            delays = data.loc[data["label"] == row.label, "delay_s"].tolist()
            assert row.share == pytest.approx(share_of(delays, row.delay_s), rel=EXACT)


def test_who_did_nothing_in_a_round_has_what_all_had(results: Results) -> None:
    run = results[0]
    run.events[~((run.events["round"] == 2) & (run.events["user"] == 1))].to_parquet(run.path / "events.parquet")
    data = user_delays(load(run.path)).set_index(["round", "user"])["delay_s"]
    assert data[2, 1] == 2.0
    assert len(data) == 4


def test_a_run_in_which_no_user_acts_has_one_delay_a_round(results: Results) -> None:
    run = results[0]
    run.events[run.events["user"] < 0].to_parquet(run.path / "events.parquet")
    data = user_delays(load(run.path))
    assert data[["round", "user", "delay_s"]].to_numpy().tolist() == [[1, EVERYBODY, 2.0], [2, EVERYBODY, 2.0]]


def test_a_run_that_has_just_begun_is_refused(results: Results) -> None:
    run = results[0]
    run.rounds.iloc[:1].to_parquet(run.path / "rounds.parquet")
    run.events.iloc[:0].to_parquet(run.path / "events.parquet")
    for made in (round_delays, user_delays):
        with pytest.raises(ValueError, match="no round has ended yet"):
            made(load(run.path))


def test_the_lines_rise_to_the_shares_at_the_delays(results: Results) -> None:
    figure = draw(results, Cdf()).figure
    rounds, users = figure.axes
    line = rounds.get_lines()[0]
    assert line.get_drawstyle() == "steps-post"
    assert np.asarray(line.get_xdata()).tolist() == [9, 9, 9, 27, 27]
    assert np.asarray(line.get_ydata()).tolist() == [0, 0.5, 0.5, 1, 1]
    assert [axes.get_title(loc="left") for axes in (rounds, users)] == [
        "Duration of a round",
        "A user's own time in a round",
    ]


@pytest.mark.parametrize("of", ["round", "user"])
def test_one_of_both_is_a_panel_and_the_numbers_say_which(results: Results, of: str) -> None:
    drawn = draw(results, Cdf(of=of))
    assert len(drawn.figure.axes) == 1
    assert set(drawn.data["of"]) == {of}


def test_waits_for_others_have_the_words_that_schemes_use() -> None:
    source = (Path(__file__).parents[3] / "cosim" / "schemes" / "telling.py").read_text(encoding="utf-8")
    assert all(f'"{reason}"' in source for reason in WAITS_FOR_OTHERS)
    assert pd.Series(WAITS_FOR_OTHERS).is_unique
