"""SflLLM, the successor of FedsLLM: subchannels, powers, the cut of the model and the rank, chosen together."""
