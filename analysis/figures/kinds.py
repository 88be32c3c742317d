"""Kinds of figures and their options: what scenarios, the command line and the report can ask for.

Nothing here draws, so that a scenario is checked at once: the code of a kind is in its ``module``, whose ``drawn`` has
runs and a `Wish` given, and returns figure and numbers.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, ClassVar, get_type_hints

from analysis.delays import RADIO
from analysis.result import ROUND_COLUMNS, SUMS

COLUMNS = (*ROUND_COLUMNS, *SUMS)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A figure that somebody wants, with its options. Raises ValueError for an option that it cannot have."""

    module: ClassVar[str]

    @property
    def stem(self) -> str:
        """Its file's name, without suffix."""
        return kind_of(self)


@dataclass(frozen=True, kw_only=True)
class Curves(Wish):
    """Learning curves: a column of the rounds (y) against another (x: time, round, bytes, energy), a line a scheme."""

    module = "analysis.figures.curves"
    x: str = "sim_time_s"
    y: str | None = None

    def __post_init__(self) -> None:
        _one_of("x", self.x, COLUMNS)
        _one_of("y", self.y, COLUMNS)

    @property
    def stem(self) -> str:
        """By what it shows."""
        return "-".join((self.y or "learning", *([self.x] if self.x != Curves.x else [])))


@dataclass(frozen=True, kw_only=True)
class Delay(Wish):
    """Where a user's time goes: a bar a scheme, a segment a kind of delay."""

    module = "analysis.figures.bars"


@dataclass(frozen=True, kw_only=True)
class Comparison(Wish):
    """Learning curves over simulated time, beside where that time goes."""

    module = "analysis.figures.side_by_side"
    y: str | None = None

    def __post_init__(self) -> None:
        _one_of("y", self.y, COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Cdf(Wish):
    """How delays are distributed: of rounds, and of each user in each round without waiting for others (of)."""

    module = "analysis.figures.cdf"
    of: str | None = None

    def __post_init__(self) -> None:
        _one_of("of", self.of, ("round", "user"))

    @property
    def stem(self) -> str:
        """By what it shows."""
        return f"cdf-{self.of}" if self.of else "cdf"


@dataclass(frozen=True, kw_only=True)
class Sweep(Wish):
    """A number of the summary (y; scale: linear, log) against a varied setting (x), a line a scheme or value of hue."""

    module = "analysis.figures.sweep"
    x: str
    y: str = "sim_time_s"
    hue: str | None = None
    scale: str = "linear"

    def __post_init__(self) -> None:
        _summary_number("y", self.y)
        _one_of("scale", self.scale, ("linear", "log"))

    @property
    def stem(self) -> str:
        """By what it shows."""
        return f"{self.y}-{self.x}"


@dataclass(frozen=True, kw_only=True)
class Heatmap(Wish):
    """A number of the summary (value) for each pair of two settings that were varied (x, y), a panel a scheme."""

    module = "analysis.figures.heatmap"
    x: str
    y: str
    value: str = "sim_time_s"

    def __post_init__(self) -> None:
        _summary_number("value", self.value)
        if self.x == self.y:
            raise ValueError(f"y = {self.y!r}: the same as x; a heat map has two settings")

    @property
    def stem(self) -> str:
        """By what it shows."""
        return f"{self.value}-{self.x}-{self.y}"


@dataclass(frozen=True, kw_only=True)
class Memory(Wish):
    """The peak of each kind of memory, and of all together, at each node or at the worst of each role."""

    module = "analysis.figures.memory"


@dataclass(frozen=True, kw_only=True)
class OfOneRun(Wish):
    """A figure of one run: of the first, or of the first with that label or folder (run)."""

    run: str | None = None


@dataclass(frozen=True, kw_only=True)
class Gantt(OfOneRun):
    """What every node and link did in one round (round) of a run (run), over time."""

    module = "analysis.figures.gantt"
    round: int = 1

    def __post_init__(self) -> None:
        if self.round < 1:
            raise ValueError(f"round = {self.round}: rounds are counted from 1")

    @property
    def stem(self) -> str:
        """By what it shows."""
        return "-".join(("gantt", *([self.run.replace("/", "-")] if self.run else []), str(self.round)))


@dataclass(frozen=True, kw_only=True)
class Map(OfOneRun):
    """Where users and edge servers are in a run (run), who serves whom, and at what rate (rate: uplink, downlink)."""

    module = "analysis.figures.cell_map"
    rate: str = "uplink"

    def __post_init__(self) -> None:
        _one_of("rate", self.rate, RADIO)


@dataclass(frozen=True, kw_only=True)
class Signals(OfOneRun):
    """What one user (user) of a run (run) met on its way; needs radio.sampling."""

    module = "analysis.figures.signals"
    user: int | None = None


@dataclass(frozen=True, kw_only=True)
class Holdings(OfOneRun):
    """What a node (node) of a run (run) holds in memory over simulated time; else the worst node of each role."""

    module = "analysis.figures.holdings"
    node: str | None = None

    @property
    def stem(self) -> str:
        """By what it shows."""
        return f"holdings-{self.node}" if self.node else "holdings"


@dataclass(frozen=True, kw_only=True)
class Calibration(Wish):
    """What cosim calibrate found: held-out loss against local steps, and rounds to the target with the fitted curve."""

    module = "analysis.figures.calibration"


KINDS: dict[str, type[Wish]] = {
    "curves": Curves,
    "delay": Delay,
    "comparison": Comparison,
    "cdf": Cdf,
    "sweep": Sweep,
    "heatmap": Heatmap,
    "memory": Memory,
    "gantt": Gantt,
    "map": Map,
    "signals": Signals,
    "holdings": Holdings,
    "calibration": Calibration,
}
"""All kinds of figures, by the name that scenarios and the command line use."""


def read(given: str | Mapping[str, Any]) -> Wish:
    """The wish that a scenario or the command line expresses: ``{"kind": "gantt", "round": 2}``, or the kind alone.

    Raises ValueError, one line, for an unknown kind or option, or a value that it cannot have.
    """
    options = {"kind": given} if isinstance(given, str) else dict(given)
    kind = options.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(f"kind = {kind!r}: not one of {', '.join(KINDS)}{_nearest(str(kind), KINDS)}")
    try:
        return _made(KINDS[kind], options)
    except ValueError as error:
        raise ValueError(f"{kind}: {error}") from error


def written(wish: Wish) -> dict[str, Any]:
    """What `read` reads, every option written out."""
    return {"kind": kind_of(wish), **asdict(wish)}


def kind_of(wish: Wish) -> str:
    """The name of its kind."""
    return next(name for name, kind in KINDS.items() if kind is type(wish))


def guessed(options: Mapping[str, Any], settings: Collection[str]) -> str:
    """The kind that somebody means who gives these options; ``settings`` are the keys of the runs' scenarios.

    Raises ValueError if no kind has them all.
    """
    if options.get("x") in settings:
        return "heatmap" if options.get("y") in settings else "sweep"
    for name, kind in KINDS.items():
        if set(options) <= set(options_of(kind)):
            return name
    raise ValueError(f"no kind of figure has all of {', '.join(options)}; name one of {', '.join(KINDS)}")


def options_of(kind: type[Wish]) -> dict[str, Any]:
    """Names and defaults of a kind's options; ``MISSING`` for what must be given."""
    return {field.name: field.default for field in fields(kind)}


def _made(kind: type[Wish], options: Mapping[str, Any]) -> Wish:
    known, types = options_of(kind), get_type_hints(kind)
    for name, value in options.items():
        if name not in known:
            raise ValueError(f"{name} = {value!r}: unknown option; it takes {', '.join(known) or 'none'}")
        if isinstance(value, bool) or not isinstance(value, types[name]):
            wanted = "a whole number" if isinstance(1, types[name]) else "a word"
            raise ValueError(f"{name} = {value!r}: expected {wanted}")
    if lacking := [name for name, default in known.items() if default is MISSING and name not in options]:
        raise ValueError(f"needs {' and '.join(lacking)}, such as {lacking[0]}: radio.bandwidth")
    return kind(**options)


def _one_of(option: str, value: str | None, known: Iterable[str]) -> None:
    if value is not None and value not in known:
        raise ValueError(f"{option} = {value!r}: not one of {', '.join(known)}{_nearest(value, known)}")


def _summary_number(option: str, value: str) -> None:
    """Names of the comparison's table, or dotted keys of the summary, of which every run has its own."""
    from analysis.comparison.quantities import QUANTITIES  # noqa: PLC0415 - pandas, for the few who sweep

    if "." not in value:
        _one_of(option, value, QUANTITIES)


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else ""
