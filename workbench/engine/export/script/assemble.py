"""A run as one plain PyTorch script, without this program: the same samples in the same order, the same network from the same
weights, the same steps.

Run on the CPU of the same machine with the same PyTorch it takes the same steps to the last bit. Elsewhere the order in which
numbers are added up can differ, and losses then differ in their last digits.
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import metadata
from textwrap import wrap
from types import SimpleNamespace
from typing import Any

import torch
from torch import nn

from workbench.config.fields import title_of
from workbench.config.monitor import AUTO
from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.engine import models, optimizers
from workbench.engine.data import balance, loader
from workbench.engine.data.dataset import Source
from workbench.engine.export.lifting.folding import Code
from workbench.engine.export.lifting.lift import Given, Piece, Script
from workbench.engine.export.script import data, proof, standalone
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.engine.training import monitor, smallest_batch

_HEAD = '''"""{title}: {config.model.kind} on {config.dataset.kind}, in plain PyTorch.

{samples} samples for training and {held_out} for validation, {training.epochs} epochs in batches of {training.batch_size},
{config.optimizer.kind} with a learning rate of {config.optimizer.lr:g}, schedule {config.schedule.kind}.

Run it with `python FILE`. It needs {needs}; `--data` says where the samples are, `--epochs` how long to train, `--save`
where the weights go. On the CPU of the machine and with the PyTorch ({torch}) of the run it takes the run's steps to the last
bit; elsewhere losses may differ in their last digits.
"""

from __future__ import annotations

{imports}

DATA = {path!r}
SEED = {training.seed}
EPOCHS = {training.epochs}
BATCH = {training.batch_size}  # samples of a microbatch
MICROBATCHES = {training.accumulation}  # microbatches whose gradients are added up before a step
LEARNING_RATE = {config.optimizer.lr!r}
{more}

{body}


if __name__ == "__main__":
    main()
'''
_SECTIONS = ("dataset", "model", "training", "optimizer", "schedule", "hardware")
_LEARNING = "loss, optimizer, learning rate"
_TASKS = ("classification", "multi-task", "regression")
"""Tasks whose metric a script can count."""
_MISSING = {"randaugment": "RandAugment", "mixup": "MixUp", "cutmix": "CutMix"}


def text(config: RunConfig, source: Source, model: nn.Module, name: str = "", version: str = "") -> str:
    """The script of a run: ``model`` is its network, whatever its weights; ``version`` that of the PyTorch it was trained with.

    Raises RefusedError with what has no counterpart in it.
    """
    _refuse(config, source, model)
    path, files = data.path_of(config.dataset), data.facts(config.dataset, source)
    if path:
        # The path stands in the script once.
        config = config.model_copy(update={"dataset": config.dataset.model_copy(update={"path": Code("DATA")})})
    pieces = [
        ("samples", data.piece(config.dataset)),
        ("samples", _uses(standalone.scale, standalone.order_of)),
        ("samples", _uses(*[standalone.augment] if _changes(config) else [])),
        ("network", _uses(standalone.build_model)),
        (_LEARNING, _uses(standalone.loss_of, standalone.build_optimizer, standalone.factor_at)),
        ("training", _uses(standalone.main)),
    ]
    known = [*(getattr(config, name) for name in _SECTIONS), source.scaling]
    given = {"config": config, "source": source, "given": _given(config, source, model, files)}
    script = Script(known, pieces, Given(standalone.__name__, given))
    body = "\n\n\n".join(f"# --- {title} ---\n\n\n{code}" for title, code in script.sections().items())
    lists = {"CLASSES": list(source.task.classes), "COLUMNS": files["columns"], "FOLDERS": files["folders"]}
    needed = {*map(_module, script.imports), *re.findall(r"^ +import (\w+)$", body, re.MULTILINE)}
    packages = metadata.packages_distributions()
    whole = _HEAD.format(
        title=_plain(name) or "A run",
        config=config,
        training=config.training,
        samples=len(source.train),
        held_out=len(source.val),
        needs=", ".join(packages.get(name, [name])[0] for name in sorted(needed - sys.stdlib_module_names)),
        torch=_plain(version) or torch.__version__,
        imports=_imports(script.imports),
        path=path,
        more="".join(f"{name} = {value!r}\n" for name, value in lists.items() if re.search(rf"\b{name}\b", body))
        + _frozen(model),
        body=body,
    )
    proof.prove(whole, config, source)
    return whole


def _uses(*functions: Any) -> Piece:
    return Piece(uses={function.__name__: function for function in functions})


def _given(config: RunConfig, source: Source, model: nn.Module, files: dict[str, Any]) -> SimpleNamespace:
    """What :mod:`standalone` asks of a run beside its settings. Raises RefusedError."""
    loss = task_of(source.task).loss_factory(config.training)
    counts = balance.class_counts(source) if config.dataset.balance == "loss" else None
    section = config.model
    learned = section.kind == "torchvision" and bool(section.weights_path.strip() or section.weights.lower() != "none")
    return SimpleNamespace(
        **files,
        **_optimizer(config, model),
        **_network(config, source),
        learned=learned,
        dataset=config.dataset,
        divided="val" in files["folders"],
        changes=_changes(config),
        white=float(source.preprocessing.get("white", 255)),
        build_loss=loss.func,
        loss=loss.args,
        weights=None if counts is None else balance.class_weights(counts).tolist(),
        **_judged(config, source),
    )


def _refuse(config: RunConfig, source: Source, model: nn.Module) -> None:
    """Raises RefusedError for settings that a script has no lines for."""
    hardware, dataset = config.hardware, config.dataset
    streamed = not loader.is_resident(config, source, torch.device("cpu"))
    plan = smallest_batch.fit(loader.plan_steps(config, len(source.train), 1), model, source)
    has_not = [
        (streamed, "samples that are streamed from files batch by batch", "dataset.loading"),
        (hardware.precision != "fp32", f"the precision {hardware.precision}", "hardware.precision"),
        (hardware.processes not in ("auto", 1), "several processes", "hardware.processes"),
        (source.task.kind not in _TASKS, f"the task {source.task.kind}", "dataset"),
        (config.model.kind == "python", f"the architecture {title_of(type(config.model))}", "model.kind"),
        (plan.joins_last, "a last batch that is joined to the one before", "training.batch_size"),
        *(
            (getattr(dataset, f"augment_{name}", 0) > 0, title, f"dataset.augment_{name}")
            for name, title in _MISSING.items()
        ),
    ]
    for given, what, path in has_not:
        if given:
            hint = "set it otherwise in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {what}", hint, path)


def _judged(config: RunConfig, source: Source) -> dict[str, Code]:
    """What an epoch is judged by, and what a plateau schedule follows, the higher the better. Raises RefusedError."""
    judged = monitor.monitored(config, task_of(source.task), len(source.val) > 0)
    expressions: dict[str, Code] = {}
    if config.training.early_stopping != "off":
        expressions["judged"] = _measured(judged, config, source)
    if isinstance(config.schedule, Plateau):
        expressions["followed"] = _measured(monitor.followed_by_plateau(config) or judged, config, source)
    return expressions


def _measured(name: str, config: RunConfig, source: Source) -> Code:
    """A metric as a script counts it. Raises RefusedError for one that it does not."""
    measured = {"train loss": "-loss"}
    if len(source.val):
        measured["val loss"] = "-val_loss"
        measured |= {"val accuracy": "val_metric"} if source.task.has_classes else {"val mae": "-val_metric"}
    if name not in measured:
        what = f"a script has no counterpart yet of epochs that are judged by {name}"
        hint = "choose neither early stopping nor a plateau in a new run, or choose another format"
        path = "dataset.balance" if config.training.monitor == AUTO else "training.monitor"
        raise RefusedError(what, hint, path)
    return Code(measured[name])


def _changes(config: RunConfig) -> bool:
    """Whether training images are changed at random."""
    return bool(getattr(config.dataset, "changes_pictures", False))


def _network(config: RunConfig, source: Source) -> dict[str, Any]:
    """What builds the network, and what of."""
    build, taken = models.BUILDERS[config.model.kind], models.arguments(config.model.kind, source)
    if config.model.kind == "torchvision":
        # Where it is built of, torchvision is imported already.
        from workbench.engine.models import pretrained

        build = pretrained.build
        raw = (f"torch.tensor({values.flatten().tolist()}).view(1, -1, 1, 1)" for values in taken["raw"])
        taken["raw"] = Code(f"({', '.join(raw)})")
    return {"build": build, "network": (config.model, *taken.values())}


def _frozen(model: nn.Module) -> str:
    """Comments that name the layers of a pretrained network that are not trained."""
    stages = getattr(model, "frozen", ())
    names = ", ".join(name for stage in stages for name in (*stage.modules, *stage.loose))
    return "".join(f"# {line}\n" for line in wrap(f"Frozen: {names}", 110) if names)


def _optimizer(config: RunConfig, model: nn.Module) -> dict[str, Any]:
    """The optimizer as the run sets it, with what is not torch's default. Raises RefusedError for one that is not torch's own."""
    section = config.optimizer
    built = optimizers.build(section, model, torch.device("cpu"))
    kind = type(built)
    if not kind.__module__.startswith("torch.optim") or isinstance(built, torch.optim.LBFGS):
        what = f"a script has no counterpart yet of the optimizer {title_of(type(section))}"
        raise RefusedError(what, "choose another optimizer in a new run, or another format", "optimizer.kind")
    defaults = inspect.signature(kind.__init__).parameters
    arguments = {
        name: value
        for name, value in built.defaults.items()
        if name in defaults and name != "lr" and value != defaults[name].default
    }
    if kind is torch.optim.Adagrad and arguments.get("fused"):
        # Of it torch has one kernel for the whole step on the CPU only.
        arguments["fused"] = Code("next(model.parameters()).is_cpu")
    alike = len(built.param_groups) == 1 and built.param_groups[0]["factor"] == 1.0 and section.decay_norms
    return {"optimizer": Code(f"torch.optim.{kind.__name__}"), "arguments": arguments, "alike": alike}


def _plain(text: str) -> str:
    """A text from outside, which must not end the one that it stands in."""
    return "".join(mark for mark in text if mark.isprintable() and mark not in '"\\')


def _module(line: str) -> str:
    return line.split()[1].partition(".")[0]


def _imports(lines: set[str]) -> str:
    """Import lines: the standard library's, then others'; whole modules before names out of modules, which share a line."""
    names: dict[str, set[str]] = {}
    for line in lines:
        head, _, name = line.partition(" import ")
        names.setdefault(head, set()).update([name] if name else [])
    merged = [f"{head} import {', '.join(sorted(names[head]))}" if names[head] else head for head in names]
    merged.sort(key=lambda line: (line.startswith("from"), line.lower()))
    own = [line for line in merged if _module(line) in sys.stdlib_module_names]
    return "\n".join([*own, "", *(line for line in merged if line not in own)])
