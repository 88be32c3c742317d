"""The miniature world of the schemes' tests."""

from tests.cosim.schemes.conftest import run_small, small_model, small_scenario

__all__ = ["run_small", "small_model", "small_scenario"]
