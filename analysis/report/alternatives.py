"""What a figure shows, in words and numbers, for those who cannot see it."""

import pandas as pd

from analysis.delays import HAPPENINGS
from analysis.units import PLAIN, ladder_of, quantity_of, three_digits, written

_PLURALS = {"crash": "crashes"}
_LARGEST = 3  # shares of a bar that are told


def curves_in_words(data: pd.DataFrame, x: str, y: str) -> str:
    """Of each run the first and last value of a learning curve, the mean over its seeds."""
    told = []
    for label, points in data.groupby("label", sort=False):
        by_round = points.groupby("round", as_index=False)[[column for column in (x, y) if column != "round"]].mean()
        first, last = by_round.iloc[0], by_round.iloc[-1]
        told.append(f"{label} goes from {three_digits(first[y])} to {three_digits(last[y])} by {_measured(x, last[x])}")
    return f"Line chart of {quantity_of(y).lower()} against {quantity_of(x).lower()}. {'; '.join(told)}."


def delays_in_words(data: pd.DataFrame) -> str:
    """Of each run the whole time of a user and its largest shares."""
    told = []
    for label, bar in data.groupby("label", sort=False):
        seconds: dict[str, float] = dict(zip(bar["kind"].tolist(), bar["delay_s"].tolist(), strict=True))
        whole_s = sum(seconds.values())
        largest = sorted((kind for kind in seconds if seconds[kind] > 0), key=lambda kind: -seconds[kind])[:_LARGEST]
        shares = [f"{quantity_of(kind).lower()} {100 * seconds[kind] / whole_s:.0f} %" for kind in largest]
        told.append(f"{label} takes {_measured('delay_s', whole_s)}, of which {', '.join(shares) or 'nothing'}")
    return f"Stacked bar chart of a user's time by kind, mean over users. {'; '.join(told)}."


def signals_in_words(data: pd.DataFrame, user: int) -> str:
    """The range of the serving signal, and how often the user was cut off."""
    serving = data[(data["what"] == "signal") & (data["serving"] == True)]  # noqa: E712 - an object column
    befell = [f"{(data['what'] == kind).sum()} {_PLURALS.get(kind, f'{kind}s')}" for kind in HAPPENINGS]
    lowest, highest = serving["signal_dbm"].min(), serving["signal_dbm"].max()
    return (
        f"Signals, rates and interruptions of user {user} over simulated time. The serving edge server's signal lies "
        f"between {lowest:.0f} and {highest:.0f} dBm; there were {', '.join(befell)}."
    )


def data_in_words(title: str, data: pd.DataFrame) -> str:
    """The range of each measured column, for each label if there are several."""
    parts = data.groupby("label", sort=False) if "label" in data else [("", data)]
    told = []
    for label, part in parts:
        measured = [str(name) for name in part.select_dtypes("number") if part[name].notna().any()]
        ranges = [_range(name, part[name]) for name in measured if ladder_of(name) is not PLAIN]
        told.append(f"{label!s}: {', '.join(ranges)}" if label else ", ".join(ranges))
    return f"{title}. {'; '.join(told)}."


def _range(name: str, values: "pd.Series[float]") -> str:
    what, least, most = quantity_of(name).lower(), _measured(name, values.min()), _measured(name, values.max())
    return f"{what} of {most}" if least == most else f"{what} from {least} to {most}"


def _measured(column: str, value: float) -> str:
    return f"round {value:.0f}" if column == "round" else written(value, ladder_of(column))
