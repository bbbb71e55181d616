"""What a run reports: events, metrics of steps, memory, TensorBoard files."""
