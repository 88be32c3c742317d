"""Numbers of the summary by the settings that were varied: what sweeps and heat maps show."""

from collections.abc import Sequence

import pandas as pd

from analysis.comparison.quantities import QUANTITIES, numbers
from analysis.comparison.targets import NOTHING_LEARNED, default_target
from analysis.load import Results
from analysis.settings import is_number
from analysis.units import Unit, ladder_in, ladder_of, quantity_of, unit_for


def varied_data(results: Results, keys: Sequence[str], value: str) -> pd.DataFrame:
    """A row a run: `label`, `seed`, the settings `keys`, and `value`, as the comparison's table or the summary has it.

    Raises ValueError for an unknown setting or value, and where no run has it.
    """
    rows = {key: [setting.value for setting in results.setting(key)] for key in keys}
    named = {"label": [run.label for run in results], "seed": [run.seed for run in results]}
    data = pd.DataFrame(named | rows | {value: _values(results, value)})
    if data[value].isna().all():
        raise ValueError(f"{value}: no run has it; {NOTHING_LEARNED}")
    return data


def must_not_vary(results: Results, besides: Sequence[str], advice: str) -> None:
    """Raises ValueError if the runs differ in another setting than `besides`, over which a mean would mix them."""
    if others := [key for key in results.varied if key not in besides]:
        raise ValueError(f"the runs differ in {', '.join(others)}, too; {advice}")


def value_name(value: str) -> str:
    """What a value measures, in words."""
    head, *below = value.split(".")
    return QUANTITIES[value].title if value in QUANTITIES else ", ".join((quantity_of(head), *below)).replace("_", " ")


def value_unit(value: str, values: "pd.Series[float]") -> Unit:
    """The unit to show a value in."""
    if value in QUANTITIES:
        return unit_for(values, QUANTITIES[value].ladder)
    return unit_for(values, ladder_of(value.partition(".")[0]))


_NAMES = {"users.count": "Users", "edges.count": "Edge servers", "model.lora.r": "LoRA rank", "scheme.cut": "Cut layer"}
"""Of settings whose key says it in other words."""


def setting_name(key: str) -> str:
    """What a setting is, in words: `radio.bandwidth` is the radio bandwidth."""
    if key in _NAMES:
        return _NAMES[key]
    return " ".join(key.split(".")[-2:]).replace("_", " ").capitalize()


def setting_unit(results: Results, key: str) -> Unit:
    """The unit to show a setting in; its size is 1 for what is no number."""
    settings = results.setting(key)
    symbol = next((setting.unit for setting in settings if setting.unit), "")
    values = [setting.value for setting in settings if isinstance(setting.value, float)]
    return unit_for(values, ladder_in(symbol))


def in_order(data: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The rows by `keys`, the first one first: numbers by size, words in the order in which they came."""
    places = pd.DataFrame({key: _places(data[key]) for key in keys}, index=data.index)
    return data.loc[places.sort_values(list(keys), kind="stable").index].reset_index(drop=True)


def is_numeric(column: "pd.Series[float]") -> bool:
    """Whether all values are numbers, and truth is none."""
    return all(map(is_number, column))


def _values(results: Results, value: str) -> list[float]:
    """Of each run; a target is the best value that all of them reach."""
    if value in QUANTITIES:
        target = default_target(results)
        return [numbers(run, target)[value] for run in results]
    return [run.total(*value.split(".")) for run in results]


def _places(column: "pd.Series[float]") -> "pd.Series[float]":
    if is_numeric(column):
        return column.astype(float)
    return column.map({value: float(place) for place, value in enumerate(dict.fromkeys(column))})
