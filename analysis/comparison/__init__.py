"""Schemes in numbers: over seeds, with intervals, paired, against a baseline and up to a target; as tables."""
