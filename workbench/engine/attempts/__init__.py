"""One attempt of a run: on one process or several, from its beginning, from its checkpoint, or from a parent's."""
