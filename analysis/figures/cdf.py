"""How delays are distributed: the share of rounds, or of users' rounds, that took no longer than so long."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.delays import EVERYBODY, felt
from analysis.figures.canvas import Drawn, legend_columns
from analysis.figures.kinds import Cdf
from analysis.figures.style import series_style
from analysis.load import Results
from analysis.result import Result
from analysis.units import TIME, unit_for

WAITS_FOR_OTHERS = ("the other users", "its turn")
"""Reasons of waiting that no faster device or link of the waiting user would shorten."""

LOG_RATIO = 30.0
"""Delays further apart than this share a logarithmic axis."""

TITLES = {"round": "Duration of a round", "user": "A user's own time in a round"}
MARKERS_PER_LINE = 5


def drawn(results: Results, wish: Cdf) -> Drawn:
    """A panel for rounds, one for users, or both."""
    wanted = [wish.of] if wish.of else list(TITLES)
    data = pd.concat([_MADE[of](results).assign(of=of) for of in wanted], ignore_index=True)
    width = 1.6 + 4.2 * len(wanted)
    columns = legend_columns(data["label"].unique(), width)
    lines = math.ceil(data["label"].nunique() / columns)
    figure = Figure(figsize=(width, 3.8 + 0.2 * lines), layout="constrained")
    panels = figure.subplots(1, len(wanted), sharey=True, squeeze=False)[0]
    for axes, of in zip(panels, wanted, strict=True):
        draw_cdf(axes, data[data["of"] == of])
        axes.set_title(TITLES[of])
        axes.label_outer(remove_inner_ticks=True)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns)
    return Drawn(figure, data)


def round_delays(results: Results) -> pd.DataFrame:
    """How long each round lasted in simulated time: columns `label`, `seed`, `round`, `delay_s`, and its `share`.

    `share` is that of the series' rounds, of all its seeds, that lasted no longer. Raises ValueError without rounds.
    """
    return _with_share(results.by_series(_durations))


def user_delays(results: Results) -> pd.DataFrame:
    """What each round took each user outside waiting for others: as `round_delays`, with a column `user`.

    It is the time of all activities that delay the user, its own and everybody's (`delays`), but for its waits for
    other users to be done or to have had their turn. What queues or a lost link cost counts. Users are those with
    activities of their own; where there are none, as in a centralised run, `EVERYBODY` is one.
    """
    return _with_share(results.by_series(_own_time))


def draw_cdf(axes: Axes, data: pd.DataFrame) -> None:
    """Draw one of the tables above as steps, a line a series; time is logarithmic beyond `LOG_RATIO`."""
    unit = unit_for(data["delay_s"], TIME)
    for position, (label, points) in enumerate(data.groupby("label", sort=False)):
        look = series_style(position)
        delay = np.sort(points["delay_s"]) / unit.size
        axes.plot(
            np.r_[delay[:1], delay],
            np.r_[0.0, np.sort(points["share"])],
            drawstyle="steps-post",
            label=str(label),
            markevery=max(1, len(points) // MARKERS_PER_LINE),
            markersize=5,
            **look.line,
        )
    positive = data.loc[data["delay_s"] > 0, "delay_s"]
    if not positive.empty and positive.max() > LOG_RATIO * positive.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(left=0)
    axes.set_ylim(0, 1.03)
    axes.set_ylabel("Share that took no longer")
    axes.set_xlabel(unit.named("Simulated time"))


def _durations(run: Result) -> pd.DataFrame:
    """Columns `round` and `delay_s` of one run."""
    rounds = run.rounds.sort_values("round")
    return rounds[["round"]].assign(delay_s=rounds["sim_time_s"].diff()).iloc[1:]


def _own_time(run: Result) -> pd.DataFrame:
    """Columns `round`, `user` and `delay_s` of one run, users who did nothing in a round included."""
    delaying = felt(run.events[run.events["round"] > 0])
    rounds = sorted(delaying["round"].unique())
    users = sorted(set(delaying["user"]) - {EVERYBODY}) or [EVERYBODY]
    for_others = (delaying["kind"] == "waiting") & delaying["reason"].isin(WAITS_FOR_OTHERS)
    duration_s = (delaying["end_s"] - delaying["start_s"]).where(~for_others, 0.0)
    spent_s = duration_s.groupby([delaying["round"], delaying["user"]]).sum()
    every_pair = pd.MultiIndex.from_product([rounds, users], names=["round", "user"])
    delay_s = spent_s.reindex(every_pair, fill_value=0.0)
    if users != [EVERYBODY]:
        common_s = spent_s[spent_s.index.get_level_values("user") == EVERYBODY].droplevel("user")
        delay_s += common_s.reindex(every_pair.get_level_values("round"), fill_value=0.0).to_numpy()
    return delay_s.rename("delay_s").reset_index()


def _with_share(data: pd.DataFrame) -> pd.DataFrame:
    if data.empty:
        raise ValueError("no round has ended yet")
    share = data.groupby("label", sort=False)["delay_s"].rank(method="max", pct=True)
    return data.assign(share=share)


_MADE = {"round": round_delays, "user": user_delays}
