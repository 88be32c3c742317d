"""How sure is a mean over a few seeds? A studentised, smoothed bootstrap, which says the same on every call.

Resampled means of few values spread too little: percentile and BCa intervals of five normal values hold the truth 85
times in a hundred, not 95. The studentised bootstrap resamples Student's t instead, the mean over its standard error,
and so is right for normal values and keeps most of the promise for skewed ones, where Student's own table does not
(Hall, "The Bootstrap and Edgeworth Expansion", 1992; Hesterberg, "What Teachers Should Know About the Bootstrap",
2015). Resamples of few values often repeat one value, and then t is infinite; a little normal noise on each draw, the
smoothed bootstrap (Silverman and Young, 1987), takes that away, and with it ends far beyond anything seen.

Measured coverage of 95 % intervals of 3, 5 and 10 values: normal 99, 95, 95; uniform 96, 95, 97; Student's t of three
degrees 98, 94, 93; lognormal of sigma 0.5 97, 94, 93; exponential 93, 92, 93, where Student's table has 87 to 91. What
no method mends at so few values is a long tail of which they hold nothing: lognormal of sigma one 90, 87, 89.
"""

from dataclasses import dataclass
from math import exp, nan

import numpy as np
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
"""Of intervals in tables and of bands in figures."""

FEWEST = 3
"""Values below which there is no interval: one has no spread, and that of two says next to nothing of the truth's, so
that Student's interval is over ten times as wide as they are apart."""

SMOOTHING = 0.5
"""Standard deviation of the noise, in standard errors of the mean. Chosen by measurement: without noise, intervals of
three values are infinite; with a whole standard error, those of exponential values cover a hundredth less."""

PAIRS_OF_RESAMPLES = 5_000
_SEED = 20_000


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and the interval about it; without one, ends are NaN."""

    mean: float
    low: float = nan
    high: float = nan

    def columns(self, name: str) -> dict[str, float]:
        """As a row of a table has it: `name`, the mean, and the ends, `name_low` and `name_high`."""
        return {name: self.mean, f"{name}_low": self.low, f"{name}_high": self.high}


def mean_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """The mean of independent values and its interval, with equal shares of error on both sides.

    Of fewer than `FEWEST` values there is no interval; equal values have one without width. A value that is no finite
    number makes all NaN: nothing is left out unsaid.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.size == 0 or not np.isfinite(given).all():
        return Interval(mean=nan)
    spread = float(np.ptp(given))
    mean = float(given.mean()) if spread else float(given[0])
    if given.size < FEWEST:
        return Interval(mean=mean)
    if spread == 0:
        return Interval(mean=mean, low=mean, high=mean)
    error = float(given.std(ddof=1)) / given.size**0.5
    t = np.sort(_resampled_t((given - mean) / error))
    rank = round((1 - confidence) / 2 * t.size)
    return Interval(mean=mean, low=mean - float(t[-rank]) * error, high=mean - float(t[rank - 1]) * error)


def ratio_interval(values: ArrayLike, confidence: float = CONFIDENCE) -> Interval:
    """The geometric mean of ratios and its interval, worked out for their logarithms.

    So a ratio and its inverse say the same, no end is negative, and skewed ratios are nearly normal. NaN if a value is
    no positive number.
    """
    given = np.asarray(values, dtype=np.float64)
    if not ((given > 0) & np.isfinite(given)).all():
        return Interval(mean=nan)
    found = mean_interval(np.log(given), confidence)
    return Interval(mean=exp(found.mean), low=exp(found.low), high=exp(found.high))


def _resampled_t(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Student's t of resamples of values in standard errors about their mean; noise comes with both signs."""
    generator = np.random.default_rng(_SEED)
    chosen = values[generator.integers(0, values.size, (PAIRS_OF_RESAMPLES, values.size))]  # (resample, value)
    noise = SMOOTHING * generator.standard_normal(chosen.shape)
    resamples = np.concatenate([chosen + noise, chosen - noise])
    t: NDArray[np.float64] = resamples.mean(axis=1) / resamples.std(axis=1, ddof=1) * values.size**0.5
    return t
