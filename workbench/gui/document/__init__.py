"""The configuration being edited, its file, and the user's own Python files that it names."""
