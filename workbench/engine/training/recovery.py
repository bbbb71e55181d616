"""What a run does by itself when a step cannot be taken: memory that ran out, or numbers that are none.

Memory: the step begins again, from the weights, buffers and random states of its beginning, in passes of half as many samples.
Its samples and their weights stay, so the run goes on as one that had gathered its gradients in such portions from the start.
Numbers: the step is not taken. The run ends, or goes back to its last checkpoint and lowers the learning rate or clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from workbench.engine.checkpoint import format
from workbench.engine.data.loader import Microbatch
from workbench.engine.runtime import seeding
from workbench.engine.runtime.distributed import unwrap
from workbench.engine.runtime.failures import FailedError, Failure, RefusedError, memory_ran_out
from workbench.engine.training import nonfinite_report
from workbench.engine.training.nonfinite import NonFiniteError, weights_are_finite
from workbench.runs.checkpoints import list_checkpoints
from workbench.runs.events import Recovered

if TYPE_CHECKING:
    from workbench.engine.training.build import Parts
    from workbench.engine.training.loop import Run

MOST_RETURNS = 3
"""Times that a run goes back to a checkpoint by itself because of numbers."""
CALMER = 0.1
"""What the learning rate, or the largest norm of the gradient, is multiplied by at each return."""
FIRST_CLIP = 1.0
"""The largest norm of the gradient after the first return of a run that did not clip."""


class Beginning:
    """What the passes of a step change beside gradients: buffers and random states. Kept at each step's beginning."""

    def __init__(self, parts: Parts) -> None:
        self._device = parts.device
        self._buffers = [one for one in parts.model.buffers() if one.numel()]
        self._kept = [one.clone() for one in self._buffers]
        # Python's and NumPy's streams are drawn from by the user's own code alone, and asking for their states takes its time.
        self._everything = "python" in (parts.config.model.kind, parts.config.dataset.kind)
        self._random: Any = None

    @torch.no_grad()
    def keep(self) -> None:
        """Takes them as they are now."""
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)
        if self._everything:
            self._random = seeding.random_states(self._device)
        else:
            self._random = torch.default_generator.get_state(), seeding.device_state(self._device)

    @torch.no_grad()
    def put_back(self) -> None:
        """Makes them what they were."""
        if self._buffers:
            torch._foreach_copy_(self._buffers, self._kept)
        if self._everything:
            seeding.restore_random_states(self._random, self._device)
        else:
            torch.set_rng_state(self._random[0])
            seeding.restore_device(self._random[1], self._device)


@dataclass
class Recovery:
    """What a run has changed of itself so that it can go on; all of it is in its checkpoints."""

    beginning: Beginning
    returns: int = 0
    """Returns to a checkpoint because of numbers."""
    skipped: int = 0
    """Steps of the epoch that fp16 left out."""


def state_of(run: Run) -> dict[str, Any]:
    """What a checkpoint keeps of it, with what was changed elsewhere: passes, clipping and the learning rate."""
    stepper = run.parts.stepper
    return {
        "returns": run.recovery.returns,
        "skipped": run.recovery.skipped,
        "limit": stepper.limit,
        "clip_norm": stepper.clip_norm,
        "calm": run.parts.rates.calm,
    }


def restore(run: Run, state: dict[str, Any]) -> None:
    """Puts back what :func:`state_of` gave; nothing for a checkpoint that knows of none."""
    if state:
        run.recovery.returns, run.recovery.skipped = state["returns"], state["skipped"]
        run.parts.stepper.limit, run.parts.stepper.clip_norm = state["limit"], state["clip_norm"]
        run.parts.rates.calm = state["calm"]


def take(run: Run, number: int, passes: list[Microbatch], want_norm: bool) -> None:
    """Takes step ``number``; where memory runs out, again in smaller passes. Every process calls it.

    Raises NonFiniteError where its numbers are none, with everything but gradients as it was, and FailedError.
    """
    stepper, world = run.parts.stepper, run.world
    while True:
        run.recovery.beginning.keep()
        trouble = _tried(run, number, passes, want_norm)
        if trouble is None:
            return
        # Here, behind the handler, the traceback is gone, and with it the tensors that its frames held.
        size = 0
        if trouble == "memory":
            stepper.forget()
            size = max(len(inputs) for inputs, _, _ in stepper.portions(passes))
            world.fill_in(stepper.model)
        wanted = [one for one in world.all_gather(size) if one]
        if not wanted and stepper.precision.scaler is not None:
            # Nobody lacks memory: the gradients are too large for fp16, and its scaler leaves the step out.
            stepper.optimise(number, run.flow.recorder, want_norm)
            return
        stepper.forget()
        run.recovery.beginning.put_back()
        run.flow.recorder.forget(number)
        if not wanted:
            raise NonFiniteError(number)
        _shrink(run, number, min(wanted))


def _tried(run: Run, number: int, passes: list[Microbatch], want_norm: bool) -> str | None:
    """Takes a step. What was in its way: memory, numbers, or nothing."""
    stepper = run.parts.stepper
    try:
        stepper.train(number, passes, run.flow.recorder, want_norm)
    except NonFiniteError:
        return "numbers"
    except (RuntimeError, MemoryError) as error:
        if stepper.moving or not memory_ran_out(error):
            raise
        return "memory"
    return None


def _shrink(run: Run, number: int, size: int) -> None:
    """Halves the samples of a pass. Raises FailedError where ``size`` cannot be halved."""
    stepper, world = run.parts.stepper, run.world
    limit = (size + 1) // 2
    if limit >= (stepper.limit or size) or limit < stepper.smallest:
        few = "one sample" if size == 1 else f"{size} samples"
        what = f"memory ran out in step {number}, with {few} at a time"
        raise FailedError(what, "Choose a smaller model, smaller samples or another device, and start a new run")
    stepper.limit = limit
    if run.parts.device.type == "cuda":
        torch.cuda.empty_cache()
    if world.size > 1:
        # The exchange that was broken off cannot be begun again.
        stepper.model = world.wrap(unwrap(stepper.model), run.parts.device)
    text = (
        f"memory ran out in step {number}: from here on {limit} samples go through the model at a time instead of {size}, "
        f"and the effective batch stays {run.parts.steps.per_step}"
    )
    if run.reporter is not None:
        run.reporter.say(Recovered(why="memory", step=number, from_step=number - 1, text=text))


def look(run: Run) -> None:
    """Reads what the device did by itself since the last look. Raises NonFiniteError."""
    guard = run.parts.stepper.guard
    if guard is not None:
        run.recovery.skipped += guard.take_skipped()
        guard.look(run.position.step)


def require_finite(run: Run) -> None:
    """Raises NonFiniteError where the weights are none: such a state is neither judged nor saved."""
    if not weights_are_finite(run.parts.model):
        raise NonFiniteError(run.position.step, taken=True)


def begin(run: Run) -> None:
    """Saves a run's beginning, where it may have to go back to it."""
    if run.parts.config.training.on_nonfinite != "stop" and run.position.step == 0:
        run.saver.save(run, "beginning")


def settle(run: Run, error: NonFiniteError) -> Failure | None:
    """What becomes of a run whose numbers are none: it goes back and goes on (None), or ends as the failure given.

    Every process calls it at the same step.
    """
    parts, world = run.parts, run.world
    step = error.step
    parts.stepper.forget()
    run.flow.recorder.forget(step)
    # Told before it is asked why: the steps before this one are part of the run.
    run.flow.flush()
    where = nonfinite_report.where(run, error)
    what = f"step {step} has numbers that are not finite: first {where}. " + (
        "The weights of this step are not saved" if error.taken else "It was not taken"
    )
    if not error.taken:
        _rewind(run, step)
    run.saver.secure(run)
    mode = parts.config.training.on_nonfinite
    good = _last_good(run)
    if mode == "stop" or run.recovery.returns >= MOST_RETURNS or good is None:
        return Failure(what, _hint(run, good), f"step {step}, epoch {run.position.epoch + 1}, {world.size} processes")
    _go_back(run, step, what, good)
    return None


def _rewind(run: Run, step: int) -> None:
    """Takes back steps that the device has left out."""
    position = run.position
    position.batch -= position.step - (step - 1)
    position.step = step - 1


def _hint(run: Run, good: dict[str, Any] | None) -> str:
    back = f"Go back to the last good checkpoint (step {good['position']['step']})" if good else "Start again"
    calmer = "with a lower learning rate (optimizer.lr) or with clipping (training.clip_norm)"
    if run.parts.config.training.on_nonfinite == "stop":
        return f"{back} {calmer}; training.on_nonfinite = lower_lr or clip does so by itself"
    if run.recovery.returns:
        return f"The run went back {run.recovery.returns} times by itself. {back} {calmer}, or look at the data"
    return f"No checkpoint is there to go back to. {back} {calmer}"


def _last_good(run: Run) -> dict[str, Any] | None:
    """The newest sound checkpoint whose weights are finite. The leading process has written what it had to."""
    run.world.broadcast(None)
    for info in reversed(list_checkpoints(run.saver.folder)):
        try:
            state = format.load(info.path)
        except RefusedError:
            continue
        if all(bool(torch.isfinite(one).all()) for one in state["model"].values() if _has_fractions(one)):
            return state
    return None


def _has_fractions(one: Any) -> bool:
    return isinstance(one, Tensor) and one.is_floating_point()


def _go_back(run: Run, step: int, what: str, good: dict[str, Any]) -> None:
    """Puts the run back to a checkpoint, with a lower learning rate or a smaller norm, and records that there."""
    from workbench.engine.checkpoint import saver

    parts, stepper, rates = run.parts, run.parts.stepper, run.parts.rates
    # What the run was told or has learnt since that checkpoint stays.
    base, calm, kept = rates.base, rates.calm, state_of(run)
    saver.restore(run, good)
    restore(run, {**kept, "skipped": run.recovery.skipped, "returns": kept["returns"] + 1})
    rates.set_base(base)
    rates.calm = calm
    if parts.config.training.on_nonfinite == "lower_lr":
        rates.calm *= CALMER
        how = f"a learning rate of {rates.at(run.planned):.3g}"
    else:
        clip = stepper.clip_norm
        stepper.clip_norm = FIRST_CLIP if clip is None else clip * CALMER
        how = f"gradients clipped to a norm of {stepper.clip_norm:.3g}"
    if stepper.guard is not None:
        stepper.guard.forget()
    done = run.position.step
    text = f"{what}. The run goes back to step {done}, with {how} ({run.recovery.returns} of {MOST_RETURNS} returns)"
    if run.reporter is not None:
        run.reporter.say(Recovered(why="numbers", step=step, from_step=done, text=text))
    run.flow.restart_clock()
    run.saver.changed()
    run.saver.save(run, "went back")
