import math

import pytest

from cosim.allocation.learning_model import LearningModel


def test_constants_are_those_of_the_lemmas() -> None:
    """L = 4, gamma = 2, delta = xi = 0.1: v = 2 / (1.6 * 0.1 * 2), a = 2 * 16 / (4 * 0.1) * ln 1000."""
    model = LearningModel.of_losses(smoothness=4.0, convexity=2.0, step=0.1, xi=0.1, accuracy=1e-3)
    assert model.v == pytest.approx(6.25)
    assert model.a == pytest.approx(80 * math.log(1000))


def test_a_coarser_local_solution_takes_fewer_iterations_and_more_rounds() -> None:
    model = LearningModel(a=160.0, v=4.0)
    assert model.iterations(0.25) == 8.0
    assert model.rounds(0.25) == pytest.approx(160 / 0.75)
    step = 1e-6
    slope = (model.iterations(0.25 + step) - model.iterations(0.25 - step)) / (2 * step)
    assert model.iterations_slope(0.25) == pytest.approx(slope, rel=1e-6)  # central differences


@pytest.mark.parametrize(("name", "value"), [("a", 0.0), ("v", -1.0), ("a", math.nan)])
def test_constants_must_be_positive(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must be positive"):
        LearningModel(**{"a": 1.0, "v": 1.0, name: value})


def test_a_step_that_diverges_is_refused() -> None:
    with pytest.raises(ValueError, match="step must be between 0 and 2 / L"):
        LearningModel.of_losses(smoothness=4.0, convexity=2.0, step=0.5, xi=0.1, accuracy=1e-3)
