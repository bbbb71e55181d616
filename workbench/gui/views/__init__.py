"""What is seen of a run: its curves, its memory, its log; and the table of all runs."""
