"""What fading was drawn of late: cells look at the same blocks again whenever a transfer comes or goes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from channel_models.fading import Fading

_PAGE_BLOCKS = 32
_PAGE_LINKS = 16  # a page is drawn for so many neighbours at once: up to some 500 numbers a draw costs the same
_LINKS_A_DRAW = 128  # more at once gain no time, and a draw takes some 300 bytes a number while it lasts
_KEPT_GAINS = 1 << 17  # a megabyte
_FEWEST_PAGES = 2  # a window may lie across the border of two, however many links there are


class RecentGains:
    """The gains of `fading`, which must be a function of link and block, for links 0 to `links` - 1.

    They are kept in pages of some blocks and all links, of which those last looked at stay.
    """

    def __init__(self, fading: Fading, links: int) -> None:
        self._fading = fading
        self._links = links
        self._pages: dict[int, NDArray[np.float64]] = {}  # (links, _PAGE_BLOCKS), NaN where not drawn yet
        self._most_pages = max(_FEWEST_PAGES, _KEPT_GAINS // (links * _PAGE_BLOCKS))

    def power_gain(self, links: NDArray[np.int64], first_block: int, blocks: int) -> NDArray[np.float64]:
        """See `Fading.power_gain`."""
        first, last = first_block // _PAGE_BLOCKS, (first_block + blocks - 1) // _PAGE_BLOCKS
        if last - first >= self._most_pages:
            return self._fading.power_gain(links, first_block, blocks)
        gains = [self._gains_of_page(number, links) for number in range(first, last + 1)]
        begin = first_block - first * _PAGE_BLOCKS
        return (gains[0] if first == last else np.concatenate(gains, axis=1))[:, begin : begin + blocks]

    def _gains_of_page(self, number: int, links: NDArray[np.int64]) -> NDArray[np.float64]:
        """Gains (n, _PAGE_BLOCKS) of links (n,), drawn where nobody has asked before."""
        page = self._page(number)
        gains = page[links]
        unknown = np.isnan(gains[:, 0])
        if unknown.any():
            groups = np.unique(links[unknown] // _PAGE_LINKS)
            neighbours = (groups[:, None] * _PAGE_LINKS + np.arange(_PAGE_LINKS)).ravel()
            neighbours = neighbours[neighbours < self._links]
            for start in range(0, len(neighbours), _LINKS_A_DRAW):
                some = neighbours[start : start + _LINKS_A_DRAW]
                page[some] = self._fading.power_gain(some, number * _PAGE_BLOCKS, _PAGE_BLOCKS)
            gains = page[links]
        return gains

    def _page(self, number: int) -> NDArray[np.float64]:
        page = self._pages.pop(number, None)
        if page is None:
            page = np.full((self._links, _PAGE_BLOCKS), np.nan)
        self._pages[number] = page  # as the latest
        if len(self._pages) > self._most_pages:
            del self._pages[next(iter(self._pages))]
        return page
