"""A run that can never end."""


class Stuck(ValueError):  # noqa: N818, reads as what happened
    """Somebody waits for what cannot come; the message says who, and for what."""
