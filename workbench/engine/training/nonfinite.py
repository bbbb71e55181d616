"""Watches that gradients are finite numbers before weights are moved by them, without waiting for the device.

A loss that is not finite makes its gradients so, whatever its formula: they begin at 1 + 0 * loss. One kernel then looks at all
gradients. On the CPU its answer is read at once. On one GPU it stays there: the optimizer's own kernel leaves the step out, and
all that follow, until a report reads how many those were. Several processes have to agree at once, and optimizers that torch has
no single kernel for cannot leave a step out by themselves: both read the answer at every step.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

LOWEST_SCALE = 2.0**-20
"""Of the loss in fp16. It begins at 2^16 and is halved when a step is skipped: no scale helps against what comes this far."""


class NonFiniteError(Exception):
    """A loss or a gradient of ``step``, counted from 1, is not finite; with ``taken`` the weights after it are not finite."""

    def __init__(self, step: int, taken: bool = False) -> None:
        super().__init__(f"not finite in step {step}")
        self.step = step
        self.taken = taken


class NonFiniteGuard:
    """Looks at the gradients of one optimizer's parameters."""

    def __init__(
        self,
        parameters: list[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        scaler: torch.amp.GradScaler | None,
        alone: bool,
    ) -> None:
        device = parameters[0].device
        self._parameters = parameters
        self._optimizer = optimizer
        self._scaler = scaler
        self._on_cpu = device.type == "cpu"
        self._unit = torch.ones((), device=device)
        self._is_nonfinite = torch.zeros((), device=device)
        self._steps_skipped = torch.zeros((), device=device)
        self._scaler_skips = torch.zeros((), device=device)
        fused = getattr(optimizer, "_step_supports_amp_scaling", False)
        self.defers = device.type == "cuda" and alone and fused and scaler is None
        """Whether the device leaves steps out by itself, and :meth:`check_device` finds it later."""
        self.checks = scaler is None or not alone
        """Whether gradients are looked at here: alone, fp16's scaler does that itself, and leaves out what it has to."""
        if self.defers:
            # Where GradScaler, too, puts it for the optimizer's kernel to read.
            optimizer.found_inf = self._is_nonfinite  # type: ignore[attr-defined]

    def backward_seed(self, loss: Tensor) -> Tensor | None:
        """Where the gradients of a loss begin: 1 (None says that too), and not a number for a loss that is none or infinite."""
        if self._on_cpu and math.isfinite(loss.item()):
            return None
        return torch.add(self._unit, loss.detach(), alpha=0)

    def found_nonfinite(self) -> bool:
        """Whether a gradient is not finite. Where the device looks later this only asks it to, and is False."""
        gradients = [grad for parameter in self._parameters if (grad := parameter.grad) is not None]
        flag_nonfinite(
            self._is_nonfinite, [grad._values() if grad.is_sparse else grad for grad in gradients], self._unit
        )
        if self.defers:
            self._steps_skipped.add_(self._is_nonfinite)
            return False
        if not self._is_nonfinite.item():
            return False
        self._is_nonfinite.zero_()
        return True

    def count_scaler_skip(self) -> None:
        """Counts a step that fp16's scaler left out, after the step and before the scaler forgets it."""
        if self._scaler is not None:
            for found_inf in self._scaler._found_inf_per_device(self._optimizer).values():
                self._scaler_skips.add_(found_inf.to(self._scaler_skips.device))

    def read_scaler_skips(self) -> int:
        """Steps that fp16's scaler left out since the last call. Waits for the device."""
        if self._scaler is None:
            return 0
        count = int(self._scaler_skips.item())
        self._scaler_skips.zero_()
        return count

    def check_device(self, done: int) -> None:
        """Raises NonFiniteError for what happened on the device in the ``done`` steps before. Waits for the device."""
        if self._scaler is not None and self._scaler.get_scale() < LOWEST_SCALE:
            raise NonFiniteError(done)
        count = int(self._steps_skipped.item()) if self.defers else 0
        if count:
            self.reset()
            raise NonFiniteError(done - count + 1)

    def disable(self) -> None:
        """Leaves no step out any more."""
        if self.defers:
            del self._optimizer.found_inf  # type: ignore[attr-defined]

    def reset(self) -> None:
        """Forgets what was found: the gradients are gone, or the weights were put back."""
        self._is_nonfinite.zero_()
        self._steps_skipped.zero_()


def flag_nonfinite(flag: Tensor, tensors: list[Tensor], unit: Tensor) -> None:
    """Sets ``flag`` to 1 where one of the tensors is not finite. Stays on the device. ``unit`` is 1."""
    if flag.is_mps:
        for tensor in tensors:
            flag.copy_(torch.maximum(flag, (~torch.isfinite(tensor)).any().float()))
    elif tensors:
        # The kernel of GradScaler: it looks, and multiplies by 1.
        torch._amp_foreach_non_finite_check_and_unscale_(tensors, flag, unit)


def weights_are_finite(model: nn.Module) -> bool:
    """Whether every weight, and every running average of a batch norm, is a finite number. Waits for the device."""
    averages = [buffer for name, buffer in model.named_buffers() if name.endswith(("running_mean", "running_var"))]
    tensors = [tensor.detach() for tensor in (*model.parameters(), *averages) if tensor.is_floating_point()]
    if not tensors:
        return True
    flag, unit = (torch.full((), value, device=tensors[0].device) for value in (0.0, 1.0))
    flag_nonfinite(flag, tensors, unit)
    return not flag.item()
