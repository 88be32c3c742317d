"""Compressors: vectors made small for the wire, one way a file."""
