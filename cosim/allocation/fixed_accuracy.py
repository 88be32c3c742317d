"""The bands of FedsLLM for a local accuracy that nobody has chosen well."""

from __future__ import annotations

from dataclasses import dataclass

from cosim.allocation.fedsllm import OptimalBands


@dataclass(frozen=True, kw_only=True, eq=False)
class FixedAccuracy(OptimalBands):
    """Bands of least delay for a local accuracy that stays as it is: FE of Yang et al. (arXiv 2007.03462)."""

    eta: float | None = 0.1
