"""The panels beside the curves: a form, and what shows the effect of its settings."""
