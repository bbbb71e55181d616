"""The network of a generated script: plain PyTorch, one piece for each family."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.export.script import pretrained
from workbench.engine.export.script.layers import layer, stack
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.models.heads import SeveralHeads
from workbench.engine.models.layers import activation
from workbench.engine.models.recurrent import RecurrentNetwork
from workbench.engine.models.transformer import TransformerNetwork
from workbench.engine.runtime.failures import RefusedError

_PLAIN = """
def build_model() -> nn.Module:
    \"\"\"The network: from a batch of scaled samples to (b, $outputs).\"\"\"
    return $stack
"""


def _plain(config: Any, source: Source, model: nn.Module) -> Piece:
    return Piece(filled(_PLAIN, outputs=source.task.outputs, stack=stack(model)))


_HEADS = """
class Network(nn.Module):
    \"\"\"A trunk that several heads share; what they give stands side by side.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.trunk = $trunk
        self.heads = nn.ModuleDict(
            {
                $heads
            }
        )

    def forward(self, inputs: Tensor) -> Tensor:
        shared = self.trunk(inputs)
        return torch.cat([head(shared) for head in self.heads.values()], dim=1)


def build_model() -> nn.Module:
    \"\"\"The network: from a batch of scaled samples to (b, $outputs).\"\"\"
    return Network()
"""


def _heads(config: Any, source: Source, model: nn.Module) -> Piece:
    assert isinstance(model, SeveralHeads)
    heads = "\n".join(f'"{name}": {layer(head)},' for name, head in model.heads.items())
    return Piece(filled(_HEADS, trunk=stack(model.trunk), heads=heads, outputs=source.task.outputs))


_RESNET = """
class Block(nn.Module):
    \"\"\"Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where shapes differ.\"\"\"

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=$bias),
            *norm(after),
            $inner,
            nn.Conv2d(after, after, 3, padding=1, bias=$bias),
            *norm(after),
        )
        self.shortcut = nn.Identity()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=$bias), *norm(after))
        self.activation = $outer

    def forward(self, inputs: Tensor) -> Tensor:
        return self.activation(self.body(inputs) + self.shortcut(inputs))


def norm(channels: int) -> list[nn.Module]:
    \"\"\"The normalisation after each convolution.\"\"\"
    $norm


def build_model() -> nn.Module:
    \"\"\"A residual network: from a batch of scaled pictures to (b, $outputs).\"\"\"
    return nn.Sequential(
        nn.Sequential(nn.Conv2d($channels, $width, 3, padding=1, bias=$bias), *norm($width), $inner),
        $stages
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        $end
    )
"""
_NORMS = {
    "none": "return []",
    "batch": "return [nn.BatchNorm2d(channels)]",
    "layer": "return [nn.GroupNorm(1, channels)]",
    "instance": "return [nn.InstanceNorm2d(channels, affine=True)]",
    "group": """
    sizes = (n for n in range(1, 33) if channels % n == 0 and (channels // n >= 4 or n == 1))
    return [nn.GroupNorm(max(sizes), channels)]
    """,
}


def _resnet(config: Any, source: Source, model: nn.Module) -> Piece:

    parts = list(model.children())
    stages, before = [], config.width
    for place, count in enumerate(config.blocks):
        after = config.width * 2**place
        first = f"Block({before}, {after}, {2 if place else 1})"
        stages.append("nn.Sequential(" + ", ".join([first, *[f"Block({after}, {after}, 1)"] * (count - 1)]) + "),")
        before = after
    end = [layer(part) for part in parts if isinstance(part, (nn.Dropout, nn.Linear))]
    code = filled(
        _RESNET,
        bias=config.norm == "none",
        norm=filled(_NORMS[config.norm]),
        inner=layer(activation(config.activation, config.inplace)),
        outer=layer(activation(config.activation, False)),
        channels=source.shape[0],
        width=config.width,
        stages="\n".join(stages),
        end="\n".join(f"{text}," for text in end),
        outputs=source.task.outputs,
    )
    return Piece(code)


_RECURRENT = """
class Network(nn.Module):
    \"\"\"$title: the last state goes through the head.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        $embedding
        self.core = nn.$core
        self.head = $head

    def forward(self, inputs: Tensor) -> Tensor:
        $forward
        return self.head(last)


def build_model() -> nn.Module:
    \"\"\"The network: from a batch of $what to (b, $outputs).\"\"\"
    return Network()
"""
_LAST_STEP = """
steps = self.core(inputs)[0]
last = steps[:, -1]
"""
_LAST_TOKEN = """
steps = self.core(self.embedding(inputs))[0]
lengths = (inputs != 0).sum(dim=1).clamp(min=1)  # tokens that are no padding
last = steps.gather(1, (lengths - 1).view(-1, 1, 1).expand(-1, 1, steps.shape[2]))[:, 0]
"""
_BOTH_WAYS = """
# Of the direction that reads backwards, the last state is that of the first step.
half = last.shape[1] // 2
last = torch.cat([last[:, :half], steps[:, 0, half:]], dim=1)
"""


def _recurrent(config: Any, source: Source, model: nn.Module) -> Piece:
    assert isinstance(model, RecurrentNetwork)
    core = model.core
    told = [f"{core.input_size}, {core.hidden_size}, {core.num_layers}, batch_first=True"]
    told += [f"dropout={core.dropout}"] if core.dropout else []
    told += ["bidirectional=True"] if core.bidirectional else []
    text = model.embedding is not None
    forward = filled(_LAST_TOKEN if text else _LAST_STEP) + (f"\n{filled(_BOTH_WAYS)}" if core.bidirectional else "")
    code = filled(
        _RECURRENT,
        title=type(core).__name__,
        embedding=f"self.embedding = {layer(model.embedding)}" if model.embedding is not None else "",
        core=f"{type(core).__name__}({', '.join(told)})",
        head=stack(model.head),
        forward=forward,
        what="token ids" if text else "windows (b, steps, features)",
        outputs=source.task.outputs,
    )
    return Piece(code)


_TRANSFORMER = """
WIDTH, HEADS, LAYERS, FEEDFORWARD, DROPOUT = $width, $attention_heads, $layers, $feedforward, $dropout


class Attention(nn.Module):
    \"\"\"Scaled dot-product attention of several heads: softmax(q k^T / sqrt(width / heads)) v.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(WIDTH, WIDTH)
        self.key = nn.Linear(WIDTH, WIDTH)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, inputs: Tensor, hidden: Tensor | None) -> Tensor:
        query, key = self.divide(self.query(inputs)), self.divide(self.key(inputs))
        scores = query @ key.transpose(2, 3) / math.sqrt(query.shape[3])
        if hidden is not None:  # where nobody may look
            scores = scores.masked_fill(hidden, float("-inf"))
        weights = self.dropout(torch.softmax(scores, dim=-1))
        value = self.divide(self.value(inputs))
        return self.output((weights @ value).transpose(1, 2).flatten(2))

    def divide(self, steps: Tensor) -> Tensor:
        \"\"\"(b, t, width) to (b, heads, t, width / heads).\"\"\"
        batch, length, _ = steps.shape
        return steps.view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)


class EncoderLayer(nn.Module):
    \"\"\"Attention and feed-forward, each with a shortcut and layer normalisation $where it.\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.attention = Attention()
        self.feedforward = nn.Sequential(
            nn.Linear(WIDTH, FEEDFORWARD), $activation, nn.Dropout(DROPOUT), nn.Linear(FEEDFORWARD, WIDTH)
        )
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, steps: Tensor, hidden: Tensor | None) -> Tensor:
        $layer


class Network(nn.Module):
    \"\"\"A Transformer encoder (Vaswani et al., 2017).\"\"\"

    def __init__(self) -> None:
        super().__init__()
        self.embedding = $embedding
        self.register_buffer("positions", sinusoids($length, WIDTH), persistent=False)
        self.dropout = nn.Dropout(DROPOUT)
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(LAYERS))
        self.final = $final
        self.output = nn.Linear(WIDTH, $outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        steps = self.dropout(self.embedding(inputs)$scale + self.positions[: inputs.shape[1]])
        hidden = None
        $hidden
        for layer in self.layers:
            steps = layer(steps, hidden)
        steps = self.final(steps)
        $pool
        return self.output(pooled)


def sinusoids(length: int, width: int) -> Tensor:
    \"\"\"Positions as sines and cosines of falling frequency: (length, width).\"\"\"
    place = torch.arange(length, dtype=torch.float32)[:, None]
    falling = torch.exp(torch.arange(0, width, 2, dtype=torch.float32) * (-math.log(10000.0) / width))
    found = torch.zeros(length, width)
    found[:, 0::2] = torch.sin(place * falling)
    found[:, 1::2] = torch.cos(place * falling)[:, : width // 2]
    return found


def build_model() -> nn.Module:
    \"\"\"The network: from a batch of $what to (b, $outputs).\"\"\"
    return Network()
"""
_LAYERS = {
    "pre": """
    steps = steps + self.dropout(self.attention(self.norm1(steps), hidden))
    return steps + self.dropout(self.feedforward(self.norm2(steps)))
    """,
    "post": """
    steps = self.norm1(steps + self.dropout(self.attention(steps, hidden)))
    return self.norm2(steps + self.dropout(self.feedforward(steps)))
    """,
}
_PADDING = """
# Nobody looks at padding; a text of nothing else looks at itself.
padding = inputs == 0
padding = padding & ~padding.all(dim=1, keepdim=True)
hidden = padding[:, None, None, :]
"""
_CAUSAL = """
# Each step looks at itself and at those before it.
length = inputs.shape[1]
ahead = torch.ones(length, length, dtype=torch.bool, device=inputs.device).triu(1)
hidden = ahead if hidden is None else hidden | ahead
"""
_POOLS = {
    ("first", True): "pooled = steps[:, 0]",
    ("first", False): "pooled = steps[:, 0]",
    ("last", False): "pooled = steps[:, -1]",
    ("mean", False): "pooled = steps.mean(dim=1)",
    ("mean", True): """
    known = (inputs != 0).to(steps.dtype)  # padding does not count
    pooled = (steps * known[:, :, None]).sum(dim=1) / known.sum(dim=1).clamp(min=1.0)[:, None]
    """,
    ("last", True): """
    count = (inputs != 0).sum(dim=1).clamp(min=1)  # padding does not count
    pooled = steps.gather(1, (count - 1).view(-1, 1, 1).expand(-1, 1, steps.shape[2]))[:, 0]
    """,
}


def _transformer(config: Any, source: Source, model: nn.Module) -> Piece:
    assert isinstance(model, TransformerNetwork)
    names = ("width", "attention_heads", "layers", "feedforward", "dropout")
    hidden = (filled(_PADDING) + "\n" if model.tokens else "") + (filled(_CAUSAL) if config.causal else "")
    code = filled(
        _TRANSFORMER,
        where="before" if config.norm_first == "pre" else "after",
        layer=filled(_LAYERS[config.norm_first]),
        activation=layer(activation(config.activation, inplace=False)),
        embedding=layer(model.embedding),
        length=source.shape[0],
        final=layer(model.final),
        scale=" * math.sqrt(WIDTH)" if model.tokens else "",
        hidden=hidden.strip("\n"),
        pool=filled(_POOLS[config.pool, model.tokens]),
        what="token ids" if model.tokens else "windows (b, steps, features)",
        outputs=source.task.outputs,
        **{name: getattr(config, name) for name in names},
    )
    return Piece(code, ("import math",))


PIECES: dict[str, Callable[[Any, Source, nn.Module], Piece]] = {
    "linear": _plain,
    "mlp": _plain,
    "cnn": _plain,
    "resnet": _resnet,
    "heads": _heads,
    "lstm": _recurrent,
    "gru": _recurrent,
    "transformer": _transformer,
    "torchvision": pretrained.network,
}
_START = """
def start_weights(model: nn.Module) -> None:
    \"\"\"How the weights that are trained begin.\"\"\"
    for module in model.modules():
        if not isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.LSTM, nn.GRU, nn.Embedding)):
            continue
        for name, parameter in module.named_parameters(recurse=False):
            if not parameter.requires_grad:
                continue
            $start
        $padding
"""
_STILL = """
if isinstance(module, nn.Embedding):  # what stands for padding stays 0
    with torch.no_grad():
        module.weight[module.padding_idx].zero_()
"""
_DRAWN = {
    "xavier-uniform": "nn.init.xavier_uniform_(parameter)",
    "xavier-normal": "nn.init.xavier_normal_(parameter)",
    "kaiming-uniform": 'nn.init.kaiming_uniform_(parameter, nonlinearity="relu")',
    "kaiming-normal": 'nn.init.kaiming_normal_(parameter, nonlinearity="relu")',
    "normal": "nn.init.normal_(parameter, std=0.02)",
    "orthogonal": "nn.init.orthogonal_(parameter)",
    "zeros": "nn.init.zeros_(parameter)",
}


def piece(config: RunConfig, source: Source, model: nn.Module) -> Piece:
    """The code that builds the network, and ``start_weights`` where weights do not begin as PyTorch's own. Raises RefusedError."""
    kind = config.model.kind
    if kind not in PIECES:
        what = f"a script has no counterpart yet of the architecture {title_of(type(config.model))}"
        raise RefusedError(what, "choose another format", "model.kind")
    found = PIECES[kind](config.model, source, model)
    if not starts(config):
        return found
    lines = []
    if config.model.init != "default":
        lines += ['if name.startswith("weight"):', f"    {_DRAWN[config.model.init]}"]
    if config.model.bias_init != "default":
        lines += ['if name.startswith("bias"):', f"    nn.init.constant_(parameter, {config.model.bias_init})"]
    padding = filled(_STILL) if source.vocabulary else ""
    return Piece(f"{found.code}\n\n\n{filled(_START, start=chr(10).join(lines), padding=padding)}", found.imports)


def starts(config: RunConfig) -> bool:
    """Whether weights or biases begin otherwise than PyTorch's own."""
    return config.model.init != "default" or config.model.bias_init != "default"
