"""Random changes of training images, a whole batch at a time on the device, with random numbers of its own for each image.

torchvision's transforms draw once a call: applied to a batch, all its images would get the same change. Here the numbers
of every image of a step are drawn on the CPU from (seed, epoch, step), so that they are the same on every device, with any
number of processes, and after a resume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.config.augmentation import Augmentation
from workbench.config.run import RunConfig
from workbench.engine.data.augment import color, geometry, mixing
from workbench.engine.data.dataset import Source
from workbench.engine.data.sampling import MicrobatchSlice, StepPlan
from workbench.engine.runtime.seeding import generator

COLUMNS = 16 + 2 * 10
"""Random numbers of one image: sixteen for its own changes, two for each operation of RandAugment."""


@dataclass(frozen=True)
class Augmenter:
    """The changes of a configuration. ``white`` is the raw value of white; ``classes`` is 0 for a regression."""

    config: Augmentation
    white: float
    classes: int
    seed: int

    def draw(self, plan: StepPlan, epoch: int, step: int, slices: Sequence[MicrobatchSlice]) -> Tensor:
        """The numbers of the images of one process's microbatches of a step: (images, COLUMNS), float32, in [0, 1), on the CPU.

        They are drawn for the whole step, so that an image gets the same with any number of processes.
        """
        samples = plan.samples_of(step)
        begin = samples.start
        numbers = draw_numbers(self.seed, epoch, step, max(plan.per_step, samples.stop - begin))
        return torch.cat([numbers[piece.start - begin : piece.stop - begin] for piece in slices])

    def raw(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Raw images (b, c, h, w), uint8 or float, changed in place and color: float32 in raw units."""
        return change(images, numbers, self.config, self.white)

    def scaled(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Scaled images with rectangles set to 0, which is their mean."""
        return geometry.erase(images, numbers, self.config.augment_erasing)

    def apply(self, images: Tensor, numbers: Tensor, scale: Callable[[Tensor], Tensor]) -> Tensor:
        """Raw images, changed and scaled: float32 (b, c, h, w)."""
        if not self.config.changes_single_pictures:
            return scale(images)
        numbers = numbers.to(images.device, non_blocking=True)
        return self.scaled(scale(self.raw(images, numbers)), numbers)

    def mix(self, images: Tensor, targets: Tensor, epoch: int, step: int, index: int) -> tuple[Tensor, Tensor]:
        """Microbatch ``index`` of a step with its images and targets mixed; class targets become shares (b, classes)."""
        if not self.config.mixes:
            return images, targets
        draw = generator(self.seed, "mix", epoch, step, index)
        return mixing.mix(images, targets, self.classes, self.config, draw)


def change(images: Tensor, numbers: Tensor, config: Augmentation, white: float) -> Tensor:
    """Raw images (b, c, h, w), uint8 or float, changed in place and color: float32 in raw units."""
    values = images.to(torch.float32) / white
    values = geometry.crop_and_flip(values, numbers, config)
    values = geometry.turn_and_zoom(values, numbers, config)
    values = color.jitter(values, numbers, config)
    for number in range(config.augment_randaugment):
        # It uses torchvision's operations, which take seconds to import.
        from workbench.engine.data.augment import rand_augment

        chosen = numbers[:, 16 + 2 * number : 18 + 2 * number]
        values = rand_augment.apply(values, chosen, config.augment_magnitude)
    return values * white


def draw_numbers(seed: int, epoch: int, step: int, count: int) -> Tensor:
    """The random numbers of ``count`` images of a step: (count, COLUMNS), float32, in [0, 1), on the CPU."""
    return torch.rand(count, COLUMNS, generator=generator(seed, "augment", epoch, step))


def build(config: RunConfig, source: Source) -> Augmenter | None:
    """The changes that a configuration asks for; None where it asks for none."""
    dataset = config.dataset
    if not isinstance(dataset, Augmentation) or not dataset.changes_pictures:
        return None
    white = float(source.preprocessing.get("white", 255))
    return Augmenter(dataset, white, len(source.task.classes), config.training.seed)
