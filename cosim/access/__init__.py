"""Who has the cell when: one access policy a file, in the terms of ``base``."""
