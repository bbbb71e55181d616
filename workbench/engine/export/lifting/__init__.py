"""Lifts pieces of the program out of its own source, so that they stand alone."""
