"""A run's events for TensorBoard, beside the run's own: the same numbers under the same steps."""

from __future__ import annotations

import logging
from pathlib import Path

from workbench.engine.runtime.failures import RefusedError
from workbench.runs.events import AnyEvent, Epoch, Memory, Scalars, Started

_GIB = 2**30
_log = logging.getLogger(__name__)


class TensorBoardWriter:
    """Writes into the folder ``tensorboard`` of a run. Raises RefusedError where TensorBoard is not installed."""

    def __init__(self, folder: Path) -> None:
        try:
            # Its import takes a second, and few want it.
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            what = "TensorBoard is not installed"
            raise RefusedError(what, "run pip install 'workbench[tensorboard]'", "output.tensorboard") from error
        self._folder = folder
        self._writer_class = SummaryWriter
        self._writer: SummaryWriter | None = None
        self._step = 0

    def write(self, event: AnyEvent) -> None:
        """Writes an event. A full disk costs these curves, never the run: its own events are kept and tried again."""
        try:
            self._write(event)
        except OSError as error:
            _log.info("nothing written for TensorBoard: %s", error)

    def close(self) -> None:
        """Writes what is left and ends the writer's thread."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write(self, event: AnyEvent) -> None:
        match event:
            case Started():
                # What an earlier attempt wrote beyond this step is no longer part of the run.
                self._writer = self._writer_class(str(self._folder), purge_step=event.from_step + 1)
            case Scalars():
                self._steps(event)
            case Epoch():
                for split, metrics in (("train", event.train), ("val", event.val)):
                    for name, value in metrics.items():
                        self._add(f"{split}/{name}", value, event.step, event.time)
            case Memory():
                for device in event.devices:
                    self._add(f"memory/{device.name} GiB", device.allocated / _GIB, self._step, event.time)
            case _:
                return

    def _steps(self, event: Scalars) -> None:
        self._step = event.step[-1] if event.step else self._step
        for name, values in (("loss", event.loss), ("metric", event.metric), ("learning rate", event.lr)):
            for step, value in zip(event.step, values, strict=False):
                self._add(f"step/{name}", value, step, event.time)
        for step, value in zip(event.grad_step, event.grad_norm, strict=True):
            self._add("step/gradient norm", value, step, event.time)
        for layer, norms in event.layer_norms.items():
            for step, value in zip(event.layer_step, norms, strict=True):
                self._add(f"gradient norm/{layer}", value, step, event.time)
        if event.samples_per_second:
            self._add("step/samples per second", event.samples_per_second, self._step, event.time)

    def _add(self, name: str, value: float, step: int, time: float) -> None:
        if self._writer is not None:
            self._writer.add_scalar(name, value, step, walltime=time)
