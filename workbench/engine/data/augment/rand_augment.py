"""RandAugment (Cubuk et al., 2019): operations of torchvision's list, one drawn for each image."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

from workbench.engine.data.augment import color
from workbench.engine.data.augment.geometry import resample

BINS = 30
"""Strengths run from 0 to this, as in torchvision."""

Operation = Callable[[Tensor, Tensor], Tensor]
"""Images (b, c, h, w) in [0, 1] and a signed strength in [-1, 1] for each, shape (b,)."""

Rows = tuple[tuple[float | Tensor, ...], tuple[float | Tensor, ...]]


def apply(images: Tensor, numbers: Tensor, magnitude: int) -> Tensor:
    """One operation for each image, chosen by the first column of ``numbers`` (b, 2), its sign by the second."""
    chosen = (numbers[:, 0] * len(OPERATIONS)).to(torch.int64)
    strength = magnitude / BINS * torch.where(numbers[:, 1] < 0.5, -1.0, 1.0)
    result = images.clone()
    for index, operation in enumerate(OPERATIONS):
        which = torch.nonzero(chosen == index).flatten()
        if len(which):
            result[which] = operation(images[which], strength[which])
    return result


def _affine(rows: Callable[[Tensor], Rows]) -> Operation:
    def change(images: Tensor, strength: Tensor) -> Tensor:
        matrix = [
            [torch.as_tensor(entry, device=strength.device).expand_as(strength) for entry in row]
            for row in rows(strength)
        ]
        return resample(images, torch.stack([torch.stack(row, dim=1) for row in matrix], dim=1))

    return change


def _factor(strength: Tensor) -> Tensor:
    return (1 + 0.9 * strength).view(-1, 1, 1, 1)


def _sharpen(images: Tensor, strength: Tensor) -> Tensor:
    if min(images.shape[2:]) < 3:
        return images
    return color.blend(images, functional.adjust_sharpness(images, 0.0), _factor(strength))


def _posterize(images: Tensor, strength: Tensor) -> Tensor:
    levels = 2.0 ** (8 - 4 * strength.abs()).round().view(-1, 1, 1, 1)
    return (images * 255 / (256 / levels)).floor() * (256 / levels) / 255


def _solarize(images: Tensor, strength: Tensor) -> Tensor:
    return torch.where(images >= (1 - strength.abs()).view(-1, 1, 1, 1), 1 - images, images)


def _turn(strength: Tensor) -> Rows:
    angle = torch.deg2rad(30 * strength)
    return (angle.cos(), -angle.sin(), 0.0), (angle.sin(), angle.cos(), 0.0)


# Ranges as in torchvision's RandAugment: shears to 0.3, shifts to 150/331 of the side, 30 degrees, factors 1 +- 0.9.
OPERATIONS: tuple[Operation, ...] = (
    lambda images, strength: images,
    _affine(lambda s: ((1.0, 0.3 * s, 0.0), (0.0, 1.0, 0.0))),
    _affine(lambda s: ((1.0, 0.0, 0.0), (0.3 * s, 1.0, 0.0))),
    _affine(lambda s: ((1.0, 0.0, 2 * 150 / 331 * s), (0.0, 1.0, 0.0))),
    _affine(lambda s: ((1.0, 0.0, 0.0), (0.0, 1.0, 2 * 150 / 331 * s))),
    _affine(_turn),
    lambda images, strength: (images * _factor(strength)).clamp(0, 1),
    lambda images, strength: color.blend(images, color.grey(images), _factor(strength)),
    lambda images, strength: color.blend(
        images, color.grey(images).mean(dim=(1, 2, 3), keepdim=True), _factor(strength)
    ),
    _sharpen,
    _posterize,
    _solarize,
    lambda images, strength: functional.autocontrast(images),
    lambda images, strength: functional.equalize(images),
)
