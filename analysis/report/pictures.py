"""The figures of a report, and what each of them says in words."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from analysis.comparison.targets import METRICS
from analysis.figures.canvas import Drawn
from analysis.figures.drawing import draw
from analysis.figures.kinds import (
    Calibration,
    Cdf,
    Comparison,
    Curves,
    Delay,
    Gantt,
    Heatmap,
    Map,
    Memory,
    Signals,
    Sweep,
    Wish,
)
from analysis.figures.pictures import wishes
from analysis.figures.varied import setting_name, value_name
from analysis.load import Results
from analysis.report.alternatives import curves_in_words, data_in_words, delays_in_words, signals_in_words
from analysis.report.inline_svg import inline_svg
from analysis.report.names import named_runs
from analysis.units import quantity_of

WIDTH_INCHES = 4.8
"""Of a figure that stands beside another on a screen and fills a phone, where its text is still legible."""
WIDE_INCHES = 8.5
NARROW_ENOUGH = 7.0
"""Figures drawn for no more than this can be made as narrow as `WIDTH_INCHES`; others are wide."""

_TITLES: dict[type[Wish], tuple[str, str]] = {
    Delay: (
        "Where the time goes",
        "Mean over users: at any time a user's delay is one of these, and together they are the whole.",
    ),
    Cdf: ("How delays are spread", "Of rounds, and of each user in each round without its waiting for others."),
    Memory: ("Peak memory", "Of nodes, by kind; kinds peak at different times, so that all together hold less."),
    Map: ("Where users are", "At the start, and with whom; rates are those of a transfer alone, before fading."),
    Signals: ("On the way", "Of the user whom most edge servers have served."),
    Calibration: ("How learning converges", "By pilot runs with different numbers of local steps a round."),
}
_LEARNED = "On the validation set, before training and after rounds."

_ELSEWHERE = (Comparison, Gantt)
"""What the page shows in other ways: its own curves and bars, its timeline."""


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


def pictures(results: Results) -> list[Picture]:
    """All figures that ``results`` have the numbers for, and in place of one that a scenario names, why not."""
    wished = wishes(results)
    required = wished if results.figures is not None else []
    begun = results.where(lambda run: not run.events.empty and len(run.rounds) > 1)
    found = []
    for number, wish in enumerate(_wanted(results, wished), 1):
        picture = _picture(begun if len(begun) else results, wish, f"figure{number}")
        if picture.svg is not None or wish in required:
            found.append(picture)
    beside = [picture for picture in found if not picture.wide]
    return [replace(picture, alone=len(beside) % 2 == 1 and picture is beside[-1]) for picture in found]


def _wanted(results: Results, wished: Iterable[Wish]) -> Iterable[Wish]:
    """What runs of any kind can show, and what is wished besides, each once."""
    usual: list[Wish] = [Curves(), Curves(x="round"), Curves(x="traffic_bytes"), Delay(), Cdf(), Memory()]
    in_planes = [Map(run=name) for name, run in named_runs(results) if not run.links.empty][:1]
    return dict.fromkeys([*usual, *in_planes, *(wish for wish in wished if not isinstance(wish, _ELSEWHERE))])


def _picture(results: Results, wish: Wish, name: str) -> Picture:
    try:
        drawn = draw(results, wish)
        wide = drawn.figure.get_size_inches()[0] > NARROW_ENOUGH
        svg = inline_svg(drawn.figure, name, _in_words(wish, drawn), WIDE_INCHES if wide else WIDTH_INCHES)
    except ValueError as error:
        return Picture(title=_title(wish), why_not=str(error))
    caption = _LEARNED if isinstance(wish, Curves) else _TITLES.get(type(wish), ("", ""))[1]
    return Picture(title=_title(wish), caption=caption, svg=svg, wide=wide)


def _title(wish: Wish) -> str:
    if isinstance(wish, Curves):
        return f"What is learned, against {quantity_of(wish.x).lower()}"
    if isinstance(wish, Sweep | Heatmap):
        varied = [wish.x] if isinstance(wish, Sweep) else [wish.x, wish.y]
        what = wish.y if isinstance(wish, Sweep) else wish.value
        return f"{value_name(what)} by {' and '.join(setting_name(key).lower() for key in varied)}"
    return _TITLES[type(wish)][0]


def _in_words(wish: Wish, drawn: Drawn) -> str:
    if isinstance(wish, Curves):
        return curves_in_words(drawn.data, wish.x, wish.y or next(name for name in METRICS if name in drawn.data))
    if isinstance(wish, Delay):
        return delays_in_words(drawn.data)
    if isinstance(wish, Signals):
        return signals_in_words(drawn.data, int(drawn.data["user"].iloc[0]) if "user" in drawn.data else 0)
    return data_in_words(_title(wish), drawn.data)
