"""How many bits per second, now? Places, path loss, shadowing, fading, noise, rates, and transfers.

Everything is vectorised over links and has random access in time: time enters as integer nanoseconds or as a block
index, and a random number is a function of (seed, purpose, entity, index), never of the order of calls. NumPy only.
"""
