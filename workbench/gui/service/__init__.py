"""The window's client of the engine's service, and what shows that it is busy."""
