"""What a sweep is asked for, by the scenario's ``sweep`` section and by the command line, which has the last word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cosim.scenario.errors import ScenarioError
from cosim.scenario.sweep import Sweep
from cosim.seeds import parse_seeds
from cosim.sweep.settings import Settings, grid, sampled, zipped
from cosim.sweep.values import Listed, Values, parse_values


@dataclass(frozen=True, kw_only=True)
class Request:
    """The values of each varied key, how they are combined, the seeds of each point, and whether all schemes run."""

    varied: dict[str, Values]
    zip: bool
    samples: int | None
    seeds: tuple[int, ...]
    compare: bool

    def settings(self, seed: int) -> list[Settings]:
        """What is set at each point, with all seeds of one after another; ``seed`` is that of a sample.

        Raises:
            ScenarioError: values that cannot be combined so.
        """
        if self.zip and self.samples is not None:
            raise ScenarioError(f"--samples {self.samples}: of zipped values there is no sample; leave one out")
        if not self.varied:
            chosen: list[Settings] = [{}]
        elif self.samples is not None:
            chosen = list(sampled(self.varied, self.samples, seed))
        else:
            chosen = list((zipped if self.zip else grid)(self.varied))
        if not self.seeds:
            return chosen
        return [{**each, "seed": seed} for each in chosen for seed in self.seeds]


def request(
    section: Sweep | None,
    vary: Sequence[str],
    *,
    zipped: bool = False,
    samples: int | None = None,
    seeds: str | None = None,
    compare: bool = False,
) -> Request:
    """What is asked for: each ``vary``, ``key=values``, stands for the section's of that key, and so do the others.

    Raises:
        ScenarioError: nothing is varied, values cannot be read, or a key is given twice.
    """
    section = section or Sweep()
    given: dict[str, Values] = {
        key: _values(f"sweep.vary.{key} = {values!r}", values) for key, values in section.vary.items()
    }
    named: set[str] = set()
    for text in vary:
        key, equals, values = text.partition("=")
        if not equals or not key:
            raise ScenarioError(f"--vary {text}: expected key=values, such as radio.bandwidth=5MHz,10MHz")
        if key in named:
            raise ScenarioError(f"--vary {text}: {key} is varied twice")
        named.add(key)
        given[key] = _values(f"--vary {text}", values)
    seeds = seeds if seeds is not None else section.seeds
    if not given and seeds is None:
        raise ScenarioError("nothing is varied; say what, such as --vary radio.bandwidth=5MHz,10MHz, or --seeds 0:5")
    if "seed" in given and seeds is not None:
        raise ScenarioError(f"--seeds {seeds}: seed is varied already")
    return Request(
        varied=given,
        zip=zipped or section.zip,
        samples=samples if samples is not None else section.samples,
        seeds=tuple(parse_seeds(seeds)) if seeds is not None else (),
        compare=compare or section.compare,
    )


def said(values: Values) -> str:
    """The values as a line of text."""
    if not isinstance(values, Listed):
        return f"{values.at(0.0)} to {values.at(1.0)}"
    texts = [str(value) for value in values.values]
    return ", ".join(texts if len(texts) <= 12 else [*texts[:4], "...", *texts[-2:]])


def _values(where: str, given: Any) -> Values:
    try:
        return parse_values(given)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from error
