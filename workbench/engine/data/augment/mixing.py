"""MixUp and CutMix: images of a batch mixed with one another, and their targets with them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from workbench.config.augmentation import Augmentation
from workbench.engine.data.augment.geometry import boxes


def mix(
    images: Tensor, targets: Tensor, classes: int, config: Augmentation, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mixes each image with the one before it in the batch, as torchvision does, by a share of its own.

    Class targets (int64, (b,)) become float32 (b, classes); one that is no class (an unreadable image) becomes a row of 0.
    """
    count = len(targets)
    both = config.augment_mixup > 0 and config.augment_cutmix > 0
    cuts = bool(torch.rand(1, generator=draw) < 0.5) if both else config.augment_cutmix > 0
    alpha = config.augment_cutmix if cuts else config.augment_mixup
    share = _beta(alpha, count, draw)
    places = torch.rand(count, 2, generator=draw)
    labels = targets
    if classes and not targets.is_floating_point():
        known = (targets >= 0) & (targets < classes)
        labels = functional.one_hot(targets.clamp(0, classes - 1), classes) * known[:, None]
    labels = labels.to(torch.float32)
    if cuts:
        hidden, share = _boxes(share, places, (images.shape[2], images.shape[3]))
        hidden = hidden.to(images.device)
        mixed = torch.where(hidden[:, None], images.roll(1, 0), images)
    else:
        weight = share.to(images.device).view(-1, 1, 1, 1)
        mixed = weight * images + (1 - weight) * images.roll(1, 0)
    weight = share.to(labels.device).view(-1, *[1] * (labels.dim() - 1))
    return mixed, weight * labels + (1 - weight) * labels.roll(1, 0)


def _boxes(share: Tensor, places: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rectangles of about 1 - share of the area about random middles, and the share that they leave exactly."""
    height, width = size
    side = (1 - share).sqrt()
    wide, tall = side * width, side * height
    left, top = places[:, 0] * width - wide / 2, places[:, 1] * height - tall / 2
    hidden = boxes(left, top, wide, tall, size)
    return hidden, 1 - hidden.to(torch.float32).mean(dim=(1, 2))


def _beta(alpha: float, count: int, draw: torch.Generator) -> Tensor:
    """Beta(alpha, alpha), shape (count,): two gamma variables, for torch's own Beta takes no generator."""
    shape = torch.full((2, count), alpha, dtype=torch.float64)
    gamma = torch._standard_gamma(shape, generator=draw)
    total = gamma.sum(dim=0)
    return torch.where(total > 0, gamma[0] / total, 0.5).to(torch.float32)
