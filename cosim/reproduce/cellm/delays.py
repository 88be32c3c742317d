"""How long a round takes against the density of messages, and against how much slower the uplink is.

A round is, for the slowest of K clients, download / R_dl + local computing + upload / R_ul. Each client has a part of
the band of its own here, so that the rates are those of the round with dense messages, and the formula must hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from cosim.allocation.problem import Array
from cosim.clock import NS_PER_S
from cosim.reproduce.curve import Curve
from cosim.reproduce.row import Row
from training.compression.density import kept
from training.compression.encodings import encoding
from training.payloads import SCALAR_BYTES

if TYPE_CHECKING:
    from cosim.reproduce.gpt2 import Gpt2Small
    from cosim.runner import Run

RATIOS, FEW_RATIOS = (1, 2, 4, 9, 19), (1, 9)
"""Of the rate of the downlink to that of the uplink."""
DENSITIES = tuple(Fraction(1, 2**power) for power in range(7))
FEW_DENSITIES = DENSITIES[::3]
SLOW_UPLINK = 9
"""The ratio at which densities are varied."""
TOLERANCE = 0.01
_ONE = Fraction(1)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Densities of what goes down and up, and the ratio of the downlink's rate to the uplink's."""

    download: Fraction
    upload: Fraction
    ratio: int

    @property
    def overrides(self) -> list[str]:
        """The same for a run; with equal powers and noise figures both ways, rates are as the shares of time."""
        return [
            f"scheme.download={self.download}",
            f"scheme.upload={self.upload}",
            f"radio.uplink_time={1.0 / (1 + self.ratio)!r}",
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """Seconds (K,) that each client's download and upload take, and what lies before, between and after them.

    ``numbers`` is how many an upload has.
    """

    down_s: Array
    up_s: Array
    rest_s: Array
    delay_s: float
    numbers: int


def measured(run: Run) -> Round:
    """Of a run of one round, in which all clients take part."""
    events = run.world.recorder.activities.columns()
    seconds = (events["end_ns"] - events["start_ns"]) / NS_PER_S
    clients = range(len(run.world.users))

    def by_client(kind: str) -> Array:
        return np.array([seconds[(events["kind"] == kind) & (events["user"] == user)].sum() for user in clients])

    ended = [
        events["end_ns"][(events["kind"] == "uplink") & (events["user"] == user)].max() / NS_PER_S for user in clients
    ]
    down_s, up_s, delay_s = by_client("downlink"), by_client("uplink"), run.observer.ended_s
    server_s = delay_s - max(ended)
    sent = events["adapter_bytes"][events["kind"] == "uplink"].max()
    return Round(
        down_s=down_s,
        up_s=up_s,
        rest_s=np.array(ended) - down_s - up_s + server_s,
        delay_s=delay_s,
        numbers=int(sent) // SCALAR_BYTES,
    )


def formula_s(dense: Round, setting: Setting) -> float:
    """The delay that the papers' formula has with messages of these densities, at the rates of the ``dense`` round."""
    down, up = (_share(density, dense.numbers) for density in (setting.download, setting.upload))
    return float((down * dense.down_s + dense.rest_s + up * dense.up_s).max())


def _share(density: Fraction, numbers: int) -> float:
    """Bytes of a message in those of a dense one, as the cheapest encoding has them."""
    return encoding("cheapest").nbytes(kept(density, numbers), numbers) / (SCALAR_BYTES * numbers)


class Study:
    """Analytic runs of ``cellm``, each setting once."""

    def __init__(self, world: Gpt2Small) -> None:
        self._world = world
        self._rounds: dict[Setting, Round] = {}

    def round(self, setting: Setting) -> Round:
        """One with these messages; at density 1 it is dense LoRA."""
        if setting not in self._rounds:
            self._rounds[setting] = measured(self._world.run("cellm", setting.overrides))
        return self._rounds[setting]

    def curve(self, quantity: str, lines: Mapping[str, Sequence[Setting]], values: Sequence[float]) -> Curve:
        """Round delays of settings, one for each of ``values``, a line a name."""
        delays = {
            name: np.array([self.round(setting).delay_s for setting in settings]) for name, settings in lines.items()
        }
        return Curve(quantity=quantity, unit="", values=np.array(values), delay_s=delays, measured="round delay")

    def rows(self) -> list[Row]:
        """Delays of all settings so far beside the formula's, and how much they are shorter than dense ones."""
        judged = [row for setting in self._rounds for row in self._judged(setting)]
        return [*judged, *(self._gain(setting) for setting in self._rounds if _both(setting))]

    def _dense(self, setting: Setting) -> Round:
        return self.round(Setting(download=_ONE, upload=_ONE, ratio=setting.ratio))

    def _judged(self, setting: Setting) -> list[Row]:
        if setting.download == setting.upload == _ONE:
            return []
        expected = formula_s(self._dense(setting), setting)
        return [
            Row(group="round delay at GPT-2 small's size, K = 10", name=_named(setting), unit="s", known="derived",
                ours=self._rounds[setting].delay_s, expected=expected, tolerance=TOLERANCE * expected,
                why="at the rates of the dense round; finding the largest numbers is computing, too")
        ]  # fmt: skip

    def _gain(self, setting: Setting) -> Row:
        ours = self._dense(setting).delay_s / self._rounds[setting].delay_s
        group = "round delay of dense messages over that of sparse ones"
        return Row(group=group, name=_named(setting), ours=ours, unit="times", known="ours")


def against_density(study: Study, densities: Sequence[Fraction]) -> Curve:
    """Round delay with sparse messages both ways, or one way alone, where the uplink is slow."""
    lines = {
        "both ways": [Setting(download=each, upload=each, ratio=SLOW_UPLINK) for each in densities],
        "upload alone": [Setting(download=_ONE, upload=each, ratio=SLOW_UPLINK) for each in densities],
        "download alone": [Setting(download=each, upload=_ONE, ratio=SLOW_UPLINK) for each in densities],
    }
    return study.curve("density", lines, [float(each) for each in densities])


def against_ratio(study: Study, ratios: Sequence[int]) -> Curve:
    """Round delay with dense and with sparse messages as the uplink becomes slower, and the downlink faster."""
    some = (_ONE, Fraction(1, 4), Fraction(1, 16))
    lines = {
        _density_name(density): [Setting(download=density, upload=density, ratio=ratio) for ratio in ratios]
        for density in some
    }
    lines["upload alone, density 1/16"] = [
        Setting(download=_ONE, upload=some[-1], ratio=ratio) for ratio in ratios
    ]  # fmt: skip
    return study.curve("ratio of downlink to uplink rate", lines, [float(ratio) for ratio in ratios])


def _both(setting: Setting) -> bool:
    return setting.download == setting.upload != _ONE


def _density_name(density: Fraction) -> str:
    return "dense" if density == _ONE else f"density {density}"


def _named(setting: Setting) -> str:
    ways = f"{_density_name(setting.download)} down, {_density_name(setting.upload)} up"
    return f"{ways}, downlink {setting.ratio} times as fast"
