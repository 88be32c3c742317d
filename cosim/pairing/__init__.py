"""Who trains with which edge server in a round, one policy a file."""
