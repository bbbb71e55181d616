"""Starts engines, follows them and ends them. Knows neither Qt nor torch: an engine is another process."""
