"""Many runs of one scenario: its points, who runs them in which order, and the table of what came out."""
