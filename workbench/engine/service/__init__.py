"""Answers what the window and the terminal ask beside training: previews, summaries, evaluation, prediction, export, tuning."""
