"""Checkpoints: their format, when they are saved, and the thread that writes them."""
