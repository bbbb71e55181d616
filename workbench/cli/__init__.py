"""The terminal: the same runs as the window's, by the same folders. Knows neither Qt nor torch."""
