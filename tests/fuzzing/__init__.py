"""Damaged input for every loader: whatever is in a file, it is read, or refused in words, and nothing else happens."""
