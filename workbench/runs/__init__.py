"""A run as others see it: its folder, what it says (events), what it is told (commands), what can be shown of it."""
