"""Dense LoRA of a rank under FedOpt: what sparse messages are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from cosim.nodes import User
from cosim.scenario.section import Count, default
from cosim.schemes.fedopt import FedOpt, FedOptOptions
from cosim.schemes.options import SchemeOptions

if TYPE_CHECKING:
    from cosim.scenario.models import Scenario


class FedLoraOptions(FedOptOptions):
    """How wide adapters are, so that one scenario can compare dense messages of several sizes."""

    rank: Count | None = default(None, "of what users train and send; else the model's")

    def problems(self, scenario: Scenario) -> list[str]:
        """See ``FedOptOptions``; also a rank above the model's."""
        found = super().problems(scenario)
        lora = scenario.model.lora
        widest = max([lora.r, *lora.rank_pattern.values()])
        if (self.rank or 0) > widest:
            found.append(f"scheme.rank = {self.rank}: the adapter's rank is {widest} (model.lora)")
        return found


class FedLora(FedOpt):
    """Dense messages both ways.

    With a ``rank`` all is as with a model of that rank and the same alpha / r: what is beyond stays at the server,
    where its B is zero.
    """

    Options: ClassVar[type[SchemeOptions]] = FedLoraOptions

    def rank_of(self, user: User) -> int | None:
        """See ``FedOpt``: no more than the scheme's."""
        return min((rank for rank in (user.rank, self.options.rank) if rank is not None), default=None)
