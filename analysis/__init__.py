"""What do we see? Result folders read back, compared in a table and drawn; nothing of the simulator is imported."""
