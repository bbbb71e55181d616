"""Single samples as a person looks at them: small pictures, words, or a few numbers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from workbench.engine.data.dataset import Source, Split
from workbench.engine.data.images import ImageError

THUMBNAIL_PIXELS = 64
MOST = 64
"""Samples described at once."""
VALUES = 8
"""Numbers told of a sample that is no picture."""
WORDS = 200
"""Letters told of a text."""


def describe(source: Source, split: Split, indices: Sequence[int]) -> list[dict[str, Any]]:
    """For each sample its ``index``, its name (``what``), and a ``thumbnail`` or a ``text``; at most ``MOST`` of them."""
    return [_describe(source, split, index) for index in indices[:MOST]]


def _describe(source: Source, split: Split, index: int) -> dict[str, Any]:
    told: dict[str, Any] = {"index": index, "what": split.name(index)}
    try:
        raw = split.read([index])[0]
    except ImageError as error:
        return {**told, "text": str(error)}
    if raw.dim() == 3 and raw.shape[0] in (1, 3):
        return {**told, "thumbnail": thumbnail(raw, told["what"], source.preprocessing.get("white", 255))}
    if source.vocabulary and "tokenizer" in source.preprocessing:
        from workbench.engine.data import text

        return {**told, "text": text.tokenizer_from(source.preprocessing).decode(raw.tolist())[:WORDS]}
    # Of a window the newest values of its first column.
    values = raw[-VALUES:, 0] if raw.dim() == 2 else raw.flatten()[:VALUES]
    dots = "… " if raw.dim() == 2 else ""
    rest = " …" if raw.dim() != 2 and raw.numel() > VALUES else ""
    return {**told, "text": dots + ", ".join(f"{value:.4g}" for value in values.tolist()) + rest}


def thumbnail(picture: Tensor, label: str, white: int) -> dict[str, Any]:
    """A picture (channels, height, width) made small enough: its pixels as uint8, row by row with channels last, in base64.

    ``white`` is the value of a white pixel of uint8 pictures; others are stretched from their least to their largest value.
    """
    step = max(1, -(-max(picture.shape[1:]) // THUMBNAIL_PIXELS))
    picture = picture[:, ::step, ::step]
    if picture.dtype != torch.uint8:
        low, high = picture.min(), picture.max()
        picture = ((picture - low) / (high - low).clamp(min=1e-12) * 255).to(torch.uint8)
    elif white != 255:
        picture = (picture.to(torch.float32) * (255 / white)).to(torch.uint8)
    channels, height, width = picture.shape
    pixels = picture.permute(1, 2, 0).contiguous().cpu().numpy().tobytes()
    return {
        "label": label,
        "width": width,
        "height": height,
        "channels": channels,
        "pixels": base64.b64encode(pixels).decode("ascii"),
    }
