"""Runs that differ in some settings, side by side."""
