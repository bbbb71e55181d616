"""The network of a generated script."""

from __future__ import annotations

import inspect
from textwrap import wrap
from types import ModuleType
from typing import Any

from torch import nn

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine import models
from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script.template import filled
from workbench.engine.models import cnn, heads, linear, mlp, pretrained, recurrent, resnet, transformer
from workbench.engine.models.layers import init_weights
from workbench.engine.runtime.failures import RefusedError

_NETWORK = """
def build_model() -> nn.Module:
    \"\"\"The network: from a batch of scaled samples to (b, $outputs).\"\"\"
    $before
    model = build($arguments)
    $start
    return model
"""
_RAW = """
factor = $factor.view(1, -1, 1, 1)  # with these two a scaled image comes back to [0, 1]
offset = $offset.view(1, -1, 1, 1)
$frozen
"""
_LOAD = """
def load_weights(model: nn.Module) -> None:
    \"\"\"Puts in what was learned before, all but the last layer.\"\"\"
    model.load_published()
"""
FAMILIES: dict[str, ModuleType] = {
    "linear": linear,
    "mlp": mlp,
    "cnn": cnn,
    "resnet": resnet,
    "heads": heads,
    "lstm": recurrent,
    "gru": recurrent,
    "transformer": transformer,
    "torchvision": pretrained,
}


def piece(config: RunConfig, source: Source, model: nn.Module) -> Piece:
    """``build_model()``, and ``load_weights(model)`` where there are any. Raises RefusedError."""
    section = config.model
    if section.kind not in FAMILIES:
        what = f"a script has no counterpart yet of the architecture {title_of(type(section))}"
        raise RefusedError(what, "choose another format", "model.kind")
    build = FAMILIES[section.kind].build
    given = {
        "config": "Settings()",
        "shape": repr(source.shape),
        "outputs": str(source.task.outputs),
        "vocabulary": str(source.vocabulary),
        "task": repr(source.task),
        "raw": "(factor, offset)",
    }
    arguments = ", ".join(given[name] for name in inspect.signature(build).parameters)
    before = start = ""
    if isinstance(model, pretrained.Pretrained):
        frozen = ", ".join(name for stage in model.frozen for name in (*stage.modules, *stage.loose))
        factor, offset = (f"torch.tensor({values.flatten().tolist()})" for values in models.unscaled(source))
        comment = "\n".join(f"# {line}" for line in wrap(f"Frozen: {frozen or 'nothing'}", 110))
        before = filled(_RAW, factor=factor, offset=offset, frozen=comment)
    if section.init != "default" or section.bias_init != "default":
        start = f"init_weights(model, {section.init!r}, {section.bias_init!r})"
    code = filled(_NETWORK, before=before, arguments=arguments, start=start, outputs=source.task.outputs)
    code += f"\n\n\n{filled(_LOAD)}" if loads(section) else ""
    return Piece(
        code, uses={"build": build, "Settings": type(section), "TaskSpec": TaskSpec, "init_weights": init_weights}
    )


def loads(config: Any) -> bool:
    """Whether a network of the configuration begins with weights learned before."""
    return config.kind == "torchvision" and (bool(config.weights_path.strip()) or config.weights.lower() != "none")
