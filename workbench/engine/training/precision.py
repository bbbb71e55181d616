"""The precision a run is computed in: one small class whose base is plain fp32."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch


class Precision:
    """fp32: no autocast, no scaling."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.scaler: torch.amp.GradScaler | None = None
        _set_tf32(False)

    def autocast(self) -> AbstractContextManager[object]:
        """The context that forward passes and losses are computed in."""
        return nullcontext()

    def state_dict(self) -> dict[str, object]:
        """What a checkpoint keeps: the scaler's, empty without one."""
        return self.scaler.state_dict() if self.scaler is not None else {}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Puts back what :meth:`state_dict` gave; a scaler whose state is not there starts over."""
        if self.scaler is not None and state:
            self.scaler.load_state_dict(state)


class TF32(Precision):
    """fp32 whose matrix products round their inputs to 19 bits (NVIDIA, from Ampere on)."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        _set_tf32(True)


class BF16(Precision):
    """Autocast to bfloat16."""

    def autocast(self) -> AbstractContextManager[object]:
        """Autocast."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


class FP16(Precision):
    """Autocast to float16, with the loss scaled so that small gradients survive."""

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self.scaler = torch.amp.GradScaler(device.type)

    def autocast(self) -> AbstractContextManager[object]:
        """Autocast."""
        return torch.autocast(self.device.type, dtype=torch.float16)


def build(name: str, device: torch.device) -> Precision:
    """The precision of that name on that device."""
    return {"fp32": Precision, "tf32": TF32, "bf16": BF16, "fp16": FP16}[name](device)


def _set_tf32(on: bool) -> None:
    # cuDNN's convolutions use tf32 unless told otherwise: fp32 here means fp32 everywhere.
    if torch.cuda.is_available():
        value = "tf32" if on else "ieee"
        torch.backends.cuda.matmul.fp32_precision = value
        torch.backends.cudnn.conv.fp32_precision = value  # type: ignore[attr-defined]
