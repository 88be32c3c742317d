import math

import numpy as np
import pytest

from channel_models.randomness import Stream
from channel_models.shadowing import LogNormalShadowing

LINKS = 100_000
SIGMA_DB = 8.0
STANDARD_ERRORS = 4.9  # a right generator misses with probability 1e-6; the seed is fixed
SHADOWING = LogNormalShadowing(stream=Stream(0, "shadowing"), sigma_db=SIGMA_DB)


def test_shadowing_has_mean_zero_and_the_stated_deviation():
    loss_db = SHADOWING.loss_db(np.arange(LINKS))
    assert abs(loss_db.mean()) < STANDARD_ERRORS * SIGMA_DB / math.sqrt(LINKS)
    assert abs(loss_db.std() - SIGMA_DB) < STANDARD_ERRORS * SIGMA_DB / math.sqrt(2 * LINKS)


def test_a_link_keeps_its_draw_whoever_joins():
    assert (SHADOWING.loss_db(np.arange(8))[:5] == SHADOWING.loss_db(np.arange(5))).all()


def test_deviation_only_scales_the_draw():
    half = LogNormalShadowing(stream=SHADOWING.stream, sigma_db=SIGMA_DB / 2)
    assert (2 * half.loss_db(np.arange(5)) == SHADOWING.loss_db(np.arange(5))).all()


@pytest.mark.parametrize("sigma_db", [-1.0, float("nan")])
def test_a_negative_deviation_is_an_error(sigma_db):
    with pytest.raises(ValueError, match="sigma_db must not be negative"):
        LogNormalShadowing(stream=Stream(0, "shadowing"), sigma_db=sigma_db)
