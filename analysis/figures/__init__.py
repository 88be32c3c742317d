"""Figures: each kind in a file of its own, all of them named in ``kinds``, drawn and saved by ``drawing``."""
