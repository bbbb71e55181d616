"""The windows in front of the window."""
