"""A run as a plain PyTorch script. The other forms in which a model leaves are in ``engine/tools/export.py``."""
