"""What goes wrong in the simulated world, one kind a file; what a scheme then does is the scheme's own affair."""
