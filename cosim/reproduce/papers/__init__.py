"""Papers whose experiments are done again, one a file."""
