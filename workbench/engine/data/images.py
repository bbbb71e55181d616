"""Pictures from files: decoding every mode to uint8, and the scaling that training wants."""

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
"""Larger pictures are left out: decoding one would take over half a gigabyte."""
STATISTICS_SAMPLES = 2048
UNREADABLE = -100
"""Label of a picture that became unreadable during a run: what PyTorch's losses ignore by default."""


class ImageError(Exception):
    """A file that is no usable picture; the text says why."""


def decode(path: Path, size: int, channels: Literal["rgb", "gray"]) -> Tensor:
    """A picture as uint8 of shape (3 or 1, size, size): short side resized, centre cropped.

    Transparency is laid on white, 16 bits a channel become 8, a camera's rotation is applied. Raises PictureError.
    """
    try:
        with Image.open(path) as opened:
            _check_size(opened)
            opened.draft("RGB", (size * 2, size * 2))
            picture = _eight_bits(ImageOps.exif_transpose(opened))
            picture = picture.convert("RGB" if channels == "rgb" else "L")
            picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    except ImageError:
        raise
    # Pillow's decoders raise whatever a damaged file leads them into.
    except Exception as error:
        raise ImageError(_reason(error)) from error
    array = np.array(picture, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


@dataclass(frozen=True)
class ImageSplit:
    """A split of picture files that are decoded when they are asked for."""

    files: Sequence[Path]
    targets: Tensor
    size: int
    channels: Literal["rgb", "gray"]

    def __len__(self) -> int:
        return len(self.files)

    def read(self, indices: Sequence[int]) -> Tensor:
        """The pictures at ``indices``. One that has become unreadable is black; see :meth:`read_labelled`."""
        return self.read_labelled(indices)[0]

    def read_labelled(self, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Pictures and labels at ``indices``; the label of one that has become unreadable is ``UNREADABLE``."""
        depth = 3 if self.channels == "rgb" else 1
        inputs = torch.zeros(len(indices), depth, self.size, self.size, dtype=torch.uint8)
        labels = self.targets[torch.as_tensor(indices)].clone()
        for place, index in enumerate(indices):
            try:
                inputs[place] = decode(self.files[index], self.size, self.channels)
            except ImageError:
                labels[place] = UNREADABLE
        return inputs, labels

    def name(self, index: int) -> str:
        """The file's path."""
        return os.fsencode(self.files[index]).decode("utf-8", "replace")


def scaling_of(pictures: Tensor, white: int = 255) -> tuple[Normalization, dict[str, Any]]:
    """Mean 0 and standard deviation 1 per channel over ``pictures`` (uint8, (n, channels, height, width)), and that in words."""
    values = pictures.to(torch.float64) / white
    means = values.mean((0, 2, 3)).tolist()
    stds = [max(std, 1e-3) for std in values.std((0, 2, 3), correction=0).tolist()]
    factor = tuple(1 / (white * std) for std in stds)
    offset = tuple(-mean / std for mean, std in zip(means, stds, strict=True))
    return Normalization(factor, offset), {"kind": "pictures", "white": white, "mean": means, "std": stds}


def _check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise ImageError(f"{picture.width} x {picture.height} pixels are too many")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Any mode as one whose channels have 8 bits, transparency laid on white."""
    if picture.mode.startswith(("I", "F")):
        values = np.asarray(picture, dtype=np.float64)
        # Sixteen bits are the rule for these modes; smaller values come from files that use their first eight only.
        most = values.max(initial=0)
        top = 65535.0 if most > 255 else 1.0 if picture.mode == "F" and most <= 1 else 255.0
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture)
    return picture


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is gone"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    if "cannot identify" in str(error):
        return "not a picture, or of an unknown format"
    if "truncated" in str(error).lower():
        return "the file is cut off"
    return f"damaged: {error}"
