"""The formats in which a trained model is exported. The window, the terminal and the engine read them here; each is written by
the engine's function of its name in ``engine/export/formats.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportFormat:
    """One format: ``name`` is for a command line, ``title`` and ``about`` are for a window, ``suffix`` is that of its files."""

    name: str
    title: str
    suffix: str
    about: str
    drawback: str = ""
    """What to know of a file that was written, where it has a drawback."""
    weights_only: bool = False
    """Whether it holds no network, and so no scaling in front of it."""
    extra: str = ""
    """The extra of this program's installation that it needs."""


SCRIPT = "script"
"""The format that is made of a run's settings; its weights are learned anew."""
_CODE_NEEDED = "it holds the weights alone: the network has to be built in code"
FORMATS = (
    ExportFormat(
        "onnx",
        "ONNX",
        ".onnx",
        "Runs in ONNX Runtime and many other programs. Takes raw values, gives real units, and is checked there.",
        extra="export",
    ),
    ExportFormat(
        SCRIPT,
        "PyTorch script",
        ".py",
        "The whole run as plain, commented code without this program. It trains anew.",
        "it trains anew: it holds the run's settings, not its weights",
    ),
    ExportFormat("torch-export", "torch.export", ".pt2", "PyTorch's own form for use without the network's code."),
    ExportFormat(
        "safetensors",
        "Weights (safetensors)",
        ".safetensors",
        "The weights alone, in a format that cannot run code.",
        _CODE_NEEDED,
        weights_only=True,
    ),
    ExportFormat(
        "state-dict",
        "Weights (state dict)",
        ".pt",
        "The weights alone, as PyTorch saves them.",
        _CODE_NEEDED,
        weights_only=True,
    ),
    ExportFormat(
        "torchscript",
        "TorchScript",
        ".pt",
        "Compiled from the code. Deprecated by PyTorch: prefer torch.export or ONNX.",
        "TorchScript is deprecated by PyTorch: prefer torch-export or onnx for new work",
    ),
    ExportFormat(
        "trace",
        "TorchScript trace",
        ".pt",
        "Only the path that one example took. Deprecated by PyTorch.",
        "TorchScript is deprecated by PyTorch, and a trace keeps only the path that one example took",
    ),
    ExportFormat(
        "model",
        "Whole model",
        ".pt",
        "A pickle: opens only where this program is installed, and could run code.",
        "it is a pickle: it opens only where this program is installed, and must be opened with weights_only=False, "
        "which can run code; prefer safetensors or a checkpoint",
    ),
)
OPSETS = range(17, 26)
"""The versions of ONNX's operators that can be written."""
BY_NAME = {export_format.name: export_format for export_format in FORMATS}
