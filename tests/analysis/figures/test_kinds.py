import subprocess
import sys
from dataclasses import fields
from importlib import import_module
from typing import Any

import pytest

from analysis.figures.kinds import KINDS, Curves, Gantt, Heatmap, Wish, guessed, kind_of, read, written

SETTINGS = {"radio.bandwidth", "users.count"}
NEEDED = {"sweep": {"x": "radio.bandwidth"}, "heatmap": {"x": "radio.bandwidth", "y": "users.count"}}
"""What must be said of a kind, beyond its name."""


def of_every_kind() -> list[Wish]:
    return [read({"kind": kind, **NEEDED.get(kind, {})}) for kind in KINDS]


@pytest.mark.parametrize("wish", of_every_kind(), ids=list(KINDS))
def test_every_kind_has_its_drawing_a_line_of_help_and_a_file_of_its_own(wish: Wish) -> None:
    assert callable(import_module(wish.module).drawn)
    documentation = type(wish).__doc__ or ""
    assert documentation.endswith(".")
    assert "\n" not in documentation
    assert all(f"{field.name}" in documentation for field in fields(wish) if field.name not in ("x", "y", "run"))
    assert [other.stem for other in of_every_kind()].count(wish.stem) == 1


@pytest.mark.parametrize("wish", of_every_kind(), ids=list(KINDS))
def test_what_is_written_reads_back_as_the_same_wish(wish: Wish) -> None:
    assert read(written(wish)) == wish
    assert set(written(wish)) == {"kind", *(field.name for field in fields(wish))}
    assert kind_of(wish) == written(wish)["kind"]


def test_a_kind_alone_is_a_wish_with_every_default() -> None:
    assert read("gantt") == Gantt(round=1, run=None)
    assert read({"kind": "curves", "x": "round"}) == Curves(x="round", y=None)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("gant", r"^kind = 'gant': not one of curves, .*\(did you mean gantt\?\)$"),
        ({"round": 1}, r"^kind = None: not one of curves"),
        ({"kind": "gantt", "rond": 1}, r"^gantt: rond = 1: unknown option; it takes run, round$"),
        ({"kind": "delay", "x": "round"}, r"^delay: x = 'round': unknown option; it takes none$"),
        ({"kind": "gantt", "round": "1"}, r"^gantt: round = '1': expected a whole number$"),
        ({"kind": "gantt", "round": True}, r"^gantt: round = True: expected a whole number$"),
        ({"kind": "gantt", "round": 0}, r"^gantt: round = 0: rounds are counted from 1$"),
        ({"kind": "curves", "y": 3}, r"^curves: y = 3: expected a word$"),
        ({"kind": "curves", "y": "preplexity"}, r"^curves: y = 'preplexity': .*\(did you mean perplexity\?\)$"),
        ({"kind": "cdf", "of": "rounds"}, r"^cdf: of = 'rounds': not one of round, user \(did you mean round\?\)$"),
        ({"kind": "map", "rate": "up"}, r"^map: rate = 'up': not one of uplink, downlink"),
        ({"kind": "sweep"}, r"^sweep: needs x, such as x: radio.bandwidth$"),
        ({"kind": "heatmap", "x": "a"}, r"^heatmap: needs y"),
        ({"kind": "heatmap", "x": "a", "y": "a"}, r"^heatmap: y = 'a': the same as x"),
        ({"kind": "sweep", "x": "a", "y": "sim_tim_s"}, r"^sweep: y = 'sim_tim_s': .*did you mean sim_time_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_in_one_line(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        read(given)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"x": "sim_time_s", "y": "perplexity"}, "curves"),
        ({"y": "accuracy"}, "curves"),
        ({"x": "radio.bandwidth", "y": "sim_time_s"}, "sweep"),
        ({"x": "radio.bandwidth", "y": "users.count"}, "heatmap"),
        ({"round": 2}, "gantt"),
        ({"of": "user"}, "cdf"),
        ({"rate": "downlink", "run": "splitfed"}, "map"),
        ({"user": 1}, "signals"),
    ],
)
def test_a_kind_is_guessed_by_what_is_said(options: dict[str, Any], kind: str) -> None:
    assert guessed(options, SETTINGS) == kind


def test_what_no_kind_has_together_is_no_kind() -> None:
    with pytest.raises(ValueError, match=r"no kind of figure has all of round, of; name one of curves"):
        guessed({"round": 1, "of": "user"}, SETTINGS)


def test_files_are_named_by_what_differs() -> None:
    assert Curves(y="accuracy").stem == "accuracy"
    assert Curves(y="accuracy", x="round").stem == "accuracy-round"
    assert Gantt(run="5MHz/splitfed", round=3).stem == "gantt-5MHz-splitfed-3"
    assert Heatmap(x="a", y="b").stem == "sim_time_s-a-b"


def test_asking_for_a_figure_loads_nothing_that_draws() -> None:
    probe = (
        "import sys, analysis.figures.kinds; print([n for n in ('numpy', 'pandas', 'matplotlib') if n in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout == "[]\n"
