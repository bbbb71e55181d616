"""Transformer encoder (Vaswani et al., 2017), attention and positions written out."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from workbench.config.model import Transformer
from workbench.engine.models.layers import activation


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention of several heads: softmax(q k^T / sqrt(width / heads)) v."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, hidden: Tensor | None) -> Tensor:
        """(b, t, width). ``hidden``: bool, broadcast to (b, heads, t, t), True where attention is masked."""
        weights = self.weights(inputs, hidden)
        mixed = self.dropout(weights) @ self._divide(self.value(inputs))
        result: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return result

    def weights(self, inputs: Tensor, hidden: Tensor | None) -> Tensor:
        """How much each step attends to each other: (b, heads, t, t), rows that sum to 1."""
        query, key = self._divide(self.query(inputs)), self._divide(self.key(inputs))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        if hidden is not None:
            scores = scores.masked_fill(hidden, float("-inf"))
        return torch.softmax(scores, dim=-1)

    def _divide(self, steps: Tensor) -> Tensor:
        """(b, t, width) to (b, heads, t, width / heads)."""
        batch, length, width = steps.shape
        return steps.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


class EncoderLayer(nn.Module):
    """Attention and feed-forward, each with a shortcut and layer normalization behind it (post) or before it (pre)."""

    def __init__(self, config: Transformer) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(config.width, config.attention_heads, config.dropout)
        self.feedforward = nn.Sequential(
            nn.Linear(config.width, config.feedforward),
            activation(config.activation, inplace=False),
            nn.Dropout(config.dropout),
            nn.Linear(config.feedforward, config.width),
        )
        self.norm1 = nn.LayerNorm(config.width)
        self.norm2 = nn.LayerNorm(config.width)
        self.dropout = nn.Dropout(config.dropout)
        self.pre = config.norm_first == "pre"

    def forward(self, steps: Tensor, hidden: Tensor | None) -> Tensor:
        """(b, t, width)."""
        if self.pre:
            steps = steps + self.dropout(self.attention(self.norm1(steps), hidden))
            deeper: Tensor = steps + self.dropout(self.feedforward(self.norm2(steps)))
            return deeper
        steps = self.norm1(steps + self.dropout(self.attention(steps, hidden)))
        result: Tensor = self.norm2(steps + self.dropout(self.feedforward(steps)))
        return result


class TransformerNetwork(nn.Module):
    """Embedding or projection, sinusoidal positions, encoder layers, pooling, a linear output."""

    positions: Tensor

    def __init__(self, config: Transformer, shape: tuple[int, ...], outputs: int, vocabulary: int) -> None:
        super().__init__()
        width = config.width
        self.tokens = vocabulary > 0
        self.embedding: nn.Module = (
            nn.Embedding(vocabulary, width, padding_idx=0) if vocabulary else nn.Linear(shape[-1], width)
        )
        self.register_buffer("positions", sinusoids(max(shape[0], 1), width), persistent=False)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.final: nn.Module = nn.LayerNorm(width) if config.norm_first == "pre" else nn.Identity()
        self.output = nn.Linear(width, outputs)
        self.causal = config.causal
        self.pool = config.pool
        self.scale = math.sqrt(width) if vocabulary else 1.0

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, t, features) or token ids (b, t) to (b, outputs)."""
        steps, hidden = self._begin(inputs)
        for layer in self.layers:
            steps = layer(steps, hidden)
        steps = self.final(steps)
        result: Tensor = self.output(self._pooled(steps, inputs))
        return result

    @torch.no_grad()
    def attention_maps(self, inputs: Tensor) -> list[Tensor]:
        """What each layer attends to: (b, heads, t, t) a layer."""
        steps, hidden = self._begin(inputs)
        maps = []
        for layer in self.layers:
            assert isinstance(layer, EncoderLayer)
            maps.append(layer.attention.weights(layer.norm1(steps) if layer.pre else steps, hidden))
            steps = layer(steps, hidden)
        return maps

    def _begin(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        steps = self.dropout(self.embedding(inputs) * self.scale + self.positions[: inputs.shape[1]])
        hidden: Tensor | None = None
        if self.tokens:
            padding = inputs == 0
            # A text of padding alone attends to itself: a softmax over nothing is not a number.
            padding = padding & ~padding.all(dim=1, keepdim=True)
            hidden = padding[:, None, None, :]
        if self.causal:
            length = inputs.shape[1]
            ahead = torch.ones(length, length, dtype=torch.bool, device=inputs.device).triu(1)
            hidden = ahead if hidden is None else hidden | ahead
        return steps, hidden

    def _pooled(self, steps: Tensor, inputs: Tensor) -> Tensor:
        if self.pool == "first":
            return steps[:, 0]
        if not self.tokens:
            return steps[:, -1] if self.pool == "last" else steps.mean(dim=1)
        known = (inputs != 0).to(steps.dtype)
        count = known.sum(dim=1).clamp(min=1.0)
        if self.pool == "mean":
            return (steps * known[:, :, None]).sum(dim=1) / count[:, None]
        last = (count.to(torch.int64) - 1).view(-1, 1, 1).expand(-1, 1, steps.shape[2])
        return steps.gather(1, last)[:, 0]


def sinusoids(length: int, width: int) -> Tensor:
    """Positions as sines and cosines of falling frequency: (length, width)."""
    position = torch.arange(length, dtype=torch.float32)[:, None]
    falling = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    table = torch.zeros(length, width)
    table[:, 0::2] = torch.sin(position * falling)
    table[:, 1::2] = torch.cos(position * falling)[:, : width // 2]
    return table


def build(config: Transformer, shape: tuple[int, ...], outputs: int, vocabulary: int) -> nn.Module:
    """The network for windows (steps, features), or for texts of token ids below ``vocabulary``. Raises ValueError."""
    if shape[0] > config.positions:
        raise ValueError(f"sequences of {shape[0]} steps are longer than the {config.positions} positions")
    return TransformerNetwork(config, shape, outputs, vocabulary)
