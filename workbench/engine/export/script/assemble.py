"""A run as one plain PyTorch script, without this program: the same samples in the same order, the same network from the same
weights, the same steps.

Run on the CPU of the same machine with the same PyTorch it takes the same steps to the last bit. Elsewhere the order in which
numbers are added up can differ, and losses then differ in their last digits.
"""

from __future__ import annotations

import re
import sys

import torch
from torch import nn

from workbench.config.fields import kind_of
from workbench.config.run import RunConfig
from workbench.engine.data import balance, loader
from workbench.engine.data.dataset import Normalization, Source
from workbench.engine.data.sampling import epoch_order
from workbench.engine.export.lifting.lift import Piece, Script
from workbench.engine.export.script import augment, data, learning, loop, network, proof
from workbench.engine.export.script.template import filled
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training import smallest_batch

_HEAD = '''
"""$title

$facts

Run it with `python FILE`. It needs PyTorch$needs; `--data` says where the samples are, `--epochs` how long to train, `--save`
where the weights go. On the CPU of the machine and with the PyTorch ($torch) of the run it takes the run's steps to the last
bit; elsewhere losses may differ in their last digits.
"""

from __future__ import annotations

$imports

SEED = $seed
EPOCHS = $epochs
BATCH = $batch  # samples of a microbatch
MICROBATCHES = $accumulation  # microbatches whose gradients are added up before a step
'''
_ORDER = '''
def order_of(targets: Tensor, epoch: int) -> Tensor:
    """The order of an epoch's samples."""
    return epoch_order(len(targets), SEED, epoch$weights)
'''
_SCALE = '''
def scale(raw: Tensor) -> Tensor:
    """Raw samples as the network takes them."""
    return Normalization().on(raw.device, raw.dim())(raw)
'''
_END = """
if __name__ == "__main__":
    main()
"""
_SECTIONS = ("samples", "network", "loss, optimizer, learning rate", "training")


def text(config: RunConfig, source: Source, model: nn.Module, name: str = "", version: str = "") -> str:
    """The script of a run: ``model`` is its network, whatever its weights; ``version`` that of the PyTorch it was trained with.

    Raises RefusedError with what has no counterpart in it.
    """
    _refuse(config, source, model)
    samples, layers, rate, steps = _SECTIONS
    pieces = [
        *((samples, piece) for piece in data.pieces(config, source)),
        (samples, _order(config, source)),
        (samples, Piece(filled(_SCALE), uses={"Normalization": Normalization})),
        (samples, augment.piece(config, source)),
        (layers, network.piece(config, source, model)),
        (rate, learning.loss(config, source)),
        (rate, learning.optimizer(config, model)),
        (rate, learning.schedule(config)),
        (steps, loop.piece(config, source)),
    ]
    script = Script(_known(config, source), pieces)
    code = script.sections()
    imports = _imports(script.imports)
    head = filled(
        _HEAD,
        title=_title(config, name),
        facts=_facts(config, source),
        needs="".join(f", {package}" for package in _packages(imports)),
        torch=_plain(version) or torch.__version__,
        imports=imports,
        seed=config.training.seed,
        epochs=config.training.epochs,
        batch=config.training.batch_size,
        accumulation=config.training.accumulation,
    )
    body = "\n\n\n".join(f"# --- {title} ---\n\n\n{code[title]}" for title in _SECTIONS)
    whole = _tidy(f"{head}\n\n\n{body}\n\n\n{_END}")
    proof.prove(whole, config, source)
    return whole


def _known(config: RunConfig, source: Source) -> list[object]:
    """What the script has the values of."""
    return [config.dataset, config.model, config.training, config.optimizer, config.schedule, source.scaling]


def _order(config: RunConfig, source: Source) -> Piece:
    if config.dataset.balance != "sampler":
        return Piece(filled(_ORDER, weights=""), uses={"epoch_order": epoch_order})
    weights = f", chances(targets, count_classes(targets, {len(source.task.classes)}))"
    uses = {"epoch_order": epoch_order, "chances": balance.chances, "count_classes": balance.count_classes}
    return Piece(filled(_ORDER, weights=weights), uses=uses)


def _refuse(config: RunConfig, source: Source, model: nn.Module) -> None:
    """Raises RefusedError for settings that a script has no lines for."""
    hardware = config.hardware
    streamed = not loader.is_resident(config, source, torch.device("cpu"))
    plan = smallest_batch.fit(loader.plan_steps(config, len(source.train), 1), model, source)
    has_not = [
        (streamed, "samples that are streamed from files batch by batch", "dataset.loading"),
        (hardware.precision != "fp32", f"the precision {hardware.precision}", "hardware.precision"),
        (hardware.processes not in ("auto", 1), "several processes", "hardware.processes"),
        (plan.joins_last, "a last batch that is joined to the one before", "training.batch_size"),
        (source.task.kind not in loop.TASKS, f"the task {source.task.kind}", "dataset"),
    ]
    for given, what, path in has_not:
        if given:
            hint = "set it otherwise in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {what}", hint, path)


def _title(config: RunConfig, name: str) -> str:
    """The first line of the script's description."""
    return f"{_plain(name) or 'A run'}: {kind_of(type(config.model))} on {kind_of(type(config.dataset))}, in plain PyTorch."


def _plain(text: str) -> str:
    """A text from outside, which must not end the one that it stands in."""
    return "".join(mark for mark in text if mark.isprintable() and mark not in '"\\')


def _facts(config: RunConfig, source: Source) -> str:
    training = config.training
    return (
        f"{len(source.train)} samples for training and {len(source.val)} for validation, {training.epochs} epochs in batches of "
        f"{training.batch_size},\n{kind_of(type(config.optimizer))} with a learning rate of {config.optimizer.lr:g}, "
        f"schedule {kind_of(type(config.schedule))}."
    )


def _packages(imports: str) -> list[str]:
    known = {
        "numpy": "NumPy",
        "PIL": "Pillow",
        "polars": "polars",
        "torchvision": "torchvision",
        "tokenizers": "tokenizers",
    }
    return [word for name, word in known.items() if re.search(rf"^(import|from) {name}\b", imports, re.MULTILINE)]


def _imports(lines: set[str]) -> str:
    """Import lines: the standard library's, then others'; whole modules before names out of modules, which share a line."""
    names: dict[str, set[str]] = {}
    for line in lines:
        head, _, name = line.partition(" import ")
        names.setdefault(head, set()).update([name] if name else [])
    merged = [f"{head} import {', '.join(sorted(names[head]))}" if names[head] else head for head in names]
    own = [line for line in merged if line.split()[1].partition(".")[0] in sys.stdlib_module_names]
    rows = (sorted(row, key=lambda line: (line.startswith("from"), line.lower())) for row in (own, {*merged} - {*own}))
    return "\n\n".join("\n".join(row) for row in rows)


def _tidy(code: str) -> str:
    """No more than two empty lines, within a class or function one."""
    code = re.sub(r"\n{4,}", "\n\n\n", code)
    return re.sub(r"\n{3,}(?= )", "\n\n", code).strip("\n") + "\n"
