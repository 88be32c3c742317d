"""A run as a timeline: who did what when, what was used where, and how much of it there was at any time."""
