"""A form for any section of a configuration: one editor per kind of value, built from what the section declares."""
