"""What lies behind a run: the tensors of a batch, the norms of its layers, its graph, and the attention of a transformer."""
