"""Images from files: decoding every mode to uint8, and the scaling that training wants."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from workbench.engine.data.dataset import Normalization

MAX_PIXELS = 150_000_000
"""Larger images are left out: decoding one would take over half a gigabyte."""
STATISTICS_SAMPLES = 2048
UNREADABLE = -100
"""Label of an image that became unreadable during a run: what PyTorch's losses ignore by default."""


class ImageError(Exception):
    """A file that is not a usable image; the text gives the reason."""


def decode(path: Path, size: int, channels: Literal["rgb", "gray"]) -> Tensor:
    """An image as uint8 of shape (3 or 1, size, size): short side resized, center cropped.

    Transparency is laid on white, 16 bits a channel become 8, a camera's rotation is applied. Raises ImageError.
    """
    try:
        with Image.open(path) as opened:
            _check_size(opened)
            opened.draft("RGB", (size * 2, size * 2))
            image = _eight_bits(ImageOps.exif_transpose(opened))
            image = image.convert("RGB" if channels == "rgb" else "L")
            image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    except ImageError:
        raise
    # Pillow's decoders raise whatever a damaged file leads them into.
    except Exception as error:
        raise ImageError(_reason(error)) from error
    array = np.array(image, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


@dataclass(frozen=True)
class ImageSplit:
    """A split of image files that are decoded when they are asked for."""

    files: Sequence[Path]
    targets: Tensor
    size: int
    channels: Literal["rgb", "gray"]

    def __len__(self) -> int:
        return len(self.files)

    def read(self, indices: Sequence[int]) -> Tensor:
        """The images at ``indices``. One that has become unreadable is black; see :meth:`read_labeled`."""
        return self.read_labeled(indices)[0]

    def read_labeled(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Images and labels at ``indices``; the label of one that has become unreadable is ``UNREADABLE``."""
        depth = 3 if self.channels == "rgb" else 1
        inputs = torch.zeros(len(indices), depth, self.size, self.size, dtype=torch.uint8)
        labels = self.targets[torch.as_tensor(indices)].clone()
        for row, index in enumerate(indices):
            try:
                inputs[row] = decode(self.files[index], self.size, self.channels)
            except ImageError:
                labels[row] = UNREADABLE
        return inputs, labels

    def name(self, index: int) -> str:
        """The file's path."""
        return os.fsencode(self.files[index]).decode("utf-8", "replace")


def scaling_of(images: Tensor, white: int = 255) -> tuple[Normalization, dict[str, Any]]:
    """Mean 0 and standard deviation 1 per channel over ``images`` (uint8, (n, channels, height, width)), and that as plain data."""
    values = images.to(torch.float64) / white
    means = values.mean((0, 2, 3)).tolist()
    stds = [max(std, 1e-3) for std in values.std((0, 2, 3), correction=0).tolist()]
    factor = tuple(1 / (white * std) for std in stds)
    offset = tuple(-mean / std for mean, std in zip(means, stds, strict=True))
    return Normalization(factor, offset), {"kind": "pictures", "white": white, "mean": means, "std": stds}


def _check_size(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(f"too large: {image.width} x {image.height} pixels")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Any mode as one whose channels have 8 bits, transparency laid on white."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        # Sixteen bits are the rule for these modes; smaller values come from files that use their first eight only.
        largest = values.max(initial=0)
        top = 65535.0 if largest > 255 else 1.0 if image.mode == "F" and largest <= 1 else 255.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image)
    return image


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file was not found"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    if "cannot identify" in str(error):
        return "not an image, or an unknown format"
    if "truncated" in str(error).lower():
        return "the file is truncated"
    return f"damaged: {error}"
