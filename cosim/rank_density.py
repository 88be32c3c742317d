"""CELLM's search for rank and density: both double the message, and which of them is worth it only training tells.

From the smallest rank r and density d, (2 r, d) is tried against (r, 2 d), for a number of rounds each; the better one
is gone on from, until neither is better than what there was, or the next message would be too large. This is our
reading of a search that the abstract of CELLM (arXiv 2407.20557) names and does not describe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from cosim.scenario import Scenario, ScenarioError
from cosim.scenario.entries import entries

_DENSITIES = ("download", "upload", "density")
"""What schemes call the density of their messages."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A rank of the adapter, and the share of its numbers that travels."""

    rank: int
    density: Fraction

    @property
    def name(self) -> str:
        """For tables."""
        return f"rank {self.rank}, density {self.density}"

    @property
    def label(self) -> str:
        """For folders."""
        return f"rank-{self.rank}-density-{self.density}".replace("/", "_")

    def doubled(self) -> list[Setting]:
        """The two whose messages are twice as large; one, where all is sent already."""
        wider = Setting(rank=2 * self.rank, density=self.density)
        denser = Setting(rank=self.rank, density=2 * self.density)
        return [wider, denser] if denser.density <= 1 else [wider]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of a setting: ``score``, the more the better, of what it was ``compared_with``."""

    setting: Setting
    score: float
    compared_with: Setting | None = None
    taken: bool = False


def search(begin: Setting, score: Callable[[Setting], float], fits: Callable[[Setting], bool]) -> list[Trial]:
    """All trials in their order, the first that of ``begin``; the last one ``taken`` is the answer.

    A setting that does not fit is not tried.
    """
    best = Trial(setting=begin, score=score(begin), taken=True)
    trials = [best]
    while candidates := [setting for setting in best.setting.doubled() if fits(setting)]:
        scores = [score(setting) for setting in candidates]
        winner = max(range(len(scores)), key=scores.__getitem__)
        better = scores[winner] > best.score
        trials += [
            Trial(setting=setting, score=scores[place], compared_with=best.setting, taken=better and place == winner)
            for place, setting in enumerate(candidates)
        ]
        if not better:
            break
        best = next(trial for trial in reversed(trials) if trial.taken)
    return trials


def trial_of(scenario: Scenario, setting: Setting, rounds: int) -> Scenario:
    """The scenario of a trial: ``alpha / r`` stays, so that a rank is no other learning rate; evaluated at the end.

    Raises:
        ScenarioError: a scheme without a density, ranks of users or of matrices, or an analytic run.
    """
    if scenario.execution == "analytic":
        raise ScenarioError("execution = 'analytic': such a run learns nothing; expected deferred or eager")
    lora = scenario.model.lora
    for key, given in (("users.ranks", scenario.users.ranks), ("model.lora.rank_pattern", lora.rank_pattern)):
        if given:
            raise ScenarioError(f"{key} = {given!r}: the search tries one rank for all; leave it out")
    known = entries(scenario)[0].scheme.Options.model_fields
    densities = {name: str(setting.density) for name in _DENSITIES if name in known}
    if not densities:
        raise ScenarioError(f"scheme.name = {scenario.scheme['name']!r}: has no density; expected such as cellm")
    narrow = lora.model_copy(update={"r": setting.rank, "alpha": lora.alpha * setting.rank / lora.r})
    changes = {
        "scheme": {**scenario.scheme, **densities, "rounds": rounds, "label": setting.label},
        "compare": (),
        "model": scenario.model.model_copy(update={"lora": narrow}),
        "evaluation": scenario.evaluation.model_copy(update={"every": rounds}),
    }
    return scenario.model_copy(update=changes)
