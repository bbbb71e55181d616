"""What a model gets right and where it errs: an evaluation of a run's checkpoint, and the model on the user's own files."""
