"""SplitFT's experiments done again, one a file."""
