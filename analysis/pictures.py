"""The figures that a scenario names, drawn into the folder of its results."""

from collections.abc import Callable
from pathlib import Path

from analysis.figures import UNDATED, draw, save
from analysis.kinds import Comparison, Curves, Delay, Signals, Wish, read
from analysis.load import Results


def wishes(results: Results) -> list[Wish]:
    """The figures that the runs' scenario names (``figures``); else what every comparison shows.

    Raises ValueError for a kind or option that is not known.
    """
    named = next((run.scenario["figures"] for run in results if run.scenario.get("figures") is not None), None)
    if named is not None:
        return [read(given) for given in named]
    sampled = any(run.links["time_s"].nunique() > 1 for run in results)
    return [Comparison(), Curves(), Delay(), *([Signals()] if sampled else [])]


def draw_all(results: Results, folder: Path, tell: Callable[[str], None], suffix: str = ".png") -> list[Path]:
    """Draw the `wishes` into `folder`, each with its numbers beside it, and return the pictures.

    One that cannot be drawn is told in a line, and leaves no picture of earlier runs behind.
    """
    found = []
    for wish in wishes(results):
        target = folder / f"{wish.stem}{suffix}"
        for other in (*(f".{kind}" for kind in UNDATED), ".csv"):
            target.with_suffix(other).unlink(missing_ok=True)
        try:
            drawn = draw(results, wish)
            save(drawn.figure, drawn.data, target)
        except (ValueError, OSError) as error:
            tell(f"{wish.stem}: not drawn; {error}")
        else:
            found.append(target)
    return found
