"""What `cosim calibrate` found: what pilot runs learned with how many local steps, and the rounds that they needed."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.figures.bands import band_note
from analysis.figures.canvas import Drawn
from analysis.figures.curves import curves_data, draw_curves
from analysis.figures.kinds import Calibration
from analysis.figures.style import series_style
from analysis.load import Results

FILE = "calibration.json"
TOTAL = "local_steps_in_all"
CURVE: dict[str, Any] = {"color": "#555555", "linewidth": 1.4}
WITHIN = 3.0
"""Times the fewest rounds below which a, the limit of many local steps, is shown."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the file says: rounds a / (1 - 2^(-n / v)) with n local steps, the `target` loss, a point a run.

    Where `v` may be as large as one likes, only the product of both is known.
    """

    a: float
    v: float
    only_product: bool
    r2: float
    target: float
    points: pd.DataFrame

    def rounds(self, steps: Any) -> Any:
        """The fitted curve."""
        return self.a / -np.expm1(-np.log(2.0) * steps / self.v)


def drawn(results: Results, _: Calibration) -> Drawn:
    """The figure of `calibration_data`, a panel each; in the CSV cells of the other are empty."""
    file = _file(results)
    found = read(file)
    learned, points = calibration_data(results.where(lambda run: run.path.is_relative_to(file.parent)), found)
    figure = Figure(figsize=(10.6, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_learned(left, learned, found)
    _draw_rounds(right, points, found)
    return Drawn(figure, pd.concat([learned, points], ignore_index=True))


def read(file: Path) -> Found:
    """A file of `cosim calibrate`. ValueError if it is none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Found(
            a=float(content["a"]),
            v=float(content["v"]),
            only_product=content["v_interval"] is not None and content["v_interval"][1] is None,
            r2=float(content["r2"] if content["r2"] is not None else "nan"),
            target=float(content["target"]["loss"]),
            points=pd.DataFrame(content["points"])[["steps", "seed", "rounds"]],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file}: not a file of cosim calibrate ({error})") from error


def calibration_data(results: Results, found: Found) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What was learned, and the points.

    Of what was learned, a row for each number of `local_steps` and `round`: `local_steps_in_all` until then, and the
    `loss`, its mean over seeds with its band. Of the points, a row a run: `local_steps`, `seed`, `rounds_to_target`,
    and what the curve has there, `rounds_fitted`. ValueError where the runs are not there.
    """
    wanted = set(zip(found.points["steps"], found.points["seed"], strict=True))
    runs = results.where(lambda run: (_steps(run.scenario), run.seed) in wanted)
    if not len(runs):
        raise ValueError(f"{FILE}: none of its runs is here; run cosim calibrate again")
    learned = curves_data(runs, "round", "loss")
    learned.insert(0, "local_steps", learned.pop("label").map({run.label: _steps(run.scenario) for run in runs}))
    learned.insert(2, TOTAL, learned["round"] * learned["local_steps"])
    points = found.points.rename(columns={"steps": "local_steps", "rounds": "rounds_to_target"})
    return learned, points.assign(rounds_fitted=found.rounds(points["local_steps"]))


def _draw_learned(axes: Axes, learned: pd.DataFrame, found: Found) -> None:
    draw_curves(axes, learned.assign(label="n = " + learned["local_steps"].astype(str)), TOTAL, "loss")
    axes.axhline(found.target, linestyle=":", label=f"target {found.target:.4g}", **CURVE)
    axes.set_ylabel("Held-out loss")
    axes.set_title("What n local steps a round learn")
    axes.legend(title=band_note(learned)).get_title().set_fontsize("small")


def _draw_rounds(axes: Axes, points: pd.DataFrame, found: Found) -> None:
    steps = np.geomspace(points["local_steps"].min(), points["local_steps"].max(), 200)
    known = f"a v = {found.a * found.v:.3g}" if found.only_product else f"a = {found.a:.3g}, v = {found.v:.3g}"
    law = rf"$a\,/\,(1 - 2^{{-n/v}})$: {known}, $R^2$ = {found.r2:.3f}"
    axes.plot(steps, found.rounds(steps), label=law, zorder=1, **CURVE)
    if found.a * WITHIN > points["rounds_to_target"].min():
        axes.axhline(found.a, linestyle="--", label="a, of many local steps", zorder=1, **CURVE)
    for position, (_, runs) in enumerate(points.groupby("local_steps")):
        look = series_style(position)
        axes.plot(
            runs["local_steps"],
            runs["rounds_to_target"],
            color=look.color,
            marker=look.marker,
            linestyle="none",
            markeredgecolor="white",
        )
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sorted(points["local_steps"].unique()))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("Local steps a round, n")
    axes.set_ylabel("Rounds to the target")
    axes.set_title("How many rounds that takes")
    axes.legend()


def _file(results: Results) -> Path:
    """The calibration whose runs these are: in the folder of the first run, or up to two above."""
    run = results[0].path
    for folder in (run, run.parent, run.parent.parent):
        if (folder / FILE).is_file():
            return folder / FILE
    raise ValueError(f"{run}: no {FILE} above it; cosim calibrate leaves one")


def _steps(scenario: dict[str, Any]) -> int:
    """The local steps of a run."""
    return int((scenario.get("scheme") or {}).get("local_steps") or 0)
