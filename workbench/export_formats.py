"""The formats that a model can be exported in. Imports nothing: the terminal's help lists them."""

EXPORT_FORMATS = ("onnx", "torchscript", "trace", "torch-export", "safetensors", "state-dict", "model", "script")
SCRIPT = "script"
"""The format that is made of a run's settings; its weights are learned anew."""
