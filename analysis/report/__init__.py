"""Runs as one page for a browser, which holds all it shows and asks the network for nothing."""
