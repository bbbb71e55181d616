"""What is black and what is white in images whose pixels have more than 8 bits: one scale for a whole set, never one per image.

With a scale of its own for each image a dark one would be as bright as a bright one. What was found for the training's images
is kept with the model, and holds for every image that it is used on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

Scale = tuple[float, float]
"""The value of black and the value of white."""
SIXTEEN_BITS: Scale = (0.0, 65535.0)
USUAL: dict[str, tuple[Scale, ...]] = {
    "integer": ((0.0, 255.0), SIXTEEN_BITS),
    "float": ((0.0, 1.0), (0.0, 255.0), SIXTEEN_BITS),
}
"""The scales that pixels of a type usually have, the narrowest first."""
LEAST_SHARE = 0.25
"""A set whose values take less than this share of a usual scale has its own range as the scale: little would be left of it."""


class ImageError(Exception):
    """A file that is not a usable image; the text gives the reason."""


@dataclass(frozen=True)
class PixelRange:
    """The least and the greatest value of pixels with more than 8 bits: integers of 16 or 32 bits, or floating-point numbers."""

    kind: Literal["integer", "float"]
    low: float
    high: float


def range_of(image: Image.Image) -> PixelRange | None:
    """The range of an image's finite values; None where its channels have 8 bits. Raises ImageError where none is finite."""
    if not image.mode.startswith(("I", "F")):
        return None
    kind: Literal["integer", "float"] = "float" if image.mode == "F" else "integer"
    values = np.asarray(image)
    finite = values[np.isfinite(values)] if kind == "float" else values
    if finite.size == 0:
        raise ImageError("no pixel is a finite number")
    return PixelRange(kind, float(finite.min()), float(finite.max()))


def scales_of(ranges: Iterable[PixelRange], mixed: bool) -> dict[str, Scale]:
    """The scale of each type of pixels that a set has. ``mixed``: the set has images of 8 bits too.

    It is the narrowest usual scale that holds all values; where they take only a small part of it, their own range. Beside
    images of 8 bits, whose scale is fixed, 16 bits keep theirs.
    """
    widest: dict[str, PixelRange] = {}
    for found in ranges:
        other = widest.get(found.kind, found)
        widest[found.kind] = PixelRange(found.kind, min(found.low, other.low), max(found.high, other.high))
    return {kind: _scale_of(found, mixed or len(widest) > 1) for kind, found in widest.items()}


def eight_bits(image: Image.Image, scales: dict[str, Scale]) -> Image.Image:
    """An image with more than 8 bits a pixel in a set's scales; without one, 16 bits are the rule, and 1.0 is white.

    Raises ImageError for floating-point numbers beyond that, whose scale only a set can tell.
    """
    kind = "float" if image.mode == "F" else "integer"
    black, white = scales.get(kind, (0.0, 1.0) if kind == "float" else SIXTEEN_BITS)
    values = np.array(image, dtype=np.float64)
    if kind == "float":
        np.nan_to_num(values, copy=False, nan=black, posinf=white, neginf=black)
        if kind not in scales and (values.min(initial=0) < 0 or values.max(initial=0) > 1):
            raise ImageError(
                "floating-point pixels beyond 0 to 1, and the training had none that would tell their scale"
            )
    values -= black
    values /= white - black
    np.clip(values, 0, 1, out=values)
    values *= 255
    return Image.fromarray(values.astype(np.uint8))


def _scale_of(found: PixelRange, fixed: bool) -> Scale:
    usual = [scale for scale in USUAL[found.kind] if scale[0] <= found.low and found.high <= scale[1]]
    if fixed and found.kind == "integer" and usual:
        return SIXTEEN_BITS
    span = found.high - found.low
    if usual and (fixed or span == 0 or span >= LEAST_SHARE * (usual[0][1] - usual[0][0])):
        return usual[0]
    return (found.low, found.high) if span > 0 else (found.low, found.low + 1.0)
