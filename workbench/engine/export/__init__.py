"""A trained model in another form: files of its weights or its graph, or a plain PyTorch script."""
