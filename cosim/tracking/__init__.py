"""Who hears of a run while it goes on: the terminal, the tables in its folder, and trackers of experiments."""
