"""A network of the user's own."""

from __future__ import annotations

from typing import Any

from torch import nn

from workbench.config.model import PythonModel
from workbench.engine.runtime import user_code
from workbench.engine.runtime.failures import RefusedError


def build(config: PythonModel, shape: tuple[int, ...], outputs: int, vocabulary: int) -> nn.Module:
    """What the user's class or function gives; it gets those of ``shape``, ``outputs`` and ``vocabulary`` that it takes.

    Raises RefusedError.
    """
    maker = user_code.load(config.path, config.name, "model", _suits)
    known: dict[str, Any] = {"shape": shape, "outputs": outputs, "vocabulary": vocabulary}
    model = user_code.call(maker, config.path, "model", **known) if not isinstance(maker, nn.Module) else maker
    if not isinstance(model, nn.Module):
        what = f"{config.path} gives a {type(model).__name__}, which is not an nn.Module"
        raise RefusedError(what, "fix the file", "model.name")
    return model


def _suits(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)
