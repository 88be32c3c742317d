"""CELLM: payloads, delays of rounds, and what methods learn for their bytes."""
