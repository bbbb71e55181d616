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
from workbench.engine.data.unreadable import WORDS, UnreadableSamples
from workbench.engine.runtime.devices import available_cpus

ReadBatch = tuple[Tensor, Tensor, dict[int, str]]
"""Inputs, targets, and why samples that were asked for are not among them, by their index."""


class _Batches(Dataset[ReadBatch]):
    """A split as a dataset that is asked for a whole batch of indices at once (torch's ``__getitems__``)."""

    def __init__(self, split: Split) -> None:
        self._split = split

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> ReadBatch:
        return self.__getitems__([index])

    def __getitems__(self, indices: Sequence[int]) -> ReadBatch:
        reasons: dict[int, str] = {}
        if isinstance(self._split, ImageSplit):
            inputs, reasons = self._split.read_readable(indices)
            indices = [index for index in indices if index not in reasons]
        else:
            inputs = self._split.read(indices)
        return inputs, self._split.targets[torch.as_tensor(indices, dtype=torch.int64)], reasons


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
        self.unreadable = UnreadableSamples(source, processes)
        self._samplers: dict[str, list[list[int]]] = {}
        self._loaders: dict[str, DataLoader[Any]] = {}

    def steps(self, plan: StepPlan, rank: int, seed: int, epoch: int, first: int) -> Iterator[list[Microbatch]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        order = epoch_order(plan.samples, seed, epoch, self._weights).tolist()
        steps = [plan.step(number, rank) for number in range(first, plan.steps)]
        wanted = [[order[piece.start : piece.stop] for piece in step] for step in steps]
        batches = iter(self._batches("train", [indices for step in wanted for indices in step]))
        for number, (step, indices) in enumerate(zip(steps, wanted, strict=True), first):
            read = [next(batches) for _ in step]
            raw = [(inputs, targets, piece.weight) for (inputs, targets, _), piece in zip(read, step, strict=True)]
            kept = None
            if any(reasons for _, _, reasons in read):
                kept = [_kept(of_batch, reasons) for of_batch, (_, _, reasons) in zip(indices, read, strict=True)]
                if not any(map(len, kept)):
                    raise self.unreadable.refuse("train", "no image of a training batch")
                raw = _reweighted(raw, [len(of_batch) for of_batch in indices])
            microbatches = self._ready(raw, plan, epoch, number, step, kept)
            yield microbatches if kept is None else [batch for batch in microbatches if len(batch[1])]

    def evaluation(self, name: str, rank: int, world: int) -> Iterator[tuple[Tensor, Tensor]]:
        """See :class:`~workbench.engine.data.batches.Loader`."""
        split = self._source.split(name)
        mine = list(range(rank, len(split) if split is not None else 0, world))
        size = max(self._config.training.batch_size, EVALUATION_BATCH)
        readable = 0
        for inputs, targets, _ in self._batches(
            name, [mine[start : start + size] for start in range(0, len(mine), size)]
        ):
            readable += len(targets)
            if len(targets):
                yield self._scale(inputs), targets
        if mine and not readable:
            raise self.unreadable.refuse(name, f"no image of the {WORDS[name]} split")

    def close(self) -> None:
        """Ends the workers."""
        self._loaders.clear()
        self._samplers.clear()

    def _ready(
        self,
        raw: list[Microbatch],
        plan: StepPlan,
        epoch: int,
        number: int,
        step: list[MicrobatchSlice],
        kept: list[list[int]] | None,
    ) -> list[Microbatch]:
        """A step's microbatches scaled, and changed where the configuration says so. ``kept``: the places of their samples in the
        slices, where some are missing."""
        if self._augmenter is None:
            return [(self._scale(inputs), targets, weight) for inputs, targets, weight in raw]
        sizes = [piece.stop - piece.start for piece in step]
        numbers = torch.split(self._augmenter.draw(plan, epoch, number, step), sizes)
        if kept is not None:
            numbers = tuple(drawn[places] for drawn, places in zip(numbers, kept, strict=True))
        apply, scale = self._augmenter.apply, self._scale
        microbatches = [(apply(x, drawn, scale), y, weight) for (x, y, weight), drawn in zip(raw, numbers, strict=True)]
        return mix_microbatches(self._augmenter, microbatches, epoch, number)

    def _batches(self, name: str, wanted: list[list[int]]) -> Iterator[ReadBatch]:
        """Raises UnreadableError where too many samples can no longer be read."""
        if not wanted:
            return
        loader = self._loader(name)
        # The loader reads this list at the start of each epoch: its workers stay, and so do the samples they know.
        self._samplers[name][:] = wanted
        for inputs, targets, reasons in loader:
            if reasons:
                self.unreadable.add(name, reasons)
            yield inputs.to(self._device, non_blocking=True), targets.to(self._device, non_blocking=True), reasons

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


def _kept(indices: list[int], reasons: dict[int, str]) -> list[int]:
    """The places of the samples that were read."""
    return [place for place, index in enumerate(indices) if index not in reasons]


def _reweighted(raw: list[Microbatch], sizes: list[int]) -> list[Microbatch]:
    """Microbatches with missing samples: each of the others counts the same, and the weights add up to what they did."""
    weights = [weight * len(targets) / max(size, 1) for (_, targets, weight), size in zip(raw, sizes, strict=True)]
    share = sum(weight for _, _, weight in raw) / (sum(weights) or 1.0)
    return [(inputs, targets, weight * share) for (inputs, targets, _), weight in zip(raw, weights, strict=True)]


def _as_is(batch: Any) -> Any:
    """The dataset gives whole batches already."""
    return batch
