"""The engine: what outlives a process, and what is done with it."""
