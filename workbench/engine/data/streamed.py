"""Samples read batch by batch by loader workers, for data larger than memory."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from workbench.config.run import RunConfig
from workbench.engine.data import augment
from workbench.engine.data.batches import EVALUATION_BATCH, Microbatch, mix_microbatches, sampler_weights
from workbench.engine.data.dataset import Source, Split
from workbench.engine.data.images import ImageSplit
from workbench.engine.data.sampling import MicrobatchSlice, StepPlan, epoch_order
from workbench.engine.runtime.devices import available_cpus


class _Batches(Dataset[tuple[Tensor, Tensor]]):
    """A split as a dataset that is asked for a whole batch of indices at once (torch's ``__getitems__``)."""

    def __init__(self, split: Split) -> None:
        self._split = split

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        inputs, targets = self.__getitems__([index])
        return inputs[0], targets[0]

    def __getitems__(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        if isinstance(self._split, ImageSplit):
            return self._split.read_labeled(indices)
        return self._split.read(indices), self._split.targets[torch.as_tensor(indices)]


class StreamedLoader:
    """One loader a split; training's order is given to it batch by batch, so that it depends on nothing but (seed, epoch)."""

    kind: Literal["resident", "streamed"] = "streamed"

    def __init__(self, source: Source, device: torch.device, config: RunConfig, processes: int) -> None:
        self._source = source
        self._device = device
        self._config = config
        self._processes = processes
        self._weights = sampler_weights(config, source)
        self._augmenter = augment.build(config, source)
        self._scale = source.scaling.on(device, len(source.shape) + 1)
        self._samplers: dict[str, list[list[int]]] = {}
        self._loaders: dict[str, DataLoader[Any]] = {}

    def steps(self, plan: StepPlan, rank: int, seed: int, epoch: int, first: int) -> Iterator[list[Microbatch]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        order = epoch_order(plan.samples, seed, epoch, self._weights).tolist()
        steps = [plan.step(number, rank) for number in range(first, plan.steps)]
        batches = iter(self._batches("train", [order[m.start : m.stop] for step in steps for m in step]))
        for number, step in enumerate(steps, first):
            raw = [(*next(batches), piece.weight) for piece in step]
            yield self._ready(raw, plan, epoch, number, step)

    def evaluation(self, name: str, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        split = self._source.split(name)
        mine = list(range(rank, len(split) if split is not None else 0, world))
        size = max(self._config.training.batch_size, EVALUATION_BATCH)
        for inputs, targets in self._batches(name, [mine[start : start + size] for start in range(0, len(mine), size)]):
            yield self._scale(inputs), targets

    def close(self) -> None:
        """Ends the workers."""
        self._loaders.clear()
        self._samplers.clear()

    def _ready(
        self, raw: list[Microbatch], plan: StepPlan, epoch: int, number: int, step: list[MicrobatchSlice]
    ) -> list[Microbatch]:
        """A step's microbatches scaled, and changed where the configuration says so."""
        if self._augmenter is None:
            return [(self._scale(inputs), targets, weight) for inputs, targets, weight in raw]
        sizes = [piece.stop - piece.start for piece in step]
        numbers = torch.split(self._augmenter.draw(plan, epoch, number, step), sizes)
        apply, scale = self._augmenter.apply, self._scale
        microbatches = [(apply(x, drawn, scale), y, weight) for (x, y, weight), drawn in zip(raw, numbers, strict=True)]
        return mix_microbatches(self._augmenter, microbatches, epoch, number)

    def _batches(self, name: str, wanted: list[list[int]]) -> Iterator[tuple[Tensor, Tensor]]:
        if not wanted:
            return
        loader = self._loader(name)
        # The loader reads this list at the start of each epoch: its workers stay, and so do the samples they know.
        self._samplers[name][:] = wanted
        for inputs, targets in loader:
            yield inputs.to(self._device, non_blocking=True), targets.to(self._device, non_blocking=True)

    def _loader(self, name: str) -> DataLoader[Any]:
        if name not in self._loaders:
            split = self._source.split(name)
            if split is None:
                raise ValueError(f"the data has no {name} split")
            workers = self._workers()
            self._samplers[name] = []
            self._loaders[name] = DataLoader(
                _Batches(split),
                batch_sampler=self._samplers[name],
                num_workers=workers,
                # fork would copy the engine's threads and, with them, locks that are never released.
                multiprocessing_context=multiprocessing.get_context("spawn") if workers else None,
                persistent_workers=workers > 0,
                prefetch_factor=self._config.dataset.prefetch if workers else None,
                pin_memory=self._device.type == "cuda",
                collate_fn=_as_is,
                # Workers get their seeds from here. Drawn from the stream of the steps, each epoch's would move dropout's numbers,
                # and a run resumed within an epoch would continue with others.
                generator=torch.Generator(),
            )
        return self._loaders[name]

    def _workers(self) -> int:
        wanted = self._config.dataset.workers
        if wanted != "auto":
            return wanted
        return min(max(available_cpus() // self._processes - 1, 1), 8)


def _as_is(batch: Any) -> Any:
    """The dataset gives whole batches already."""
    return batch
