"""Simulated instants in whole nanoseconds, as the simulation counts them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

NS_PER_S = 1_000_000_000


def to_ns(seconds: "pd.Series[float]") -> NDArray[np.int64]:
    """The nanoseconds that ``seconds`` were made from; exact up to 2**52 ns, which are 52 days."""
    return np.rint(seconds.to_numpy(dtype=np.float64) * NS_PER_S).astype(np.int64)
