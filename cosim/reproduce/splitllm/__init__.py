"""SplitLLM's experiment (arXiv 2501.13318): memory and delays at the size of GPT-2 small, and what training brings."""
