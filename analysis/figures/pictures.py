"""The figures that a scenario names, drawn into the folder of its results."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from analysis.figures.drawing import draw, save
from analysis.figures.kinds import Comparison, Curves, Delay, Signals, Wish, read
from analysis.load import Results, load


def named(results: Results) -> list[Any] | None:
    """What the runs' scenario says of figures, of several the first that says something; None if none does."""
    return next((run.scenario["figures"] for run in results if run.scenario.get("figures") is not None), None)


def wishes(results: Results) -> list[Wish]:
    """The figures that the runs' scenario names (``figures``); else what every comparison shows.

    Raises ValueError for a kind or option that is not known.
    """
    if (given := named(results)) is not None:
        return [read(one) for one in given]
    sampled = any(run.links["time_s"].nunique() > 1 for run in results)
    return [Comparison(), Curves(), Delay(), *([Signals()] if sampled else [])]


def show(folder: Path, tell: Callable[[str], None]) -> None:
    """Draw the figures of the run in `folder` beside its results, whatever becomes of them."""
    try:
        results = load(folder)
    except ValueError as error:
        tell(f"figures: not drawn; {error}")
    else:
        draw_all(results, folder, tell)


def draw_all(results: Results, folder: Path, tell: Callable[[str], None]) -> list[Path]:
    """Draw the `wishes` into `folder`, each with its numbers beside it, and return the pictures.

    One that cannot be drawn is told in a line, if the scenario names it, and leaves no picture of earlier runs behind.
    """
    try:
        wanted = wishes(results)
    except ValueError as error:
        tell(f"figures: not drawn; {error}")
        return []
    found = []
    for wish in wanted:
        target = folder / f"{wish.stem}.png"
        for suffix in ("png", "csv"):
            target.with_suffix(f".{suffix}").unlink(missing_ok=True)
        try:
            drawn = draw(results, wish)
            save(drawn.figure, drawn.data, target)
        except (ValueError, OSError) as error:
            if named(results) is not None:
                tell(f"{wish.stem}: not drawn; {error}")
        else:
            found.append(target)
    return found
