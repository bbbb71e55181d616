"""A run as one plain PyTorch script, without this program: the same samples in the same order, the same network from the same
weights, the same steps.

Run on the CPU of the same machine with the same PyTorch it takes the same steps to the last bit. Elsewhere the order in which
numbers are added up can differ, and losses then differ in their last digits.
"""

from __future__ import annotations

import torch
from torch import nn

from workbench.config.fields import kind_of
from workbench.config.run import RunConfig
from workbench.engine.data import loader
from workbench.engine.data.dataset import Source
from workbench.engine.export.script import augment, data, loop, models, proof, schedule, training
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.runtime.failures import RefusedError

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


$augment


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


def text(config: RunConfig, source: Source, model: nn.Module, name: str = "", version: str = "") -> str:
    """The script of a run: ``model`` is its network, whatever its weights; ``version`` that of the PyTorch it was trained with.

    Raises RefusedError with what has no counterpart in it.
    """
    _refuse(config, source)
    pieces = {
        "data": data.piece(config, source),
        "augment": augment.piece(config, source),
        "model": models.piece(config, source, model),
        "loss": training.loss(config, source),
        "optimizer": training.optimizer(config, model),
        "schedule": schedule.schedule(config),
    }
    whole = filled(
        _WHOLE,
        title=_title(config, name),
        facts=_facts(config, source),
        needs="".join(f", {package}" for package in _packages(pieces)),
        torch=_plain(version) or torch.__version__,
        imports="@imports@",
        seed=config.training.seed,
        epochs=config.training.epochs,
        batch=config.training.batch_size,
        accumulation=config.training.accumulation,
        order=filled(_DRAWN_ORDER if config.dataset.balance == "sampler" else _ORDER, classes=len(source.task.classes)),
        scale=_scale(source),
        train=loop.train(config),
        evaluate=loop.evaluate(config, source),
        main=loop.main(config, source),
        **{key: piece.code for key, piece in pieces.items()},
    )
    code = _tidy(whole.replace("@imports@", _imports(whole, pieces)))
    proof.prove(code, config, source)
    return code


def _refuse(config: RunConfig, source: Source) -> None:
    """Raises RefusedError for settings that a script has no lines for."""
    hardware = config.hardware
    streamed = not loader.is_resident(config, source, torch.device("cpu"))
    has_not = [
        (streamed, "samples that are streamed from files batch by batch", "dataset.loading"),
        (hardware.precision != "fp32", f"the precision {hardware.precision}", "hardware.precision"),
        (hardware.processes not in ("auto", 1), "several processes", "hardware.processes"),
    ]
    for given, words, path in has_not:
        if given:
            hint = "set it otherwise in a new run, or choose another format"
            raise RefusedError(f"a script has no counterpart yet of {words}", hint, path)


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


def _packages(pieces: dict[str, Piece]) -> list[str]:
    known = {"numpy": "NumPy", "PIL": "Pillow", "torchvision": "torchvision", "tokenizers": "tokenizers"}
    lines = " ".join(line for piece in pieces.values() for line in piece.imports)
    return [word for name, word in known.items() if name in lines]


def _imports(whole: str, pieces: dict[str, Piece]) -> str:
    """Import lines: the standard library's, then others'. What the code does not use is not imported."""
    wanted = {line for piece in pieces.values() for line in piece.imports}
    wanted |= {"import argparse", "import hashlib", "import math", "import torch", "from torch import Tensor, nn"}
    wanted |= {"import os", "from torch.nn import functional"}
    names = {"import math": "math.", "import os": "os.cpu_count", "from torch.nn import functional": "functional."}
    used = [line for line in wanted if names.get(line, "") in whole]
    own = ("argparse", "csv", "datetime", "fnmatch", "gzip", "hashlib", "math", "os", "pathlib", "re")
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
