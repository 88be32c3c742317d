"""The schemes a scenario names: the one to run, and those to compare it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cosim import registry
from cosim.scenario.errors import ScenarioError, describe
from cosim.scenario.models import Scenario
from cosim.scenario.section import keys_of

if TYPE_CHECKING:
    from cosim.schemes.base import Scheme
    from cosim.schemes.options import SchemeOptions


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A scheme with its options, under the label that names its results."""

    label: str
    scheme: type[Scheme]
    options: SchemeOptions


def entries(scenario: Scenario) -> list[Entry]:
    """The scheme of ``scenario`` and those of its ``compare`` list.

    A compared scheme has the options of the first one, where it knows them, unless it says otherwise.

    Raises:
        ScenarioError: an unknown scheme or option, a wrong value, or one label twice.
    """
    first = _entry("scheme", scenario.scheme)
    found = [first]
    for index, wanted in enumerate(scenario.compare):
        key = f"compare.{index}"
        found.append(_entry(key, {**inherited(key, wanted, scenario.scheme), **wanted}))
    labels = [entry.label for entry in found]
    for label in labels:
        if labels.count(label) > 1:
            raise ScenarioError(f"compare: {label!r} stands twice; give one of them a label of its own")
    return found


def inherited(key: str, wanted: dict[str, Any], scheme: dict[str, Any]) -> dict[str, Any]:
    """The options of ``scheme`` that the scheme ``wanted`` at ``key`` knows; name and label are each one's own.

    Of its compression, what the wanted one sends, too.

    Raises:
        ScenarioError: there is no such scheme.
    """
    known: type[SchemeOptions] = _scheme(key, wanted).Options
    options = {
        name: value for name, value in scheme.items() if name in known.model_fields and name not in ("name", "label")
    }
    if isinstance(ways := options.get("compression"), dict):
        options["compression"] = {way: part for way, part in ways.items() if way in known.ways}
    return options


def single(scenario: Scenario, entry: Entry) -> Scenario:
    """The scenario of one run of a comparison or a sweep."""
    alone = {"scheme": entry.options.model_dump(mode="json"), "compare": (), "sweep": None}
    return scenario.model_copy(update=alone)


def _scheme(key: str, wanted: dict[str, Any]) -> type[Scheme]:
    name = wanted.get("name")
    if not isinstance(name, str):
        raise ScenarioError(f"{key}.name: missing; one of {', '.join(registry.FAMILIES['schemes'])}")
    try:
        scheme: type[Scheme] = registry.find("schemes", name)
    except ValueError as error:
        raise ScenarioError(f"{key}.name = {name!r}: {error}") from error
    if not hasattr(scheme, "Options"):
        raise ScenarioError(f"{key}.name = {name!r}: not a scheme, a subclass of cosim.schemes.base:Scheme")
    return scheme


def _entry(key: str, wanted: dict[str, Any]) -> Entry:
    scheme = _scheme(key, wanted)
    try:
        options = scheme.Options.model_validate(wanted)
    except ValidationError as error:
        problems = str(describe(error, key, keys_of(scheme.Options), wanted)).split("\n")
        raise ScenarioError("\n".join(problem.replace(": ", ".", 1) for problem in problems)) from error
    return Entry(label=options.label or options.name.split(":")[-1], scheme=scheme, options=options)
