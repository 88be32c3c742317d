"""What papers report, beside what the same experiments give here."""
