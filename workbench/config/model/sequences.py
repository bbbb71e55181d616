"""Networks for sequences: time series and text."""

from __future__ import annotations

from typing import ClassVar, Literal

from workbench.config.dataset.base import SampleKind
from workbench.config.fields import setting
from workbench.config.model.base import Activation, ModelSection


class Recurrent(ModelSection):
    """What recurrent networks share."""

    accepts: ClassVar[tuple[SampleKind, ...]] = ("series", "text")
    units: int = setting(
        64, title="Hidden units", help="Size of the hidden state of each layer.", unit="units", ge=1, le=65536
    )
    layers: int = setting(2, title="Layers", help="Number of stacked recurrent layers.", ge=1, le=64)
    dropout: float = setting(0.2, title="Dropout", help="Dropout probability between recurrent layers.", ge=0.0, lt=1.0)
    bidirectional: bool = setting(
        False, title="Bidirectional", help="Read the sequence in both directions.", advanced=True
    )
    embedding: int = setting(
        64, title="Embedding size", help="Size of the token embedding (text only).", ge=1, le=65536, advanced=True
    )
    activation: Activation = setting(
        "relu", title="Activation", help="Activation function after each hidden layer of the head.", advanced=True
    )


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with a head on its last state."""

    title: ClassVar[str] = "LSTM"
    kind: Literal["lstm"] = "lstm"
    head: tuple[int, ...] = setting(
        (32,),
        title="Head",
        help="Units of each hidden layer before the output.",
        unit="units",
        ge=1,
        le=65536,
    )


class GRU(Recurrent):
    """Gated recurrent units (Cho et al., 2014), with a head on its last state."""

    title: ClassVar[str] = "GRU"
    kind: Literal["gru"] = "gru"
    head: tuple[int, ...] = setting(
        (), title="Head", help="Units of each hidden layer before the output.", unit="units", ge=1, le=65536
    )


class Transformer(ModelSection):
    """Transformer encoder (Vaswani et al., 2017) with its own multi-head attention."""

    title: ClassVar[str] = "Transformer"
    accepts: ClassVar[tuple[SampleKind, ...]] = ("series", "text")
    kind: Literal["transformer"] = "transformer"
    width: int = setting(
        512, title="Model width", help="Size of the representation of each step (d_model).", ge=1, le=65536
    )
    attention_heads: int = setting(
        8,
        title="Attention heads",
        help="Number of attention heads; the model width must be divisible by it.",
        ge=1,
        le=1024,
    )
    layers: int = setting(6, title="Layers", help="Number of encoder layers.", ge=1, le=256)
    feedforward: int = setting(
        2048, title="Feed-forward", help="Units between the two linear layers.", ge=1, le=1_000_000
    )
    activation: Activation = setting(
        "relu", title="Activation", help="Activation function between the two linear layers.", advanced=True
    )
    dropout: float = setting(
        0.1,
        title="Dropout",
        help="Dropout probability in attention, feed-forward and positional encoding.",
        ge=0.0,
        lt=1.0,
    )
    norm_first: Literal["post", "pre"] = setting(
        "post",
        title="Normalization",
        help="After each sublayer, as originally published, or before it, which trains more stably.",
        labels={"post": "after (post-norm)", "pre": "before (pre-norm)"},
    )
    causal: bool = setting(
        False, title="Causal", help="Each step attends only to itself and earlier steps.", advanced=True
    )
    positions: int = setting(
        5000,
        title="Maximum positions",
        help="Longest sequence that the positional encoding supports.",
        ge=1,
        le=1_000_000,
        advanced=True,
    )
    pool: Literal["last", "mean", "first"] = setting(
        "mean",
        title="Pooling",
        help="Which output the head receives: that of the first step, of the last step, or the mean over all steps.",
        advanced=True,
    )
