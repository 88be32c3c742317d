"""What do we see? Result folders read back, compared in a table and drawn; nothing of the simulator is imported.

``analysis.load("runs/quickstart")`` gives the runs of a folder, and their tables.
"""

from analysis.load import Results, load
from analysis.result import Result

__all__ = ["Result", "Results", "load"]
