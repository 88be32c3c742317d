"""The figures of a report, and what each of them says in words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from markupsafe import Markup
from matplotlib.figure import Figure

from analysis.bars import delay_data
from analysis.curves import learning_data
from analysis.figures import delay_by_kind, learning_curve
from analysis.load import Results
from analysis.report.alternatives import curves_in_words, delays_in_words, signals_in_words
from analysis.report.inline_svg import inline_svg
from analysis.report.names import names
from analysis.result import Result
from analysis.signals import farthest_travelled, signal_data, signal_figure
from analysis.targets import METRICS as LEARNED
from analysis.units import quantity_of

WIDTH_INCHES = 4.8
"""Of a figure that stands beside another on a screen and fills a phone, where its text is still legible."""
WIDE_INCHES = 8.5


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure as it stands in the page, or, where it cannot be drawn, why.

    Figures stand in pairs, unless they are `wide`, or, at an odd end, `alone`.
    """

    title: str
    caption: str = ""
    svg: Markup | None = None
    wide: bool = False
    alone: bool = False
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """A figure to come: `draw` makes it, and says in words what it shows."""

    title: str
    caption: str
    draw: Callable[[], tuple[Figure, str]]
    wide: bool = False


def pictures(results: Results) -> list[Picture]:
    """All figures that ``results`` have the numbers for; one that cannot be drawn says so in its place."""
    found = [_picture(plan, f"figure{number}") for number, plan in enumerate(_plans(results), 1)]
    beside = [picture for picture in found if not picture.wide]
    return [replace(picture, alone=len(beside) % 2 == 1 and picture is beside[-1]) for picture in found]


def _plans(results: Results) -> Iterator[_Plan]:
    """The list of figures."""
    for x in ("sim_time_s", "round"):
        for y in [y for y in LEARNED if len(_learned(results, y))][:1]:
            yield _Plan(
                title=f"{quantity_of(y)} against {quantity_of(x).lower()}",
                caption="On the validation set, before training and after rounds.",
                draw=partial(_curves, _learned(results, y), x, y),
            )
    timed = results.where(lambda run: not run.events.empty)
    if len(timed):
        yield _Plan(
            title="Where the time goes",
            caption="Mean over users: at any time a user's delay is one of these, and together they are the whole.",
            draw=partial(_delays, timed),
        )
    for name, run in zip(names(results), results, strict=True):
        if run.links["time_s"].nunique() > 1:
            yield _Plan(
                title=f"On the way ({name})",
                caption="Of the user whom most edge servers have served.",
                draw=partial(_signals, run),
                wide=True,
            )


def _learned(results: Results, y: str) -> Results:
    return results.where(lambda run: bool(run.rounds[y].notna().any()))


def _curves(results: Results, x: str, y: str) -> tuple[Figure, str]:
    return learning_curve(results, x, y), curves_in_words(learning_data(results, x, y), x, y)


def _delays(results: Results) -> tuple[Figure, str]:
    return delay_by_kind(results), delays_in_words(delay_data(results))


def _signals(run: Result) -> tuple[Figure, str]:
    user = farthest_travelled(run)
    return signal_figure(run, user), signals_in_words(signal_data(run, user), user)


def _picture(plan: _Plan, name: str) -> Picture:
    try:
        figure, words = plan.draw()
        svg = inline_svg(figure, name, words, WIDE_INCHES if plan.wide else WIDTH_INCHES)
    except ValueError as error:
        return Picture(title=plan.title, why_not=str(error))
    return Picture(title=plan.title, caption=plan.caption, svg=svg, wide=plan.wide)
