"""The step of an optimizer that evaluates the loss several times before it moves on: LBFGS."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.engine.data.batches import Microbatch
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.training.nonfinite import NonFiniteError, weights_are_finite
from workbench.engine.training.step import TrainStep


class ClosureStep(TrainStep):
    """The microbatches go through the model as often as the optimizer wants. The first evaluation is what is recorded."""

    _losses: list[Tensor]
    """Of the microbatches of one evaluation, each times its weight."""

    def run(
        self,
        step: int,
        microbatches: list[Microbatch],
        recorder: StepRecorder,
        *,
        measure_norm: bool = False,
        update: bool = True,
    ) -> None:
        """See :meth:`TrainStep.run`."""
        self._losses = []
        if not update:
            super().run(step, microbatches, recorder, update=False)
            return
        before = _Backup(self.parameters, self.optimizer) if self.guard is not None else None
        self.marks_nonfinite_losses = True

        def closure() -> Tensor:
            first = self.marks_nonfinite_losses
            self.zero_grad()
            into = recorder if first else StepRecorder(recorder.metrics)
            self._losses = []
            super(ClosureStep, self).run(step, microbatches, into, update=False)
            if first and self.guard is not None and self.guard.found_nonfinite():
                raise NonFiniteError(step)
            self.clip_gradients(step, into, measure_norm)
            # A search along a line may step too far and come back: only its beginning and its end have to be finite.
            self.marks_nonfinite_losses = False
            return torch.stack(self._losses).sum()

        try:
            self.optimizer.step(closure)  # type: ignore[arg-type]  # torch means a scalar tensor, too
            finite = before is None or weights_are_finite(self.model)
        except BaseException:
            if before is not None:
                before.restore()
            raise
        if before is not None and not finite:
            before.restore()
            raise NonFiniteError(step)
        self.zero_grad()

    def _backward(self, loss: Tensor, guarded: bool) -> None:
        super()._backward(loss, guarded)
        self._losses.append(loss.detach())


class _Backup:
    """Weights and state of an optimizer that moves them several times a step, from the step's beginning."""

    def __init__(self, parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
        self._parameters = parameters
        self._optimizer = optimizer
        self._weights = [parameter.detach().clone() for parameter in parameters]
        self._state = {
            key: {name: _copy(value) for name, value in state.items()} for key, state in optimizer.state.items()
        }

    @torch.no_grad()
    def restore(self) -> None:
        """Makes both what they were, and drops the gradients."""
        for parameter, weight in zip(self._parameters, self._weights, strict=True):
            parameter.copy_(weight)
            parameter.grad = None
        self._optimizer.state.clear()
        self._optimizer.state.update(self._state)


def _copy(value: object) -> object:
    """Tensors that are written into are copied; those in a list are only ever put in and taken out."""
    return value.clone() if isinstance(value, Tensor) else list(value) if isinstance(value, list) else value
