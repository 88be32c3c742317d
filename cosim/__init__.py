"""When does it happen? The simulated clock, nodes, links and schemes of the co-simulator, and its command line."""
