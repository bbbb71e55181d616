"""Tuning of settings: the dialog, its plot, and the thread that waits for the search."""
