"""What every scheme can be told in a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cosim.scenario.compression import Compression, Way
from cosim.scenario.section import Count, Section, default

if TYPE_CHECKING:
    from cosim.scenario.learning import Training
    from cosim.scenario.models import Scenario
    from training.optimiser import Optimiser


class SchemeOptions(Section):
    """Subclasses add their own, and say what else a scenario must be for their scheme."""

    name: str
    label: str = default(
        "", "what tables and figures call it; else its name", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$"
    )
    rounds: Count = 10
    local_steps: Count = default(4, "mini-batches of each user in a round")
    compression: Compression = default({}, "which payloads are made small before they are sent, and how")

    ways: ClassVar[frozenset[Way]] = frozenset()
    """What the scheme sends that can be compressed; nothing, unless a subclass says so."""
    differences: ClassVar[bool] = True
    """Whether adapters go between sides that both know what went before."""

    @property
    def uses_every_link(self) -> bool:
        """Whether each user is sure to send and to receive, in its part of the band as the scenario divides it."""
        return False

    def optimiser(self, training: Training) -> Optimiser:
        """What steps the adapters of users and servers; the scenario's, unless a subclass has its own.

        Raises:
            ValueError: it cannot be made.
        """
        return training.build()

    def problems(self, scenario: Scenario) -> list[str]:
        """What of ``scenario`` the scheme cannot be run with, a line each."""
        return list(self.compression.problems(self.ways, self.differences, scenario.payloads))
