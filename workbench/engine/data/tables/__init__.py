"""Tables in files as cells of text, and what the cells of a column mean: evidence over the whole column decides, never one cell."""
