"""Layers as the code that makes them."""

from __future__ import annotations

from torch import nn

from workbench.engine.runtime.failures import RefusedError


def layer(module: nn.Module) -> str:
    """A layer as the code that makes it. Raises RefusedError for one that is not torch's own."""
    match module:
        case nn.Linear():
            return f"nn.Linear({module.in_features}, {module.out_features})"
        case nn.Conv2d():
            plain = "" if module.bias is not None else ", bias=False"
            stride = f", stride={module.stride[0]}" if module.stride[0] != 1 else ""
            padding = f", padding={module.padding[0]}" if module.padding[0] else ""
            return f"nn.Conv2d({module.in_channels}, {module.out_channels}, {module.kernel_size[0]}{stride}{padding}{plain})"
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return f"nn.{type(module).__name__}({module.num_features})"
        case nn.InstanceNorm2d():
            return f"nn.InstanceNorm2d({module.num_features}, affine=True)"
        case nn.LayerNorm():
            return f"nn.LayerNorm({module.normalized_shape[0]})"
        case nn.GroupNorm():
            return f"nn.GroupNorm({module.num_groups}, {module.num_channels})"
        case nn.Dropout() | nn.Dropout2d():
            return f"nn.{type(module).__name__}({module.p})"
        case nn.MaxPool2d():
            return f"nn.MaxPool2d({module.kernel_size})"
        case nn.AdaptiveAvgPool2d():
            return f"nn.AdaptiveAvgPool2d({module.output_size})"
        case nn.ReLU() | nn.SiLU():
            return f"nn.{type(module).__name__}({'inplace=True' if module.inplace else ''})"
        case nn.LeakyReLU() | nn.ELU():
            number = module.negative_slope if isinstance(module, nn.LeakyReLU) else module.alpha
            return f"nn.{type(module).__name__}({number}{', inplace=True' if module.inplace else ''})"
        case nn.Flatten() | nn.GELU() | nn.Tanh() | nn.Sigmoid() | nn.Identity():
            return f"nn.{type(module).__name__}()"
        case nn.Embedding():
            return f"nn.Embedding({module.num_embeddings}, {module.embedding_dim}, padding_idx={module.padding_idx})"
    what = f"a script has no counterpart yet of the layer {type(module).__name__}"
    raise RefusedError(what, "choose another format", "model")


def stack(modules: nn.Module) -> str:
    """A row of layers as ``nn.Sequential(...)``."""
    lines = "\n".join(f"    {layer(module)}," for module in modules.children())
    return f"nn.Sequential(\n{lines}\n)"
