"""Scenario files: what a user may write, checked before anything expensive starts."""

from cosim.scenario.errors import ScenarioError
from cosim.scenario.loading import load_scenario, write_scenario
from cosim.scenario.models import Scenario

__all__ = ["Scenario", "ScenarioError", "load_scenario", "write_scenario"]
