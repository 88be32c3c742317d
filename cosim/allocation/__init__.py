"""Who gets how much of the band, and how accurately is learned locally: delay-optimal answers, and what they beat."""
