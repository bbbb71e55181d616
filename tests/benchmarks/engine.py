"""How near the engine comes to the limit, which is the bare step on one fixed batch.

    python tests/benchmarks/engine.py [--device cpu] [--rounds 7] [--seconds 1.0] [--only digits-mlp] [--window]

Prints, for each shape of work, steps per second of the bare step, of the engine on its full path (gathering, steps,
metrics, reports, commands) and of a plain PyTorch loop with a DataLoader. All three are interleaved in one run and
compared pair by pair, so that a machine whose speed drifts does not matter. ``--window`` measures whole runs of
`digits-mlp` instead, in the engine's own process, with and without a window that watches them, against the bare step.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.utils.data import DataLoader, TensorDataset

from workbench.config import files
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.checkpoint.saver import Saver
from workbench.engine.data.dataset import Normalization, Source, TaskSpec, TensorSplit
from workbench.engine.reporting.reporter import Reporter, StepLog
from workbench.engine.runtime.distributed import World
from workbench.engine.training import build
from workbench.engine.training.boundary import RunBoundary
from workbench.engine.training.control import Control
from workbench.engine.training.early_stopping import EarlyStopping
from workbench.engine.training.loop import Trainer
from workbench.engine.training.resumable_state import TrainState
from workbench.runs.commands import Inbox
from workbench.runs.folder import create
from workbench.runs.progress import Progress

MNIST = {"model.kind": "mlp", "model.hidden": [512, 256], "model.norm": "batch", "model.dropout": [0.3, 0.2]}
CIFAR = {
    "model.channels": [64, 128, 256],
    "model.dropout": [0.1, 0.2, 0.0],
    "model.head": [1024, 512],
    "model.head_dropout": [0.5, 0.3],
    "training.batch_size": 128,
}


def works() -> Iterator[tuple[str, RunConfig, Source]]:
    """Name, configuration and samples of each shape of work."""
    digits = start("digits-mlp")[1]
    yield "digits-mlp", digits, data.load(digits.dataset)
    yield "mnist-mlp shaped", files.change(digits, MNIST), pictures(12800, (1, 28, 28))
    yield "cifar10-cnn shaped", files.change(start("digits-cnn")[1], CIFAR), pictures(2560, (3, 32, 32))


def pictures(count: int, shape: tuple[int, ...]) -> Source:
    """Random pictures of ten classes."""
    draw = torch.Generator().manual_seed(0)
    inputs = torch.randint(0, 256, (count, *shape), generator=draw, dtype=torch.uint8)
    labels = torch.randint(0, 10, (count,), generator=draw)
    task = TaskSpec("classification", tuple("0123456789"))
    return Source(
        task, shape, TensorSplit(inputs, labels), TensorSplit(inputs[:1], labels[:1]), scaling=halves(shape[0])
    )


def halves(channels: int) -> Normalization:
    """Any scaling that is not idle."""
    return Normalization((1 / 64,) * channels, (-2.0,) * channels)


def bare(parts: build.Parts) -> Callable[[], int]:
    """The limit: forward, loss, backward, step on one batch that lies ready."""
    model, optimizer, train_step = parts.model, parts.optimizer, parts.train_step
    inputs, targets, _ = next(iter(parts.loader.steps(parts.plan, 0, 0, 0, 0)))[0]
    loss_of = train_step.loss

    def steps() -> int:
        for _ in range(20):
            loss_of(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        wait(parts.device)
        return 20

    return steps


def engine(parts: build.Parts, root: Path) -> tuple[Callable[[], int], Reporter]:
    """The engine's own epoch, writing real events into a real run folder."""
    folder = create(parts.config, "benchmark", root)
    reporter = Reporter(folder, 1, Progress())
    log = StepLog(reporter, parts.world, parts.task, parts.device)
    state = TrainState(parts, log, EarlyStopping("val accuracy", True), 10**9)
    control = Control(Inbox(folder.commands, 1), reporter, parts.config)
    saver = Saver(folder, parts.world, reporter, parts.config.output)
    trainer = Trainer(parts, state, log, RunBoundary(state, log, saver, control))

    def epoch() -> int:
        state.position.batch = 0
        state.position.epoch += 1
        trainer.train_epoch()
        wait(parts.device)
        return parts.plan.steps

    return epoch, reporter


def plain(parts: build.Parts) -> Callable[[], int]:
    """What one would write: a shuffling DataLoader, the loss read at every step."""
    split = parts.source.train
    assert isinstance(split, TensorSplit)
    scale = parts.source.scaling.on(torch.device("cpu"), split.inputs.dim())
    loader = DataLoader(
        TensorDataset(scale(split.inputs), split.targets), parts.config.training.batch_size, shuffle=True
    )
    model, optimizer, loss_of = parts.model, parts.optimizer, parts.train_step.loss

    def epoch() -> int:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = loss_of(model(inputs.to(parts.device)), targets.to(parts.device))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            loss.item()
        return len(loader)

    return epoch


def wait(device: torch.device) -> None:
    """Waits until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def rate(work: Callable[[], int], seconds: float) -> float:
    """Steps per second of ``work`` over about so many seconds."""
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        steps += work()
    return steps / (time.perf_counter() - began)


def compare(device: torch.device, rounds: int, seconds: float, only: str) -> None:
    """Measures every work and prints its table."""
    print(f"{torch.get_num_threads()} threads, {device}, medians of {rounds} rounds")
    print(f"{'':20} {'bare':>10} {'engine':>10} {'DataLoader':>10}   steps/s    engine/bare   DataLoader/bare")
    for name, config, source in works():
        if not name.startswith(only):
            continue
        with tempfile.TemporaryDirectory() as root:
            limit = bare(build.assemble(config, source, device, World()))
            full, reporter = engine(build.assemble(config, source, device, World()), Path(root))
            loop = plain(build.assemble(config, source, device, World()))
            for warm_up in (limit, full, loop):
                warm_up()
            rows = [[rate(work, seconds) for work in (limit, full, loop)] for _ in range(rounds)]
            reporter.close()
        a, b, c = (statistics.median(column) for column in zip(*rows, strict=True))
        ours, theirs = (statistics.median(row[place] / row[0] for row in rows) for place in (1, 2))
        print(f"{name:20} {a:10.0f} {b:10.0f} {c:10.0f}              {ours:10.3f} {theirs:15.3f}", flush=True)


def with_window(rounds: int, seconds: float) -> None:
    """Whole runs in the engine's own process, watched by a window or not, against the bare step."""
    config = start("digits-mlp")[1]
    limit = bare(build.assemble(config, data.load(config.dataset), torch.device("cpu"), World()))
    limit()
    batch, epochs = config.training.batch_size, "training.epochs=400"
    kinds = (["train", "digits-mlp"], ["gui", "digits-mlp", "--train", "--quit-when-done"])
    rows = []
    for _ in range(rounds):
        row = []
        for arguments in kinds:
            before = rate(limit, seconds)
            speed = whole_run([*arguments, "--set", epochs]) / batch
            row.append((speed, 2 * speed / (before + rate(limit, seconds))))
        rows.append(row)
    for place, name in enumerate(("engine alone", "engine with a window")):
        speed, ratio = (statistics.median(row[place][figure] for row in rows) for figure in (0, 1))
        print(f"{name:22} {speed:8.0f} steps/s, {ratio:.3f} of the bare step")


def whole_run(arguments: list[str]) -> float:
    """Samples per second that a whole run tells of itself."""
    with tempfile.TemporaryDirectory() as root:
        environment = {**os.environ, "WORKBENCH_RUNS": root, "QT_QPA_PLATFORM": "offscreen"}
        environment["WORKBENCH_PREFERENCES"] = str(Path(root) / "preferences")
        command = [sys.executable, "-m", "workbench", *arguments]
        subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        summary = next(Path(root).glob("*/summary.json"))
        return float(json.loads(summary.read_text(encoding="utf-8"))["samples_per_second"])


def main() -> None:
    """Reads the arguments and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--only", default="", help="the work whose name begins so")
    parser.add_argument("--window", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.window:
        with_window(arguments.rounds, arguments.seconds)
    else:
        compare(torch.device(arguments.device), arguments.rounds, arguments.seconds, arguments.only)


if __name__ == "__main__":
    main()
