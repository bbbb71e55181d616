"""Trains: the only part that imports torch. Started with a run folder, it appends events to it and reads commands from it."""
