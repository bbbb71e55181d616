"""Where the pixels of an image go: flips, crops, rotation, erasing. Each image of the batch by its own numbers."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from workbench.config.augmentation import Augmentation

RATIO = (3 / 4, 4 / 3)
"""Width to height of a resized crop, as torchvision's RandomResizedCrop."""
ERASED_AREA = (0.02, 0.33)
"""Share of the area that is erased (Zhong et al., 2017)."""
ERASED_RATIO = (0.3, 3.3)
"""Its width to height."""


def crop_and_flip(images: Tensor, numbers: Tensor, config: Augmentation) -> Tensor:
    """Shifts within a black border, and mirrors: whole pixels, so that nothing is blurred. Columns 0 to 3."""
    border = config.augment_crop
    if not (border or config.augment_flip or config.augment_flip_vertical):
        return images
    count, _, height, width = images.shape
    across = torch.arange(width, device=images.device).expand(count, width)
    down = torch.arange(height, device=images.device).expand(count, height)
    mirrored = numbers[:, 0] < config.augment_flip
    turned = numbers[:, 1] < config.augment_flip_vertical
    across = torch.where(mirrored[:, None], width - 1 - across, across)
    down = torch.where(turned[:, None], height - 1 - down, down)
    if border:
        images = functional.pad(images, (border, border, border, border))
        across = across + (numbers[:, 2:3] * (2 * border + 1)).to(torch.int64)
        down = down + (numbers[:, 3:4] * (2 * border + 1)).to(torch.int64)
    each = torch.arange(count, device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[each, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)


def turn_and_zoom(images: Tensor, numbers: Tensor, config: Augmentation) -> Tensor:
    """Rotation about the middle and a resized crop, as one bilinear resampling. Columns 4 to 8."""
    least = config.augment_resized_crop
    if not config.augment_rotation and least == "off":
        return images
    angle = torch.deg2rad((numbers[:, 4] * 2 - 1) * config.augment_rotation)
    wide = tall = torch.ones_like(angle)
    x = y = torch.zeros_like(angle)
    if least != "off":
        area = least + (1 - least) * numbers[:, 5]
        ratio = torch.exp(_between(numbers[:, 6], math.log(RATIO[0]), math.log(RATIO[1])))
        wide, tall = (area * ratio).sqrt().clamp(max=1.0), (area / ratio).sqrt().clamp(max=1.0)
        x, y = (numbers[:, 7] * 2 - 1) * (1 - wide), (numbers[:, 8] * 2 - 1) * (1 - tall)
    height, width = images.shape[2:]
    cos, sin = angle.cos(), angle.sin()
    rows = (
        torch.stack([wide * cos, -tall * sin * height / width, x], dim=1),
        torch.stack([wide * sin * width / height, tall * cos, y], dim=1),
    )
    return resample(images, torch.stack(rows, dim=1))


def resample(images: Tensor, matrices: Tensor) -> Tensor:
    """Each image through its own affine map (b, 2, 3) from output to input places in [-1, 1]; black outside."""
    grid = functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def erase(images: Tensor, numbers: Tensor, share: float) -> Tensor:
    """A rectangle set to 0 in a share of the images. Columns 9 to 13."""
    if not share:
        return images
    height, width = images.shape[2:]
    area = _between(numbers[:, 10], *ERASED_AREA)
    ratio = torch.exp(_between(numbers[:, 11], math.log(ERASED_RATIO[0]), math.log(ERASED_RATIO[1])))
    wide, tall = (area * ratio).sqrt().clamp(max=1.0) * width, (area / ratio).sqrt().clamp(max=1.0) * height
    hidden = boxes(numbers[:, 12] * (width - wide), numbers[:, 13] * (height - tall), wide, tall, (height, width))
    hidden &= (numbers[:, 9] < share)[:, None, None]
    return images.masked_fill(hidden[:, None], 0.0)


def boxes(left: Tensor, top: Tensor, wide: Tensor, tall: Tensor, size: tuple[int, int]) -> Tensor:
    """Rectangles in pixels as masks: bool, shape (b, height, width)."""
    down = torch.arange(size[0], device=left.device) + 0.5
    across = torch.arange(size[1], device=left.device) + 0.5
    inside_x = (across >= left[:, None]) & (across < (left + wide)[:, None])
    inside_y = (down >= top[:, None]) & (down < (top + tall)[:, None])
    return inside_y[:, :, None] & inside_x[:, None, :]


def _between(share: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * share
