"""Result folders read back as tidy tables: ``analysis.load("runs/quickstart").rounds``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from analysis.result import Result, is_run
from analysis.settings import Setting, is_number, leaves

if TYPE_CHECKING:
    import pandas as pd

ORDER = "order.json"
"""In a folder of runs, names of those that come first."""

SWEEP = "sweep.parquet"
"""In the folder of a sweep, its points and how far each is; their runs are in `POINTS` beside it."""
POINTS = "points"
FIGURES = "figures.json"
"""In the folder of a sweep, what is drawn of it."""

NOT_VARIED = ("seed", "name", "execution", "scheme.name", "scheme.label")
"""Settings by which no two runs are told apart: repetitions differ in the seed, schemes in the label."""

_PICTURES = "figures"
"""The section of a scenario that says what is drawn, which changes no run."""


class Results(Sequence[Result]):
    """Runs, in a given order. Each table begins with ``run``, ``label`` and ``seed``, and then what is ``varied``."""

    def __init__(self, runs: Iterable[Result], figures: list[Any] | None = None) -> None:
        self._runs = tuple(runs)
        self._figures = figures

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What tells each run from the others, the ``run`` of the tables: its path below the folder of them all."""
        if len(self) == 1:
            return (self[0].path.name,)
        paths = [run.path.absolute().parts for run in self]
        common = next(depth for depth, parts in enumerate(zip(*paths, strict=False)) if len(set(parts)) > 1)
        return tuple("/".join(parts[common:]) for parts in paths)

    @property
    def figures(self) -> list[Any] | None:
        """What is to be drawn: of a sweep what it says, else what the first run does that says something; else None."""
        if self._figures is not None:
            return self._figures
        return next((run.scenario["figures"] for run in self if run.scenario.get("figures") is not None), None)

    @cached_property
    def varied(self) -> tuple[str, ...]:
        """The settings in which runs of one label differ, or which differ although they are not the scheme's own."""
        keys = dict.fromkeys(key for run in self for key in run.settings if _tells_apart(key))
        return tuple(key for key in keys if self._differs(key))

    @cached_property
    def series(self) -> dict[str, Results]:
        """The runs by all but their seed, a line of a figure each; named by label, and if need be setting or folder."""
        groups: dict[tuple[object, ...], list[Result]] = {}
        for run in self:
            groups.setdefault((run.label, *(run.settings.get(key) for key in self.varied)), []).append(run)
        labels = [run.label for run, *_ in groups.values()]
        told = [self.varied if labels.count(runs[0].label) > 1 else () for runs in groups.values()]
        names = [_series_name(keys, runs[0]) for keys, runs in zip(told, groups.values(), strict=True)]
        named: dict[str, Results] = {}
        for name, runs in zip(names, groups.values(), strict=True):
            if names.count(name) == 1 and len({run.seed for run in runs}) == len(runs):
                named[name] = Results(runs)
            else:
                named |= {f"{name} ({self.names[self.index(run)]})": Results([run]) for run in runs}
        return named

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: path, scheme, whether it finished, what is varied, and all numbers of its summary."""
        import pandas as pd  # noqa: PLC0415 - as below

        rows = [
            {"scheme": run.summary.get("scheme"), "finished": run.finished, "path": str(run.path)}
            | _numbers(run.summary)
            for run in self
        ]
        return self._identified(pd.DataFrame([row]) for row in rows)

    @cached_property
    def rounds(self) -> pd.DataFrame:
        """``Result.rounds`` of all runs."""
        return self._identified(run.rounds for run in self)

    @cached_property
    def events(self) -> pd.DataFrame:
        """``Result.events`` of all runs."""
        return self._identified(run.events for run in self)

    @cached_property
    def memory(self) -> pd.DataFrame:
        """``Result.memory`` of all runs."""
        return self._identified(run.memory for run in self)

    @cached_property
    def links(self) -> pd.DataFrame:
        """``Result.links`` of all runs."""
        return self._identified(run.links for run in self)

    def by_series(self, table: Callable[[Result], pd.DataFrame]) -> pd.DataFrame:
        """A ``table`` of every run, series by series, with the series' name as ``label``, and ``seed``, before it."""
        import pandas as pd  # noqa: PLC0415 - as below

        series = self.series.items()
        parts = [table(run).assign(label=label, seed=run.seed) for label, runs in series for run in runs]
        data = pd.concat(parts, ignore_index=True)
        return data[["label", "seed", *data.columns.drop(["label", "seed"])]]

    def setting(self, key: str) -> list[Setting]:
        """The value of a setting in each run.

        Raises ValueError if no run has that key.
        """
        if not any(key in run.settings for run in self):
            known = ", ".join(self.varied) or "none that differs between these runs"
            raise ValueError(f"{key!r} is no key of the runs' scenarios; known are {known}")
        return [run.settings.get(key, Setting(None)) for run in self]

    def where(self, chosen: Callable[[Result], bool]) -> Results:
        """Those of the runs."""
        return Results(run for run in self if chosen(run))

    def __len__(self) -> int:
        return len(self._runs)

    def __iter__(self) -> Iterator[Result]:
        return iter(self._runs)

    @overload
    def __getitem__(self, index: int) -> Result: ...

    @overload
    def __getitem__(self, index: slice) -> Results: ...

    def __getitem__(self, index: int | slice) -> Result | Results:
        return self._runs[index] if isinstance(index, int) else Results(self._runs[index])

    def _differs(self, key: str) -> bool:
        found: dict[str, set[Setting | None]] = {}
        for run in self:
            found.setdefault(run.label, set()).add(run.settings.get(key))
        if key.startswith("scheme."):
            return any(len(values) > 1 for values in found.values())
        return len(set().union(*found.values())) > 1

    def _identified(self, tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
        import pandas as pd  # noqa: PLC0415 - so that importing the analysis costs nothing

        parts = []
        for name, run, table in zip(self.names, self, tables, strict=True):
            varied = {key: run.settings[key].value if key in run.settings else None for key in self.varied}
            parts.append(pd.DataFrame({"run": name, "label": run.label, "seed": run.seed, **varied}, index=table.index))
            parts[-1] = pd.concat([parts[-1], table.drop(columns=parts[-1].columns, errors="ignore")], axis=1)
        return pd.concat(parts, ignore_index=True)


def load(*sources: Path | str) -> Results:
    """The runs that ``sources`` name: folders of a run, folders with runs at any depth below, or patterns (``*``).

    Runs come in the order of the sources, and below each in that of its ``order.json``, or else by name; of a sweep
    those that its table has, in its order, and none of an earlier sweep into the same folder. Raises ValueError for a
    source without a run; of the runs themselves, each file when it is read.
    """
    found = dict.fromkeys(folder for source in sources for folder in _folders(str(source)))
    return Results(map(Result, found), _figures(Path(str(sources[0]))) if len(sources) == 1 else None)


def _tells_apart(key: str) -> bool:
    return key not in NOT_VARIED and key.partition(".")[0] != _PICTURES


def _folders(source: str) -> list[Path]:
    matches = sorted(glob(source))  # noqa: PTH207 - Path.glob takes no absolute pattern
    roots = [Path(match) for match in matches] or [Path(source)]
    folders = [folder for root in roots for folder in _below(root)]
    if not folders:
        what = "no such folder" if not roots[0].is_dir() else "no run here or below; a run holds a scenario.yaml"
        raise ValueError(f"{source}: {what}")
    return folders


def _below(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    if is_run(root):
        return [root]
    if (root / SWEEP).is_file():
        return [point for point in _points(root) if is_run(point)]
    return [run for child in _children(root) for run in _below(child)]


def _points(root: Path) -> list[Path]:
    """Of a sweep, those that are done or under way; what another sweep has left of one that waits is not its own."""
    import pandas as pd  # noqa: PLC0415 - so that importing the analysis costs nothing

    file = root / SWEEP
    try:
        table = pd.read_parquet(file, columns=["point", "status"])
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: not readable as Parquet ({str(error).splitlines()[0]})") from error
    return [root / POINTS / str(name) for name in table["point"][table["status"].isin(["done", "running"])]]


def _figures(root: Path) -> list[Any] | None:
    try:
        found: list[Any] = json.loads((root / FIGURES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _children(root: Path) -> list[Path]:
    """Folders by name, but first those that ``order.json`` names, as a comparison leaves it; whole numbers by size."""
    try:
        order = json.loads((root / ORDER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        order = []
    first = {str(name): place for place, name in enumerate(order)}
    found = [child for child in root.iterdir() if not child.name.startswith(".")]
    return sorted(found, key=lambda child: (first.get(child.name, len(first)), _by_size(child.name)))


def _by_size(name: str) -> list[tuple[int, str]]:
    """What sorts ``seed-9`` before ``seed-10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _series_name(keys: Sequence[str], run: Result) -> str:
    return ", ".join(
        (run.label, *(f"{key.rpartition('.')[2]} {run.settings[key]}" for key in keys if key in run.settings))
    )


def _numbers(summary: dict[str, object]) -> dict[str, float | None]:
    """All numbers of a summary with dots between the levels, such as ``final.perplexity``; null is None."""
    return {".".join(keys): value for keys, value in leaves(summary) if value is None or is_number(value)}
