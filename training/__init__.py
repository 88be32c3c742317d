"""What is learned, and what does it cost? Models, splits, adapters, data, steps, and their FLOPs, bytes and memory."""
