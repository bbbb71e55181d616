"""A run as one plain PyTorch script, without this program: the same samples in the same order, the same network from the same
weights, the same steps.

Run on the CPU of the same machine with the same PyTorch it takes the same steps to the last bit. Elsewhere the order in which
numbers are added up can differ, and losses then differ in their last digits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from workbench.config.fields import kind_of
from workbench.config.run import RunConfig
from workbench.engine.data.source import Source
from workbench.engine.export import script_data, script_models, script_training
from workbench.engine.export.piece import Piece, filled
from workbench.engine.failures import RefusedError

_WHOLE = '''
"""$title

$facts

Run it with `python FILE`. It needs PyTorch$needs; `--data` says where the samples are, `--epochs` how long to train, `--save`
where the weights go. On the CPU of the machine and with the PyTorch ($torch) of the run it takes the run's steps to the last
bit; elsewhere losses may differ in their last digits.
"""

$imports

SEED = $seed
EPOCHS = $epochs
BATCH = $batch  # samples of a pass
PASSES = $accumulation  # passes whose gradients are added up before a step


# --- chance: every use of it has a stream of its own, so that none depends on another ---


def seed_for(*purpose: object) -> int:
    """A seed of 63 bits for one purpose."""
    digest = hashlib.blake2b(repr(purpose).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(*purpose: object) -> torch.Generator:
    """Random numbers of their own for one purpose."""
    return torch.Generator().manual_seed(seed_for(*purpose))


# --- samples ---


$data


$order


$scale


# --- network ---


$model


# --- loss, optimiser, learning rate ---


$loss


$optimizer


$schedule


# --- training ---


$train


$evaluate


$main


if __name__ == "__main__":
    main()
'''
_ORDER = '''
def order_of(targets: Tensor, epoch: int) -> Tensor:
    """The order of an epoch's samples."""
    return torch.randperm(len(targets), generator=generator(SEED, "order", epoch))
'''
_DRAWN_ORDER = '''
def order_of(targets: Tensor, epoch: int) -> Tensor:
    """As many samples as there are, drawn so that all classes come equally often."""
    counts = torch.bincount(targets, minlength=$classes).double()
    ends = (1 / counts.clamp(min=1)[targets]).cumsum(0)
    drawn = torch.rand(len(targets), generator=generator(SEED, "order", epoch), dtype=torch.float64)
    return torch.searchsorted(ends, drawn * ends[-1]).clamp(max=len(targets) - 1)
'''
_SCALE = '''
FACTOR, OFFSET = $factor, $offset  # mean 0 and deviation 1 over the training samples


def scale(raw: Tensor) -> Tensor:
    """Raw samples as the network takes them: raw * factor + offset for each channel."""
    factor = torch.tensor(FACTOR, device=raw.device).view($shape)
    offset = torch.tensor(OFFSET, device=raw.device).view($shape)
    return torch.addcmul(offset, raw.to(torch.float32), factor)
'''
_NO_SCALE = '''
def scale(raw: Tensor) -> Tensor:
    """Samples as the network takes them: $what."""
    return raw$cast
'''
_TRAIN = '''
def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, epoch: int$plateau
) -> float:
    """One pass over the samples. Gives the mean loss over them."""
    model.train()
    order = order_of(targets, epoch).to(inputs.device)
    per_step = BATCH * PASSES
    epoch_steps = $epoch_steps
    total = 0.0
    for step in range(epoch_steps):
        factor = factor_at(epoch * epoch_steps + step, epoch_steps)$times
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * factor * group.get("factor", 1.0)
        chosen = order[step * per_step : (step + 1) * per_step]
        for part in torch.split(chosen, BATCH):
            loss = loss_of(model(scale(inputs[part])), targets[part])
            $backward
            total += loss.item() * len(part)
        $clip
        optimizer.step()
        optimizer.zero_grad()
    return total / $seen
'''
_EVALUATE = '''
@torch.inference_mode()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Mean loss over all samples, and $metric."""
    model.eval()
    total, $name = 0.0, 0.0
    for x, y in zip(torch.split(inputs, max(BATCH, 512)), torch.split(targets, max(BATCH, 512))):
        output = model(scale(x))
        total += loss_of(output, y).item() * len(y)
        $count
    return total / len(targets), $name / len(targets)
'''
_COUNTS = {
    "classification": (
        "the share of them that is classified rightly",
        "right",
        "right += (output.argmax(1) == y).sum().item()",
    ),
    "multi-task": (
        "the share of them that is classified rightly",
        "right",
        "right += (output[:, :$classes].argmax(1) == y[:, 0]).sum().item()",
    ),
    "regression": (
        "the mean absolute error in the target's own unit",
        "error",
        "error += (output - y).abs().mean(1).sum().item() * $std",
    ),
}
_MAIN = '''
def main() -> None:
    """Trains, and prints a line for each epoch."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default=DATA, help="where the samples are")
    options.add_argument("--epochs", type=int, default=EPOCHS, help="epochs to train")
    options.add_argument("--device", default=$device, help="cpu, cuda or mps")
    options.add_argument("--save", help="file for the weights")
    arguments = options.parse_args()
    $threads
    train_x, train_y, val_x, val_y = (part.to(arguments.device) for part in load_data(arguments.data))
    torch.manual_seed(seed_for(SEED, "weights"))
    model = build_model()
    $start
    model.to(arguments.device)
    torch.manual_seed(seed_for(SEED, "steps", 0))  # what is random in the steps, as dropout
    optimizer = build_optimizer(model)
    $before
    for epoch in range(arguments.epochs):
        loss = train_epoch(model, optimizer, train_x, train_y, epoch$plateau)
        words = f"epoch {epoch + 1}: train loss {loss:.6g}"
        if len(val_y):
            val_loss, val_metric = evaluate(model, val_x, val_y)
            words += f", val loss {val_loss:.6g}, val $metric {val_metric:.6g}"
        print(words)
        $after
    if arguments.save:
        torch.save(model.state_dict(), arguments.save)
'''
_PLATEAU = """
if best is None or value > best + 1e-4 * abs(best):
    best, bad = value, 0
else:
    bad += 1
if bad > $patience:  # no improvement: the learning rate falls
    plateau, bad = max(plateau * $gamma, $least), 0
"""


def write(config: RunConfig, source: Source, model: nn.Module, path: Path, name: str = "") -> None:
    """Writes the script of a run. ``model`` is its network, whatever its weights. Raises RefusedError, OSError."""
    path.write_text(text(config, source, model, name), encoding="utf-8")


def text(config: RunConfig, source: Source, model: nn.Module, name: str = "") -> str:
    """The script. Raises RefusedError with what has no counterpart in it."""
    _refuse(config)
    pieces = {
        "data": script_data.piece(config, source),
        "model": script_models.piece(config, source, model),
        "loss": script_training.loss(config, source),
        "optimizer": script_training.optimizer(config, model),
        "schedule": script_training.schedule(config),
    }
    training = config.training
    whole = filled(
        _WHOLE,
        title=f"{name or 'A run'}: {kind_of(type(config.model))} on {kind_of(type(config.dataset))}, in plain PyTorch.",
        facts=_facts(config, source),
        needs="".join(f", {package}" for package in _packages(pieces)),
        torch=torch.__version__,
        imports="@imports@",
        seed=training.seed,
        epochs=training.epochs,
        batch=training.batch_size,
        accumulation=training.accumulation,
        order=filled(_DRAWN_ORDER if config.dataset.balance == "sampler" else _ORDER, classes=len(source.task.classes)),
        scale=_scale(source),
        train=_train(config),
        evaluate=_evaluate(source),
        main=_main(config, source),
        **{key: piece.code for key, piece in pieces.items()},
    )
    return _tidy(whole.replace("@imports@", _imports(whole, pieces)))


def _refuse(config: RunConfig) -> None:
    """Raises RefusedError for settings that a script has no lines for."""
    dataset: Any = config.dataset
    has_not = {
        "dataset.augment": getattr(dataset, "changes_pictures", False),
        "training.ema": config.training.ema != "off",
        "training.early_stopping": config.training.early_stopping != "off",
        "hardware.precision": config.hardware.precision not in ("fp32",),
        "hardware.processes": config.hardware.processes not in ("auto", 1),
    }
    words = {
        "dataset.augment": "the random changes of training pictures",
        "training.ema": "the running average of the weights",
        "training.early_stopping": "early stopping",
        "hardware.precision": f"the precision {config.hardware.precision}",
        "hardware.processes": "several processes",
    }
    for path, given in has_not.items():
        if given:
            hint = "turn it off in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {words[path]}", hint, path)


def _facts(config: RunConfig, source: Source) -> str:
    training = config.training
    return (
        f"{len(source.train)} samples for training and {len(source.val)} for validation, {training.epochs} epochs in batches of "
        f"{training.batch_size},\n{kind_of(type(config.optimizer))} with a learning rate of {config.optimizer.lr:g}, "
        f"schedule {kind_of(type(config.schedule))}."
    )


def _packages(pieces: dict[str, Piece]) -> list[str]:
    known = {"numpy": "NumPy", "PIL": "Pillow", "torchvision": "torchvision", "tokenizers": "tokenizers"}
    lines = " ".join(line for piece in pieces.values() for line in piece.imports)
    return [word for name, word in known.items() if name in lines]


def _imports(whole: str, pieces: dict[str, Piece]) -> str:
    """Import lines: the standard library's, then others'. What the code does not use is not imported."""
    wanted = {line for piece in pieces.values() for line in piece.imports}
    wanted |= {"import argparse", "import hashlib", "import math", "import torch", "from torch import Tensor, nn"}
    wanted |= {"from torch.nn import functional"}
    names = {"import math": "math.", "from torch.nn import functional": "functional."}
    used = [line for line in wanted if names.get(line, "") in whole]
    own = ("argparse", "csv", "fnmatch", "gzip", "hashlib", "math", "pathlib")
    first = [line for line in used if line.split()[1] in own]
    others = [line for line in used if line not in first]

    def place(line: str) -> tuple[bool, str, str]:
        """Whole modules before names out of modules; a package of several lines stays together."""
        return line.startswith("from") and line in first, line.split()[1].partition(".")[0].lower(), line[0] + line

    return "\n".join(
        [*sorted(first, key=place), "", *sorted(others, key=lambda one: (place(one)[1], one[0] == "f", one))]
    )


def _scale(source: Source) -> str:
    if source.vocabulary:
        return filled(_NO_SCALE, what="token ids stay as they are", cast="")
    if source.scaling.idle:
        return filled(_NO_SCALE, what="they are scaled already", cast=".to(torch.float32)")
    shape = ", ".join(["1", "-1", *["1"] * (len(source.shape) - 1)])
    return filled(_SCALE, factor=list(source.scaling.factor), offset=list(source.scaling.offset), shape=shape)


def _train(config: RunConfig) -> str:
    training = config.training
    clip = []
    if training.clip_value != "off":
        clip.append(f"nn.utils.clip_grad_value_(model.parameters(), {training.clip_value})")
    if training.clip_norm != "off":
        clip.append(f"nn.utils.clip_grad_norm_(model.parameters(), {training.clip_norm})")
    alone = training.accumulation == 1
    plateau = kind_of(type(config.schedule)) == "plateau"
    return filled(
        _TRAIN,
        plateau=", plateau: float" if plateau else "",
        times=" * plateau" if plateau else "",
        epoch_steps="len(order) // per_step" if training.drop_last else "math.ceil(len(order) / per_step)",
        seen="(epoch_steps * per_step)" if training.drop_last else "len(order)",
        backward="loss.backward()" if alone else "(loss * (len(part) / len(chosen))).backward()",
        clip="\n".join(clip),
    )


def _evaluate(source: Source) -> str:
    task = source.task
    metric, name, count = _COUNTS[task.kind]
    facts = {"classes": len(task.classes), "std": task.std}
    return filled(_EVALUATE, metric=metric, name=name, count=filled(count, **facts))


def _main(config: RunConfig, source: Source) -> str:
    schedule: Any = config.schedule
    plateau = schedule.kind == "plateau"
    classes = source.task.kind == "classification"
    lines = []
    if config.hardware.threads != "auto":
        lines.append(f"torch.set_num_threads({config.hardware.threads})")
    if config.training.deterministic:
        lines.append("torch.use_deterministic_algorithms(True, warn_only=True)")
    wanted = config.hardware.device
    device = '"cuda" if torch.cuda.is_available() else "cpu"' if wanted == "auto" else repr(wanted)
    after = ""
    if plateau:
        value = "value = val_metric" if classes else "value = -val_loss"
        facts = {name: getattr(schedule, name) for name in ("patience", "gamma", "least")}
        after = value + "\n" + filled(_PLATEAU, **facts)
    return filled(
        _MAIN,
        device=device,
        threads="\n".join(lines),
        start="start_weights(model)" if script_models.starts(config) else "",
        before="plateau, best, bad = 1.0, None, 0" if plateau else "",
        plateau=", plateau" if plateau else "",
        metric="accuracy" if source.task.has_classes else "mae",
        after=after,
    )


def _tidy(code: str) -> str:
    """No line of spaces, no more than two empty lines, none where an empty value stood alone in a function."""
    lines = code.split("\n")
    kept: list[str] = []
    for place, line in enumerate(lines):
        empty = not line.strip()
        if empty and len(kept) >= 2 and not kept[-1] and not kept[-2]:
            continue
        after = next((one for one in lines[place + 1 :] if one.strip()), "")
        inside = after.startswith((" ", ")", "]", "}")) and kept and kept[-1].strip() != ""
        if empty and inside and not _between_methods(after):
            continue
        kept.append("" if empty else line.rstrip())
    return "\n".join(kept).strip("\n") + "\n"


def _between_methods(line: str) -> bool:
    return line.lstrip().startswith(("def ", "@", '"""'))
