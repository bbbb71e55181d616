"""One training step and one evaluation step. Nothing else is hot, and no tensor is read here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from workbench.engine.data.loader import Microbatch
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.runtime.distributed import unwrap
from workbench.engine.training.nonfinite import NonFiniteError, NonFiniteGuard, weights_are_finite
from workbench.engine.training.precision import Precision

Loss = Callable[[Tensor, Tensor], Tensor]


class TrainStep:
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
        self.layers: dict[str, list[nn.Parameter]] = {}
        """Layers whose gradient norms are wanted beside the whole, with their parameters."""
        self.guard: NonFiniteGuard | None = None
        """Leaves out steps whose gradients are not finite; None lets everything pass."""
        self.limit: int | None = None
        """Samples that go through the model at once at most; larger passes are taken in parts. None: as they come."""
        self.evaluation_limit: int | None = None
        """The same of an evaluation, which keeps nothing for a way back and has room for more."""
        self.smallest = 1
        """Samples that a part needs at least."""
        self.moving = False
        """Whether weights are being moved: an error then leaves them between two steps."""
        self._move = bare_step(optimizer)
        self._looks_again = isinstance(optimizer, torch.optim.LBFGS)
        self._parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

    def train(self, number: int, passes: list[Microbatch], recorder: StepRecorder, want_norm: bool = False) -> None:
        """Optimiser step ``number``. The gradient norm is measured where it is clipped, or when it is wanted.

        Raises NonFiniteError, with the weights as they were, where the guard finds a gradient that is not finite.
        """
        self.moving = False
        if self._looks_again:
            self._train_with_closure(number, passes, recorder, want_norm)
            return
        self._gradients(number, passes, recorder)
        if self.guard is not None and self.guard.looks and self.guard.bad():
            raise NonFiniteError(number)
        self.optimise(number, recorder, want_norm)

    def portions(self, passes: list[Microbatch]) -> list[Microbatch]:
        """The passes, the larger ones in parts that fit the limit. The factors add up to what they were."""
        limit = self.limit
        if limit is None:
            return passes
        found = []
        for inputs, targets, factor in passes:
            size = len(inputs)
            if size <= limit:
                found.append((inputs, targets, factor))
                continue
            # As the plan of an epoch cuts them; evenly only where the last would be too small to go through the model.
            count = size // limit
            cuts: int | list[int] = count if 0 < size % limit < self.smallest else list(range(limit, size, limit))
            parts = zip(inputs.tensor_split(cuts), targets.tensor_split(cuts), strict=True)
            found += [(x, y, factor * len(x) / size) for x, y in parts]
        return found

    def _gradients(
        self, number: int, passes: list[Microbatch], recorder: StepRecorder, seeded: bool = True
    ) -> list[Tensor]:
        """Adds up the gradients of the passes. Gives the loss of each, times its factor."""
        passes = self.portions(passes)
        last, losses = len(passes) - 1, []
        for place, (inputs, targets, factor) in enumerate(passes):
            with self._quiet(place < last), self.precision.forward():
                output = self.model(inputs)
                loss = self.loss(output, targets)
            scaled = loss if factor == 1.0 else loss * factor
            with self._quiet(place < last):
                self._backward(scaled, seeded and factor > 0.0)
            recorder.add(number, loss, output, targets, factor > 0.0)
            losses.append(scaled.detach())
        return losses

    def _train_with_closure(
        self, number: int, passes: list[Microbatch], recorder: StepRecorder, want_norm: bool
    ) -> None:
        """A step that looks at its passes as often as the optimiser wants. What the first look found is recorded."""
        looked = False
        kept = _Kept(self._parameters, self.optimizer) if self.guard is not None else None

        def closure() -> Any:
            nonlocal looked
            self.forget()
            into = StepRecorder(recorder.task) if looked else recorder
            # A search along a line may step too far and come back: only its beginning and its end have to be finite.
            losses = self._gradients(number, passes, into, seeded=not looked)
            if not looked and self.guard is not None and self.guard.bad():
                raise NonFiniteError(number)
            self._clip(number, into, want_norm)
            looked = True
            return torch.stack(losses).sum()

        try:
            self.optimizer.step(closure)
            sound = kept is None or weights_are_finite(self.model)
        except BaseException:
            if kept is not None:
                kept.put_back()
            raise
        if kept is not None and not sound:
            kept.put_back()
            raise NonFiniteError(number)
        self.forget()

    def probe(self, passes: list[Microbatch], recorder: StepRecorder) -> None:
        """Forward and backward of the passes, without a step: weights and optimiser stay as they are."""
        self._gradients(0, passes, recorder)
        self.forget()

    @torch.inference_mode()
    def evaluate(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Output and mean loss of one batch, by the bare model: no hooks of other processes run."""
        model: nn.Module = unwrap(self.model)
        with self.precision.forward():
            output = model(inputs)
            return output, self.loss(output, targets)

    def _quiet(self, on: bool) -> AbstractContextManager[object]:
        """Gradients are exchanged between processes in the last pass of a step only."""
        if on and isinstance(self.model, DistributedDataParallel):
            return self.model.no_sync()
        return nullcontext()

    def _backward(self, loss: Tensor, seeded: bool) -> None:
        scaler = self.precision.scaler
        seed = self.guard.seed(loss) if seeded and self.guard is not None else None
        (scaler.scale(loss) if scaler is not None else loss).backward(seed)  # type: ignore[no-untyped-call]

    def optimise(self, number: int, recorder: StepRecorder, want_norm: bool) -> None:
        """Moves the weights by the gradients that are there, and forgets those."""
        self.moving = True
        self._clip(number, recorder, want_norm)
        scaler = self.precision.scaler
        if scaler is not None:
            scaler.step(self.optimizer)
            if self.guard is not None:
                self.guard.count_skipped()
            scaler.update()
        else:
            self._move()
        self.forget()

    def _clip(self, number: int, recorder: StepRecorder, want_norm: bool) -> None:
        if self.clip_norm is None and self.clip_value is None and not want_norm:
            return
        if self.precision.scaler is not None:
            self.precision.scaler.unscale_(self.optimizer)
        if self.clip_value is not None:
            nn.utils.clip_grad_value_(self._parameters, self.clip_value)
        clip = self.clip_norm
        norm = _norm(self._parameters) if clip is None else nn.utils.clip_grad_norm_(self._parameters, clip)
        recorder.norms.append((number, norm))
        if want_norm and self.layers:
            recorder.layers.append((number, torch.stack([_norm(own) for own in self.layers.values()])))

    def release(self) -> None:
        """Lets everything pass, whatever its numbers are."""
        if self.guard is not None:
            self.guard.leave()
            self.guard = None

    def forget(self) -> None:
        """Forgets the gradients."""
        # What optimizer.zero_grad(set_to_none=True) does, without its profiling: that costs 4 % of a small step.
        for parameter in self._parameters:
            parameter.grad = None


def bare_step(optimizer: torch.optim.Optimizer) -> Callable[[], Any]:
    """The optimiser's own step, without the range for a profiler and the hooks that torch puts around it: 3 % of a small step."""
    step = type(optimizer).step
    return functools.partial(step.__wrapped__ if getattr(step, "hooked", False) else step, optimizer)  # type: ignore[attr-defined]


def layers(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters that are trained, by the layer that owns them, in the order of the model."""
    found: dict[str, list[nn.Parameter]] = {}
    for name, module in model.named_modules():
        own = [parameter for parameter in module.parameters(recurse=False) if parameter.requires_grad]
        if own:
            found[name or type(module).__name__] = own
    return found


def smallest_part(model: nn.Module) -> int:
    """Samples that go through a model at once at least: batch normalisation needs two."""
    return 2 if any(isinstance(one, nn.modules.batchnorm._BatchNorm) for one in model.modules()) else 1


class _Kept:
    """Weights and state of an optimiser that moves them several times a step, from the step's beginning."""

    def __init__(self, parameters: list[nn.Parameter], optimizer: torch.optim.Optimizer) -> None:
        self._parameters = parameters
        self._optimizer = optimizer
        self._weights = [parameter.detach().clone() for parameter in parameters]
        self._state = {
            key: {name: _copied(value) for name, value in kept.items()} for key, kept in optimizer.state.items()
        }

    @torch.no_grad()
    def put_back(self) -> None:
        """Makes both what they were, and forgets the gradients."""
        for parameter, weight in zip(self._parameters, self._weights, strict=True):
            parameter.copy_(weight)
            parameter.grad = None
        self._optimizer.state.clear()
        self._optimizer.state.update(self._state)


def _copied(value: Any) -> Any:
    """Tensors that are written into are copied; those in a list are only ever put in and taken out."""
    return value.clone() if isinstance(value, Tensor) else list(value) if isinstance(value, list) else value


def _norm(parameters: list[nn.Parameter]) -> Tensor:
    return nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
