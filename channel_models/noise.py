"""Thermal noise."""

from __future__ import annotations

import numpy as np

from channel_models.decibels import Real, db_to_linear

BOLTZMANN_J_PER_K = 1.380649e-23  # exact in the SI since 2019
NOISE_TEMPERATURE_K = 290.0  # the temperature at which noise figures are defined


def noise_w(bandwidth_hz: Real, noise_figure_db: float) -> Real:
    """Noise power in watts over `bandwidth_hz`: k T B F, with kT = -173.975 dBm/Hz at 290 K and F the noise figure.

    ValueError unless every bandwidth is positive.
    """
    if not np.greater(bandwidth_hz, 0.0).all():
        raise ValueError(f"bandwidth_hz must be positive, got {np.min(bandwidth_hz)}")
    density_w_per_hz = BOLTZMANN_J_PER_K * NOISE_TEMPERATURE_K * db_to_linear(noise_figure_db)
    return bandwidth_hz * density_w_per_hz
