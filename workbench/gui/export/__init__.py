"""A model in another form: the dialog."""
