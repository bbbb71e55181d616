"""One training step and one evaluation step. Nothing else is hot, and no tensor is read here."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from workbench.engine.data.loading import Pass
from workbench.engine.meters import Recorder
from workbench.engine.precision import Precision

Loss = Callable[[Tensor, Tensor], Tensor]


class Stepper:
    """Applies steps to a model: forward, loss, backward over the passes of a step, then clip and optimise."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        precision: Precision,
        clip_norm: float | None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.precision = precision
        self.clip_norm = clip_norm
        self.clip_value: float | None = None
        self._looks_again = isinstance(optimizer, torch.optim.LBFGS)
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def train(self, number: int, passes: list[Pass], recorder: Recorder, want_norm: bool = False) -> None:
        """Optimiser step ``number``. The gradient norm is measured where it is clipped, or when it is wanted."""
        if self._looks_again:
            self._train_with_closure(number, passes, recorder, want_norm)
            return
        self._gradients(number, passes, recorder)
        self._optimise(number, recorder, want_norm)

    def _gradients(self, number: int, passes: list[Pass], recorder: Recorder) -> list[Tensor]:
        """Adds up the gradients of the passes. Gives the loss of each, times its factor."""
        last, losses = len(passes) - 1, []
        for place, (inputs, targets, factor) in enumerate(passes):
            with self._quiet(place < last), self.precision.forward():
                output = self.model(inputs)
                loss = self.loss(output, targets)
            scaled = loss if factor == 1.0 else loss * factor
            with self._quiet(place < last):
                self._backward(scaled)
            recorder.add(number, loss, output, targets, factor > 0.0)
            losses.append(scaled.detach())
        return losses

    def _train_with_closure(self, number: int, passes: list[Pass], recorder: Recorder, want_norm: bool) -> None:
        """A step that looks at its passes as often as the optimiser wants. What the first look found is recorded."""
        looked = False

        def closure() -> Any:
            nonlocal looked
            self._forget()
            kept = Recorder(recorder.task) if looked else recorder
            losses = self._gradients(number, passes, kept)
            self._clip(number, kept, want_norm)
            looked = True
            return torch.stack(losses).sum()

        self.optimizer.step(closure)
        self._forget()

    @torch.inference_mode()
    def evaluate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Output and mean loss of one batch, by the bare model: no hooks of other processes run."""
        model = self.model.module if isinstance(self.model, DistributedDataParallel) else self.model
        with self.precision.forward():
            output = model(inputs)
            return output, self.loss(output, targets)

    def _quiet(self, on: bool) -> AbstractContextManager[object]:
        """Gradients are exchanged between processes in the last pass of a step only."""
        if on and isinstance(self.model, DistributedDataParallel):
            return self.model.no_sync()
        return nullcontext()

    def _backward(self, loss: Tensor) -> None:
        scaler = self.precision.scaler
        (scaler.scale(loss) if scaler is not None else loss).backward()  # type: ignore[no-untyped-call]

    def _optimise(self, number: int, recorder: Recorder, want_norm: bool) -> None:
        self._clip(number, recorder, want_norm)
        scaler = self.precision.scaler
        if scaler is not None:
            scaler.step(self.optimizer)
            scaler.update()
        else:
            self.optimizer.step()
        self._forget()

    def _clip(self, number: int, recorder: Recorder, want_norm: bool) -> None:
        if self.clip_norm is None and self.clip_value is None and not want_norm:
            return
        if self.precision.scaler is not None:
            self.precision.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self._parameters, self.clip_value)
        clip = self.clip_norm
        norm = _norm(self._parameters) if clip is None else nn.utils.clip_grad_norm_(self._parameters, clip)
        recorder.norms.append((number, norm))

    def _forget(self) -> None:
        # What optimizer.zero_grad(set_to_none=True) does, without its profiling: that costs 4 % of a small step.
        for parameter in self._parameters:
            parameter.grad = None


def _norm(parameters: list[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
