"""Settings of all tests."""

from hypothesis import settings

# A timed assertion does not stand in the suite: machines are shared. The same examples on every run: a failure repeats.
settings.register_profile("cosim", deadline=None, derandomize=True)
settings.load_profile("cosim")
