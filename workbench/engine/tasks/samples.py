"""Single samples as they are shown: thumbnails, texts, or a few numbers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workbench.engine.data.dataset import Source, Split
from workbench.engine.data.images import ImageError

THUMBNAIL_PIXELS = 64
MAX_SAMPLES = 64
"""Samples described at once."""
MAX_VALUES = 8
"""Numbers shown of a sample that is not an image."""
MAX_CHARACTERS = 200
"""Characters shown of a text."""


def describe(source: Source, split: Split, indices: Sequence[int]) -> list[dict[str, Any]]:
    """For each sample its ``index``, its name (``what``), and a ``thumbnail`` or a ``text``; at most ``MAX_SAMPLES`` of them."""
    return [_describe(source, split, index) for index in indices[:MAX_SAMPLES]]


def _describe(source: Source, split: Split, index: int) -> dict[str, Any]:
    description: dict[str, Any] = {"index": index, "what": split.name(index)}
    try:
        raw = split.read([index])[0]
    except ImageError as error:
        return {**description, "text": str(error)}
    if raw.dim() == 3 and raw.shape[0] in (1, 3):
        return {**description, "thumbnail": thumbnail(raw, description["what"], source.preprocessing.get("white", 255))}
    if source.vocabulary and "tokenizer" in source.preprocessing:
        from workbench.engine.data import text

        return {**description, "text": text.tokenizer_from(source.preprocessing).decode(raw.tolist())[:MAX_CHARACTERS]}
    # Of a window the newest values of its first column.
    values = raw[-MAX_VALUES:, 0] if raw.dim() == 2 else raw.flatten()[:MAX_VALUES]
    dots = "… " if raw.dim() == 2 else ""
    rest = " …" if raw.dim() != 2 and raw.numel() > MAX_VALUES else ""
    return {**description, "text": dots + ", ".join(f"{value:.4g}" for value in values.tolist()) + rest}


def thumbnail(image: Tensor, label: str, white: int) -> dict[str, Any]:
    """An image (channels, height, width) made small enough: its pixels as uint8, row by row with channels last, in base64.

    ``white`` is the value of a white pixel of uint8 images; others are stretched from their least to their largest value.
    """
    step = max(1, -(-max(image.shape[1:]) // THUMBNAIL_PIXELS))
    image = image[:, ::step, ::step]
    if image.dtype != torch.uint8:
        low, high = image.min(), image.max()
        image = ((image - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)
    elif white != 255:
        image = (image.to(torch.float32) * (255 / white)).to(torch.uint8)
    channels, height, width = image.shape
    pixels = image.permute(1, 2, 0).contiguous().cpu().numpy().tobytes()
    return {
        "label": label,
        "width": width,
        "height": height,
        "channels": channels,
        "pixels": base64.b64encode(pixels).decode("ascii"),
    }
