"""The best channel for its kind first."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from cosim.access.base import Flows, Shares
from cosim.access.max_rate import to_the_best
from cosim.clock import to_ns

_PAGE_BLOCKS = 64
_LEAST_BPS = 1e-9  # who had nothing comes first


@dataclass(kw_only=True)
class ProportionalFair:
    """In each fading block the transfer whose rate is highest over what it had of late has the whole cell.

    argmax R / T with T <- T + (R served - T) (1 - exp(-block / window)) at the end of a block (P. Viswanath, D. Tse and
    R. Laroia, "Opportunistic beamforming using dumb antennas", 2002). A transfer begins as if it had had the same share
    of its present rate as the others had of theirs; equals share the time. What changes within a block counts for the
    whole block in T. ValueError unless the window is positive.
    """

    block_ns: int
    window_s: float = 2.0
    divides: ClassVar[Literal["time"]] = "time"
    _run: _Run | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        if not (self.window_s > 0.0 and math.isfinite(self.window_s)):
            raise ValueError(f"window_s must be positive, got {self.window_s}")

    def shares(self, flows: Flows, first_block: int, blocks: int) -> Shares:
        """See ``Access.shares``."""
        if self._run is None or self._run.flows.epoch != flows.epoch:
            self._run = self._begun(flows, first_block)
        return self._run.shares(first_block, blocks)

    def _begun(self, flows: Flows, block: int) -> _Run:
        """The averages go on for transfers that were there before; others begin at par with them."""
        before: dict[int, float] = {}
        if self._run is not None:
            before = dict(zip(self._run.flows.ids, self._run.average_bps(block).tolist(), strict=True))
        rates = dict(zip(flows.ids, flows.alone_bps(block, 1)[:, 0].tolist(), strict=True))
        stayed = [id_ for id_ in flows.ids if id_ in before]
        could_bps = sum(rates[id_] for id_ in stayed)
        par = sum(before[id_] for id_ in stayed) / could_bps if could_bps else 1.0
        had_bps = np.array([before.get(id_, par * rate) for id_, rate in rates.items()])
        forget = -math.expm1(-self.block_ns / to_ns(self.window_s))
        return _Run(flows=flows, begin=block, start_bps=had_bps, forget=forget)


@dataclass(kw_only=True)
class _Run:
    """The decisions about transfers that stay the same, from block ``begin`` on, in pages."""

    flows: Flows
    begin: int
    start_bps: NDArray[np.float64]
    forget: float
    _pages: list[Shares] = field(default_factory=list)
    _averages: list[NDArray[np.float64]] = field(default_factory=list)  # (k,) at the end of each page

    def shares(self, first_block: int, blocks: int) -> Shares:
        """The decisions (k, blocks) on these blocks."""
        first = first_block - self.begin
        pages = range(first // _PAGE_BLOCKS, (first + blocks - 1) // _PAGE_BLOCKS + 1)
        together = np.concatenate([self._page(number) for number in pages], axis=1)
        offset = first - pages[0] * _PAGE_BLOCKS
        return together[:, offset : offset + blocks]

    def average_bps(self, block: int) -> NDArray[np.float64]:
        """What each had of late (k,) when ``block`` begins."""
        number, rest = divmod(block - self.begin, _PAGE_BLOCKS)
        return self._decided(number, rest)[1]

    def _page(self, number: int) -> Shares:
        while len(self._pages) <= number:
            shares, average_bps = self._decided(len(self._pages), _PAGE_BLOCKS)
            self._pages.append(shares)
            self._averages.append(average_bps)
        return self._pages[number]

    def _decided(self, page: int, blocks: int) -> tuple[Shares, NDArray[np.float64]]:
        """Decisions (k, blocks) on the first blocks of a page, and the averages (k,) after them."""
        if page:
            self._page(page - 1)
        average_bps = self._averages[page - 1] if page else self.start_bps
        rates = self.flows.alone_bps(self.begin + page * _PAGE_BLOCKS, _PAGE_BLOCKS)[:, :blocks]
        shares = np.empty_like(rates)
        for number, column in enumerate(rates.T):
            shares[:, number] = to_the_best((column / np.maximum(average_bps, _LEAST_BPS))[:, None])[:, 0]
            average_bps = average_bps + (shares[:, number] * column - average_bps) * self.forget
        return shares, average_bps
