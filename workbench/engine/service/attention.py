"""Attention maps of one sample: which steps each head of a layer attends to."""

from __future__ import annotations

import base64

import numpy as np
import torch
from torch import Tensor

from workbench.engine.data.dataset import Source, Split
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.build import Parts
from workbench.runs.service.inspection import AttentionMaps

MOST_STEPS = 160


def attention(parts: Parts, split: Split, index: int, layer: int) -> AttentionMaps:
    """The maps of one layer for the sample at ``index`` (cut to what there is): float16 (heads, t, t) in base64.

    A row is a query, a column a key; a row sums to 1. Padding is left out. Raises RefusedError.
    """
    maps_of = getattr(parts.model, "attention_maps", None)
    if maps_of is None:
        what = f"the architecture {parts.config.model.kind} has no attention"
        raise RefusedError(what, "choose the transformer to see its attention")
    index = min(max(index, 0), len(split) - 1)
    raw = split.read([index]).to(parts.device)
    inputs = parts.source.scaling.on(parts.device, raw.dim())(raw)
    parts.model.eval()
    with torch.no_grad():
        maps = maps_of(inputs)
    layer = min(max(layer, 0), len(maps) - 1)
    steps = _steps(parts.source, raw[0])
    shown = maps[layer][0, :, :steps, :steps].float().cpu().numpy()
    return AttentionMaps(
        index=index,
        samples=len(split),
        what=split.name(index),
        layer=layer,
        layers=len(maps),
        heads=shown.shape[0],
        steps=steps,
        step_names=_step_names(parts.source, raw[0, :steps]),
        maps=base64.b64encode(shown.astype(np.float16).tobytes()).decode("ascii"),
    )


def _steps(source: Source, raw: Tensor) -> int:
    """Steps that are shown: of a text those that are no padding."""
    length = int((raw != 0).sum()) if source.vocabulary else raw.shape[0]
    return max(1, min(length, MOST_STEPS))


def _step_names(source: Source, raw: Tensor) -> tuple[str, ...]:
    """What each step is: a word's part, or its number counted from the newest."""
    if source.vocabulary and "tokenizer" in source.preprocessing:
        from workbench.engine.data import text

        tokenizer = text.tokenizer_from(source.preprocessing)
        return tuple(tokenizer.decode([token]).strip() or "·" for token in raw.tolist())
    count = len(raw)
    return tuple(str(step - count) for step in range(count))
