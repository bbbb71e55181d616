"""What a run is: the settings, each declared once, and the files they are kept in. Knows neither Qt nor torch."""
