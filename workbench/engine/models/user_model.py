"""A network of the user's own."""

from __future__ import annotations

from typing import Any

from torch import nn

from workbench.config.model import PythonModel
from workbench.engine.runtime import user_code
from workbench.engine.runtime.failures import RefusedError


def build(config: PythonModel, shape: tuple[int, ...], outputs: int, vocabulary: int) -> nn.Module:
    """What the user's class or function gives; it is told of ``shape``, ``outputs`` and ``vocabulary`` what it takes.

    Raises RefusedError.
    """
    maker = user_code.load(config.path, config.name, "model", _suits)
    known: dict[str, Any] = {"shape": shape, "outputs": outputs, "vocabulary": vocabulary}
    made = user_code.call(maker, config.path, "model", **known) if not isinstance(maker, nn.Module) else maker
    if not isinstance(made, nn.Module):
        raise RefusedError(
            f"{config.path} gives a {type(made).__name__}, which is no nn.Module", "mend the file", "model.name"
        )
    return made


def _suits(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module)
