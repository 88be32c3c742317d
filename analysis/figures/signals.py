"""What one user met on its way: signals of the edge servers, rates, and what cut them off, over simulated time."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from analysis.delays import HAPPENINGS, RADIO
from analysis.figures.canvas import Drawn, legend_beside, one_run
from analysis.figures.kinds import Signals
from analysis.figures.style import KIND_STYLES, PALETTE, series_style
from analysis.load import Results
from analysis.nodes import user_node
from analysis.result import Result
from analysis.units import quantity_of

_COLORS = dict(zip(HAPPENINGS, (PALETTE[place] for place in (6, 1, 3, 0, 4, 2, 5)), strict=True))


def drawn(results: Results, wish: Signals) -> Drawn:
    """The figure of `signal_data`, of the user that most edge servers have served unless another is wanted."""
    result = one_run(results, wish.run)
    user = farthest_travelled(result) if wish.user is None else wish.user
    data = signal_data(result, user)
    figure = Figure(figsize=(8.5, 6.4), layout="constrained")
    signals, rates, spans = figure.subplots(3, sharex=True, height_ratios=(1, 1, 0.42))
    _draw_signals(signals, data)
    _draw_rates(rates, data)
    _draw_spans(spans, data)
    for axes in (signals, rates):
        _mark_handovers(axes, data)
    signals.set_title(f"What user {user} met on its way")
    spans.set_xlabel("Simulated time (s)")
    spans.set_xlim(0, result.rounds["sim_time_s"].max())
    return Drawn(figure, data)


def farthest_travelled(result: Result) -> int:
    """The user that most edge servers have served, of several the first.

    Raises ValueError if the run did not sample its links.
    """
    links = _links(result)
    served = links[links["serving"]].groupby("user")["edge"].nunique()
    return int(served.index[int(served.to_numpy().argmax())])


def signal_data(result: Result, user: int) -> pd.DataFrame:
    """What a user met: `what` is a sample of a link (`signal`), a transfer's way, or what happened.

    Samples have `start_s`, `edge`, `serving`, `signal_dbm`, `uplink_bps` and `downlink_bps`; the others `start_s`,
    `end_s` and `reason`, transfers also `bytes` and the rate that came of them, `bps`. Raises ValueError if the run did
    not sample its links or has no such user.
    """
    links = _links(result)
    samples = links[links["user"] == user].rename(columns={"time_s": "start_s"})
    if samples.empty:
        raise ValueError(f"{result.path}: no user {user} in links.parquet")
    events = result.events
    sent = events[(events["user"] == user) & events["kind"].isin(RADIO) & (events["end_s"] > events["start_s"])]
    befell = events[(events["node"] == user_node(user)) & events["kind"].isin(HAPPENINGS)]
    columns = ["what", "start_s", "end_s", "reason", "bytes", "bps"]
    parts = [
        samples.assign(what="signal").drop(columns=["user"]),
        sent.assign(what=sent["kind"], bps=sent["bytes"] * 8 / (sent["end_s"] - sent["start_s"]))[columns],
        befell.assign(what=befell["kind"])[columns[:4]],
    ]
    data = pd.concat(parts, ignore_index=True)
    return data[["what", *data.columns.drop("what")]]


def _links(result: Result) -> pd.DataFrame:
    if result.links["time_s"].nunique() < 2:
        raise ValueError(f"{result.path}: the run sampled no links; it needs radio.sampling in its scenario")
    return result.links


def _draw_signals(axes: Axes, data: pd.DataFrame) -> None:
    """A line an edge server, heavy where it serves the user."""
    samples_of_all = data[data["what"] == "signal"]
    for edge in sorted(samples_of_all["edge"].astype(int).unique()):
        samples, look = samples_of_all[samples_of_all["edge"] == edge], series_style(edge)
        axes.plot(samples["start_s"], samples["signal_dbm"], color=look.color, linestyle=look.linestyle, linewidth=1)
        serving = samples["signal_dbm"].where(samples["serving"].astype(bool))
        axes.plot(samples["start_s"], serving, color=look.color, linewidth=3, label=f"edge server {edge}")
    axes.set_ylabel("Signal (dBm)")
    legend_beside(axes)


def _draw_rates(axes: Axes, data: pd.DataFrame) -> None:
    """What the serving edge server would give a transfer alone, as a line, and what each transfer had, as a dot."""
    samples = data[(data["what"] == "signal") & (data["serving"] == True)]  # noqa: E712 - an object column
    for kind in RADIO:
        color = KIND_STYLES[kind].color
        axes.plot(samples["start_s"], samples[f"{kind}_bps"], color=color, linewidth=1.2, label=f"{kind}, if alone")
        sent = data[data["what"] == kind]
        axes.plot(
            (sent["start_s"] + sent["end_s"]) / 2, sent["bps"], ".", color=color, markersize=4, label=f"{kind}, had"
        )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(EngFormatter("bit/s"))
    axes.set_ylabel("Rate")
    legend_beside(axes)


def _draw_spans(axes: Axes, data: pd.DataFrame) -> None:
    """When nothing passed, a row a reason, and the rounds that ended before they were done."""
    kinds = [kind for kind in HAPPENINGS if (data["what"] == kind).any()]
    for row, kind in enumerate(kinds):
        found, color = data[data["what"] == kind], _COLORS[kind]
        spans = list(zip(found["start_s"], found["end_s"] - found["start_s"], strict=True))
        axes.broken_barh(spans, (row - 0.35, 0.7), color=color, edgecolor=color, linewidth=1.5)
    axes.set_yticks(range(len(kinds)), [quantity_of(kind) for kind in kinds])
    axes.set_ylim(max(len(kinds), 1) - 0.5, -0.5)


def _mark_handovers(axes: Axes, data: pd.DataFrame) -> None:
    for instant_s in data.loc[data["what"] == "handover", "start_s"]:
        axes.axvline(instant_s, color="#555555", linestyle=":", linewidth=1, zorder=0)
