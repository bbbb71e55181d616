"""The window: edits a configuration, starts engines, draws what run folders say. Knows Qt, never torch."""
