"""What is predicted: one file per task, with its loss, its metrics, its evaluation and the record of a prediction."""
