"""Training protocols, one a file, each a story to be read beside its paper."""
