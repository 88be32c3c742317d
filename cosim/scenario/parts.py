"""Replaceable parts in a scenario: a name, or a name with options beside it (``{name: rician, k: 6 dB}``).

The options are the parameters of the part's class. Where a parameter's name ends in a unit (``k_db``, ``speed_mps``)
the option goes without it and its value carries one (``k: 6 dB``, ``speed: 3 km/h``), as all quantities do.
"""

from __future__ import annotations

import inspect
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator, model_validator

from cosim import registry
from cosim.scenario.errors import shown
from cosim.scenario.option_types import conforming
from cosim.scenario.quantities import BY_SUFFIX, Unit
from cosim.scenario.section import Flag


class Part(BaseModel):
    """A member of a family, by name or reference, and its options."""

    model_config = ConfigDict(frozen=True, extra="allow")

    family: ClassVar[str]
    name: str

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        return {"name": given} if isinstance(given, str) else given

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        return registry.check(cls.family, name)

    @property
    def said(self) -> str:
        """What a scenario says of this part, for messages."""
        return shown(self.model_dump() if self.model_extra else self.name)

    def build(self, **world: Any) -> Any:
        """The part, from its options and from those values of the ``world`` that it asks for.

        Raises:
            ValueError: a part that cannot be imported, or an option that it does not have, lacks, or cannot use.
        """
        made = registry.find(self.family, self.name)
        parameters = inspect.signature(made).parameters
        supplied = {key: value for key, value in world.items() if key in parameters}
        own = {option_of(key): key for key in parameters if key not in world}
        options = self.model_extra or {}
        if unknown := set(options) - set(own):
            raise ValueError(f"{self.name} takes {', '.join(own) or 'no options'}, not {', '.join(sorted(unknown))}")
        lacking = [option for option, key in own.items() if option not in options and _required(parameters[key])]
        if lacking:
            raise ValueError(f"{self.name} needs {', '.join(lacking)}")
        read = {own[option]: _read(made, own[option], value) for option, value in options.items()}
        try:
            return made(**supplied, **read)
        except (TypeError, ArithmeticError, LookupError) as error:
            raise ValueError(f"an option has a value that it cannot be made with: {error}") from error


class PathLossPart(Part):
    """How much power distance takes: the name of a model, with its options beside it."""

    family = "pathloss"
    name: str = "macro"


class FadingPart(Part):
    """How the received power wavers: the name of a model, with its options beside it."""

    family = "fading"
    name: str = "rayleigh"


class RatePart(Part):
    """How many bits the quality of a signal carries: the name of a model, with its options beside it."""

    family = "rate"
    name: str = "shannon"


class LayoutPart(Part):
    """Where edge servers stand: the name of a layout, with its options beside it."""

    family = "layout"
    name: str = "separate"


class MobilityPart(Part):
    """Where users are and go: the name of a model, with its options beside it."""

    family = "mobility"
    name: str = "static"


class AccessPart(Part):
    """Who has the cell when: the name of a policy, with its options beside it."""

    family = "access"
    name: str = "equal_share"


class AllocationPart(Part):
    """Who has which part of the uplink band: the name of an allocator, with its options beside it."""

    family = "allocation"
    name: str = "fedsllm"
    every: Literal["run", "round"] = "run"
    """Dealt once by mean gains, or anew by the gains as a round begins."""


class AggregationPart(Part):
    """What a server makes of reports that come at any time: the name of a way, with its options beside it."""

    family = "aggregation"
    name: str


class PairingPart(Part):
    """Which users train with the edge servers in a round: the name of a policy, with its options beside it."""

    family = "pairing"
    name: str = "round_robin"


class CutPolicyPart(Part):
    """Where clients cut the model as training goes on: the name of a policy, with its options beside it."""

    family = "cuts"
    name: str = "fixed"


class InterferencePart(Part):
    """What is heard from other cells: the name of a model, with its options beside it."""

    family = "interference"
    name: str = "none"


class AvailabilityPart(Part):
    """When somebody is there: the name of a model, with its options beside it."""

    family = "availability"
    name: str = "always"


class OptimiserPart(Part):
    """How a gradient becomes a step: the name of an optimiser, with its options beside it."""

    family = "optimiser"
    name: str = "adamw"

    def build_over(self, **usual: Any) -> Any:
        """The optimiser; what is ``usual`` holds where the part does not say otherwise. See ``build``."""
        return self.build(**{key: value for key, value in usual.items() if key not in (self.model_extra or {})})


class CompressionPart(Part):
    """How payloads of a kind are made small: the name of a compressor, with its options beside it."""

    family = "compression"
    name: str = "none"
    error_feedback: Flag = False
    """Whether what is left out of an adapter comes on top of the sender's next one."""


class Partition(Part):
    """Who holds what: the name of a partitioner, with its options beside it (``{name: dirichlet, alpha: 0.1}``)."""

    family = "partition"
    name: str = "natural"


def _required(parameter: inspect.Parameter) -> bool:
    named = parameter.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return named and parameter.default is inspect.Parameter.empty


def _unit(key: str) -> tuple[str, Unit] | None:
    return next(((suffix, unit) for suffix, unit in BY_SUFFIX.items() if key.endswith(suffix)), None)


def option_of(key: str) -> str:
    """What a scenario calls the parameter ``key`` of a part: without the unit at its end."""
    found = _unit(key)
    return key.removesuffix(found[0]) if found else key


def _read(made: Any, key: str, value: Any) -> Any:
    """The value of parameter ``key`` of ``made``: a number if its name has a unit, and in the type declared there."""
    try:
        return conforming(made, key, _measured(key, value))
    except ValueError as error:
        raise ValueError(f"{option_of(key)} = {shown(value)}: {error}") from error


def _measured(key: str, value: Any) -> Any:
    """``value`` as a number if the name of ``key`` has a unit, each of a list; lists become tuples."""
    if isinstance(value, list):
        return tuple(_measured(key, each) for each in value)
    found = _unit(key)
    return value if found is None or value is None else found[1].read(value)


Tracker = Annotated[str, AfterValidator(lambda name: registry.check("trackers", name))]
"""The name of a tracker, which has no options."""
