"""SparseAdapter: a dense round, then a fixed mask."""

from __future__ import annotations

from typing import ClassVar

from cosim.scenario.section import Index, default
from cosim.schemes.federated_select import FederatedSelect, FederatedSelectOptions
from cosim.schemes.options import SchemeOptions


class SparseAdapterOptions(FederatedSelectOptions):
    """One dense round is as FLASC has it."""

    dense_rounds: Index = default(1, "rounds before the mask is made")


class SparseAdapter(FederatedSelect):
    """SparseAdapter (He et al. 2022, arXiv 2210.04284) as FLASC compares with it: pruned once, by magnitude.

    The mask is made of what the dense rounds have learnt, and stays; who has been told it is not told again.
    """

    Options: ClassVar[type[SchemeOptions]] = SparseAdapterOptions

    def renewed(self, number: int) -> bool:
        """See ``MaskedRounds``: for the dense rounds, and once after them."""
        return bool(number == 1 or number == self.options.dense_rounds + 1)
