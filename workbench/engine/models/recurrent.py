"""LSTM and GRU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from workbench.config.model import GRU, LSTM
from workbench.engine.models.layers import activation


class RecurrentNetwork(nn.Module):
    """A recurrent core over a series (b, steps, features) or token ids (b, steps); its last state goes through the head."""

    def __init__(self, config: LSTM | GRU, shape: tuple[int, ...], outputs: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0) if vocabulary else None
        features = config.embedding if vocabulary else shape[-1]
        core = nn.LSTM if config.kind == "lstm" else nn.GRU
        between = config.dropout if config.layers > 1 else 0.0
        self.core = core(
            features, config.units, config.layers, batch_first=True, dropout=between, bidirectional=config.bidirectional
        )
        width = config.units * (2 if config.bidirectional else 1)
        head: list[nn.Module] = []
        for units in config.head:
            head += [nn.Linear(width, units), activation(config.activation, inplace=False)]
            width = units
        self.head = nn.Sequential(*head, nn.Linear(width, outputs))
        self.both_ways = config.bidirectional

    def forward(self, inputs: Tensor) -> Tensor:
        """(b, outputs)."""
        if self.embedding is None:
            steps = self.core(inputs)[0]
            last = steps[:, -1]
        else:
            steps = self.core(self.embedding(inputs))[0]
            # The last token that is not padding, which is 0.
            lengths = (inputs != 0).sum(dim=1).clamp(min=1)
            last = steps.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, steps.shape[2]))[:, 0]
        if self.both_ways:
            half = last.shape[1] // 2
            last = torch.cat([last[:, :half], steps[:, 0, half:]], dim=1)
        result: Tensor = self.head(last)
        return result


def build(config: LSTM | GRU, shape: tuple[int, ...], outputs: int, vocabulary: int) -> nn.Module:
    """The network for windows (steps, features), or for texts of token ids below ``vocabulary``."""
    return RecurrentNetwork(config, shape, outputs, vocabulary)
