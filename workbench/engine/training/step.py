"""One training step, in one function: microbatches, forward, loss, backward, clip, ``optimizer.step()``.

Nothing else is hot, and no tensor is read here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from workbench.engine.data.batches import Microbatch
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import unwrap
from workbench.engine.tasks.loss_formulas import Loss
from workbench.engine.training.nonfinite import NonFiniteError, NonFiniteGuard
from workbench.engine.training.precision import Precision

_SYNC = nullcontext()


class TrainStep:
    """A step of one optimizer on one model, and the evaluation of a batch by the same model."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Loss,
        precision: Precision,
        clip_norm: float | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.precision = precision
        self.clip_norm = clip_norm
        self.clip_value: float | None = None
        self.layers: dict[str, list[nn.Parameter]] = {}
        """Layers whose gradient norms are wanted beside the whole, with their parameters."""
        self.guard: NonFiniteGuard | None = None
        """Leaves out steps whose gradients are not finite; None lets everything pass."""
        self.microbatch_limit: int | None = None
        """Samples that go through the model at once at most; larger microbatches are split. None: as they come."""
        self.evaluation_limit: int | None = None
        """The same of an evaluation, which keeps nothing for a backward pass and has room for more."""
        self.smallest_microbatch = smallest_microbatch(model)
        self.marks_nonfinite_losses = True
        """Whether a loss that is not finite is made to show in its gradients, for the guard."""
        self.moving_weights = False
        """Whether weights are being moved: an error then leaves them between two steps."""
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer_step = bare_step(optimizer)

    def run(
        self,
        step: int,
        microbatches: list[Microbatch],
        recorder: StepRecorder,
        *,
        measure_norm: bool = False,
        update: bool = True,
    ) -> None:
        """Optimizer step ``step``. The gradient norm is measured where it is clipped, or when it is wanted.

        A microbatch is (inputs (b, ...), targets (b, ...), weight): the gradients of weight * mean loss add up over microbatches,
        and are averaged over processes. ``update=False`` leaves the gradients where they are and the weights as they are.
        Raises NonFiniteError, with the weights as they were, where the guard finds a gradient that is not finite.
        """
        self.moving_weights = False
        microbatches = self.split(microbatches)
        last = len(microbatches) - 1
        for index, (inputs, targets, weight) in enumerate(microbatches):
            with self._gradient_sync(index == last):
                with self.precision.autocast():
                    output = self.model(inputs)
                    loss = self.loss(output, targets)
                self._backward(loss if weight == 1.0 else loss * weight, guarded=weight > 0.0)
            recorder.add(step, loss, output, targets, counted=weight > 0.0)
        if not update:
            return
        if self.guard is not None and self.guard.checks and self.guard.found_nonfinite():
            raise NonFiniteError(step)
        self.moving_weights = True
        self.clip_gradients(step, recorder, measure_norm)
        self.step_optimizer()
        self.zero_grad()

    def split(self, microbatches: list[Microbatch]) -> list[Microbatch]:
        """The microbatches, the larger ones in parts that fit the limit. The weights add up to what they were."""
        limit = self.microbatch_limit
        if limit is None:
            return microbatches
        parts = []
        for inputs, targets, weight in microbatches:
            size = len(inputs)
            if size <= limit:
                parts.append((inputs, targets, weight))
                continue
            # As the plan of an epoch cuts them; evenly only where the last would be too small to go through the model.
            count = size // limit
            too_small = 0 < size % limit < self.smallest_microbatch
            cuts: int | list[int] = count if too_small else list(range(limit, size, limit))
            pieces = zip(inputs.tensor_split(cuts), targets.tensor_split(cuts), strict=True)
            parts += [(x, y, weight * len(x) / size) for x, y in pieces]
        return parts

    def clip_gradients(self, step: int, recorder: StepRecorder, measure_norm: bool) -> None:
        """Clips by value, then by norm, and records the norm before it is clipped."""
        if self.clip_norm is None and self.clip_value is None and not measure_norm:
            return
        if self.precision.scaler is not None:
            self.precision.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self.parameters, self.clip_value)
        norm = (
            _grad_norm(self.parameters)
            if self.clip_norm is None
            else nn.utils.clip_grad_norm_(self.parameters, self.clip_norm)
        )
        recorder.grad_norms.append((step, norm))
        if measure_norm and self.layers:
            recorder.layer_norms.append((step, torch.stack([_grad_norm(own) for own in self.layers.values()])))

    def step_optimizer(self) -> None:
        """Moves the weights by the gradients that are there; fp16's scaler leaves out what is not finite."""
        scaler = self.precision.scaler
        if scaler is None:
            self._optimizer_step()
            return
        scaler.step(self.optimizer)
        if self.guard is not None:
            self.guard.count_scaler_skip()
        scaler.update()

    def zero_grad(self) -> None:
        """Drops the gradients."""
        # What optimizer.zero_grad(set_to_none=True) does, without its profiling: that costs 4 % of a small step.
        for parameter in self.parameters:
            parameter.grad = None

    @torch.inference_mode()
    def evaluate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Output (b, outputs) and mean loss of one batch, by the bare model: no hooks of other processes run."""
        model: nn.Module = unwrap(self.model)
        with self.precision.autocast():
            output = model(inputs)
            return output, self.loss(output, targets)

    def disable_guard(self) -> None:
        """Lets everything pass, whatever its numbers are."""
        if self.guard is not None:
            self.guard.disable()
            self.guard = None

    def _gradient_sync(self, sync: bool) -> AbstractContextManager[object]:
        """Gradients are exchanged between processes in the last microbatch of a step only."""
        if not sync and isinstance(self.model, DistributedDataParallel):
            return self.model.no_sync()
        return _SYNC

    def _backward(self, loss: Tensor, guarded: bool) -> None:
        scaler = self.precision.scaler
        marks = guarded and self.marks_nonfinite_losses and self.guard is not None
        seed = self.guard.backward_seed(loss) if marks and self.guard is not None else None
        (scaler.scale(loss) if scaler is not None else loss).backward(seed)  # type: ignore[no-untyped-call]


def bare_step(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """The optimizer's own step, without the range for a profiler and the hooks that torch puts around it: 3 % of a small step."""
    step = type(optimizer).step
    return functools.partial(step.__wrapped__ if getattr(step, "hooked", False) else step, optimizer)  # type: ignore[attr-defined]


def trained_layers(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters that are trained, by the layer that owns them, in the order of the model."""
    layers: dict[str, list[nn.Parameter]] = {}
    for name, module in model.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]
        if own:
            layers[name or type(module).__name__] = own
    return layers


def smallest_microbatch(model: nn.Module) -> int:
    """Samples that go through a model at once at least: batch normalization needs two."""
    return 2 if any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules()) else 1


def _grad_norm(parameters: list[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
