"""The figures that a scenario names, drawn into the folder of its results."""

from collections.abc import Callable
from pathlib import Path

from analysis.figures.drawing import draw, save
from analysis.figures.kinds import Comparison, Curves, Delay, Heatmap, Signals, Sweep, Wish, read
from analysis.load import Results, load


def wishes(results: Results) -> list[Wish]:
    """The figures that the runs' scenario names (``figures``); else what every comparison shows.

    A figure of a sweep is left out where its setting was not varied: the file was run or compared. Raises ValueError
    for a kind or option that is not known.
    """
    if results.figures is not None:
        return [
            wish
            for wish in map(read, results.figures)
            if not isinstance(wish, Sweep | Heatmap) or wish.x in results.varied
        ]
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
            if results.figures is not None:
                tell(f"{wish.stem}: not drawn; {error}")
        else:
            found.append(target)
    return found
