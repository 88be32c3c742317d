"""What a round asks of each user, as a scheme knows it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cosim.allocation.problem import Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Demand:
    """Arrays (K,) over all users.

    ``compute_s`` is the time of a local iteration, of user and servers together and without any waiting;
    ``adapter_bits`` go up once a round, ``activation_bits`` once a local iteration, or with ``each_iteration`` unset
    once a round, too.
    """

    compute_s: Array
    adapter_bits: Array
    activation_bits: Array
    each_iteration: bool = True

    def a_round(self, bits: float) -> Demand:
        """The same, with so many bits of activations in a round, however many iterations it has."""
        return replace(self, activation_bits=np.full_like(self.activation_bits, bits), each_iteration=False)
