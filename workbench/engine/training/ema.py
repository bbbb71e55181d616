"""An exponential moving average of a model's weights, which often does better than the weights themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class EMA:
    """average = decay * average + (1 - decay) * weights after every step (Polyak and Juditsky, 1992, with a fixed decay).

    Buffers (batch norm's averages) are used as they are.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._weights = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._names = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
        self._average = [parameter.detach().clone() for parameter in self._weights]

    @torch.no_grad()
    def update(self) -> None:
        """Moves the average towards the weights after a step."""
        torch._foreach_lerp_(self._average, [weight.detach() for weight in self._weights], 1.0 - self._decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Puts the average into the model, and the weights into its place. Called again, it puts both back."""
        for weight, average in zip(self._weights, self._average, strict=True):
            before = weight.detach().clone()
            weight.copy_(average)
            average.copy_(before)

    def state_dict(self) -> dict[str, Tensor]:
        """The averages by their parameters' names."""
        return dict(zip(self._names, self._average, strict=True))

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Puts back what :meth:`state_dict` gave; averages that are not in it begin at the weights."""
        for name, average, weight in zip(self._names, self._average, self._weights, strict=True):
            average.copy_(state.get(name, weight.detach()))
