"""Workbench: a desktop workbench for training PyTorch models."""

__version__ = "0.2.0"
