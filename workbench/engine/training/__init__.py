"""The training loop and everything that a step needs. Start reading with ``loop.py`` and ``step.py``."""
