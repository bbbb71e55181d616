"""Brightness, contrast, saturation and hue, as torchvision's ColorJitter defines them, with a factor for each image."""

from __future__ import annotations

import torch
from torch import Tensor

from workbench.config.augmentation import Augmentation

GREY = (0.2989, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R 601-2), as torchvision's."""


def jitter(images: Tensor, numbers: Tensor, config: Augmentation) -> Tensor:
    """Images in [0, 1], (b, c, h, w). Columns 14, 15, and the fractions that columns 0 and 1 leave."""
    # A uniform number scaled by 4096 leaves a fraction that is uniform too, and as good as independent of it.
    spare = (numbers[:, 14:16] * 4096).frac()
    if config.augment_brightness:
        images = (images * _factor(numbers[:, 14], config.augment_brightness)).clamp(0, 1)
    if config.augment_contrast:
        mean = grey(images).mean(dim=(1, 2, 3), keepdim=True)
        images = blend(images, mean, _factor(numbers[:, 15], config.augment_contrast))
    if images.shape[1] != 3:
        return images
    if config.augment_saturation:
        images = blend(images, grey(images), _factor(spare[:, 0], config.augment_saturation))
    if config.augment_hue:
        images = turn_hue(images, (spare[:, 1] * 2 - 1) * config.augment_hue)
    return images


def grey(images: Tensor) -> Tensor:
    """Shape (b, 1, h, w)."""
    if images.shape[1] != 3:
        return images.mean(dim=1, keepdim=True)
    weights = torch.tensor(GREY, device=images.device).view(1, 3, 1, 1)
    return (images * weights).sum(dim=1, keepdim=True)


def blend(images: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """factor * images + (1 - factor) * other, within [0, 1]."""
    return (factor * images + (1 - factor) * other).clamp(0, 1)


def turn_hue(images: Tensor, turn: Tensor) -> Tensor:
    """Red, green and blue turned on the color circle by ``turn`` (b,), in whole circles."""
    hue, saturation, value = _to_hsv(images)
    hue = (hue + turn.view(-1, 1, 1)).remainder(1.0)
    # The usual closed form: channel n of HSV to RGB is v - v s max(0, min(k, 4 - k, 1)), k = (n + 6 h) mod 6.
    channels = []
    for n in (5.0, 3.0, 1.0):
        k = (n + 6 * hue).remainder(6.0)
        channels.append(value - value * saturation * torch.minimum(k, 4 - k).clamp(0, 1))
    return torch.stack(channels, dim=1)


def _to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    red, green, blue = images.unbind(dim=1)
    value, least = images.amax(dim=1), images.amin(dim=1)
    spread = value - least
    safe = torch.where(spread > 0, spread, 1.0)
    hue = torch.where(
        value == red,
        ((green - blue) / safe).remainder(6.0),
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    saturation = spread / torch.where(value > 0, value, 1.0)
    return torch.where(spread > 0, hue / 6, 0.0), saturation, value


def _factor(share: Tensor, reach: float) -> Tensor:
    return (1 + (share * 2 - 1) * reach).view(-1, 1, 1, 1)
