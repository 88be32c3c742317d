"""How fast a device computes: by its speed, by a measured profile, by a file of the devices that people have."""

from cosim.devices.capacities import Population, read_population
from cosim.devices.time_models import Faster, MeasuredProfile, SteadySpeed, TimeModel, read_profile

__all__ = ["Faster", "MeasuredProfile", "Population", "SteadySpeed", "TimeModel", "read_population", "read_profile"]
