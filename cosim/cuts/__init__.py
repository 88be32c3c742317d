"""Where each client cuts the model from now on, one policy a file."""
