"""The frame of the window: tool bar, settings column, central tabs, status line."""
