"""How several processes begin: one after the other where they may download, with their share of their own machine."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import nn

from tests.engine.data import written
from tests.engine.runtime.worlds import Stub, run_ranks
from tests.engine.training.test_loop import create_run
from tests.waiting import HANG_SECONDS, until
from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.attempts import supervise, worker
from workbench.engine.data import streamed, torchvision_sets
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.reporting import memory, reporter
from workbench.engine.runtime import devices, distributed
from workbench.engine.runtime.distributed import World
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks import task_of
from workbench.engine.training import build
from workbench.engine.training.loop import AttemptResult
from workbench.launch import process
from workbench.runs import history
from workbench.runs.attempt_options import PLAIN

CPU = torch.device("cpu")
MISSING = {"dataset.kind": "torchvision", "dataset.name": "MNIST", "dataset.download": False, "model.kind": "mlp"}


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "PATIENCE_SECONDS", 0.1)


def mnist(root: Path, **changes: object) -> RunConfig:
    return files.change(RunConfig(), {**MISSING, "dataset.path": str(root), **changes})


def test_that_one_process_downloads_and_the_others_find_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads: list[str] = []

    def download(**arguments: object) -> None:
        downloads.append(threading.current_thread().name)
        # Time enough for another to begin as well.
        with contextlib.suppress(AssertionError):
            until(lambda: len(downloads) > 1, within=3.0)
        written.mnist(tmp_path)

    monkeypatch.setattr(torchvision_sets, "_torchvision_class", lambda config: download)
    config = mnist(tmp_path, **{"dataset.download": True})
    counts = run_ranks(lambda world: len(build.build(config, CPU, world).source.train))
    assert counts[0] == counts[1] > 0
    assert len(downloads) == 1


@pytest.mark.parametrize("rank", [0, 1])
def test_that_what_one_process_is_refused_ends_all(rank: int, tmp_path: Path) -> None:
    written.mnist(tmp_path)

    def refused(world: Stub) -> str:
        # The disk of one machine lacks what the other's has.
        root = tmp_path / "nowhere" if world.rank == rank else tmp_path
        with pytest.raises(RefusedError, match="MNIST is not in") as caught:
            build.build(mnist(root), CPU, world)
        assert caught.value.problem.path == "dataset.path"
        return str(caught.value)

    words = run_ranks(refused)
    assert words[0] == words[1]


def test_that_processes_refused_their_data_end_in_words(tmp_path: Path) -> None:
    folder = create_run({**MISSING, "dataset.path": str(tmp_path), "hardware.processes": 2})
    assert process.start(folder).wait(HANG_SECONDS) == supervise.REFUSED
    ended = history.load(folder).ended
    assert ended is not None
    assert "MNIST is not in" in ended.what


def test_that_every_machine_has_one_process_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    # Two machines with two processes each.
    begun, done = list[int](), list[int]()
    seen: dict[int, list[int]] = {}

    def turn(world: Stub) -> int:
        world.local_rank, world.local_size = world.rank % 2, 2

        def work() -> int:
            begun.append(world.rank)
            seen[world.rank] = list(done)
            done.append(world.rank)
            return world.rank

        own: int = world.main_first(work)
        return own

    assert run_ranks(turn, size=4) == [0, 1, 2, 3]
    assert begun[:2] == [0, 2]
    assert seen[0] == []
    assert seen[2] == [0]
    assert seen[1][:2] == seen[3][:2] == [0, 2]


def test_that_the_launcher_tells_how_many_processes_share_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    for name, value in (("get_rank", 5), ("get_world_size", 8)):
        monkeypatch.setattr(dist, name, lambda value=value: value)
    monkeypatch.setattr(dist, "init_process_group", lambda *_, **__: None)
    monkeypatch.setattr(dist, "new_group", lambda **_: dist.ProcessGroup(5, 8))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    world = distributed.join_world("cpu")[0]
    assert (world.rank, world.size, world.local_rank, world.local_size) == (5, 8, 1, 2)
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    assert distributed.join_world("cpu")[0].local_size == 8


def test_that_a_process_takes_its_share_of_its_own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", taken.append)
    monkeypatch.setattr(worker, "_train", lambda *_, **__: AttemptResult("completed"))
    monkeypatch.setattr(devices, "available_cpus", lambda: 12)
    monkeypatch.setattr(streamed, "available_cpus", lambda: 12)
    world = World(5, 8, local_rank=1, local_size=2)
    worker.train_on_this_process(create_run({"hardware.threads": "auto"}), 1, CPU, world, PLAIN)
    assert taken == [6]

    config = create_run({"dataset.loading": "streamed", "dataset.workers": "auto"}).config()
    source = data.load(config.dataset)

    def workers(world: Stub) -> int:
        world.local_size = 2
        loader = build.assemble(config, source, CPU, world).loader
        assert isinstance(loader, streamed.StreamedLoader)
        return loader._workers()

    assert run_ranks(workers, size=4) == [5] * 4


class Machines(World):
    """Two ranks on machines of these names."""

    def __init__(self, *hosts: str) -> None:
        super().__init__(0, len(hosts))
        self.hosts = hosts

    def all_gather(self, value: Any) -> list[Any]:
        return [(host, *value[1:]) for host in self.hosts]


@pytest.mark.parametrize(
    "hosts, names, allocated",
    [
        pytest.param(("one", "one"), ["GPU 0 Big"], 14, id="one machine"),
        pytest.param(("one", "two"), ["one: GPU 0 Big", "two: GPU 0 Big"], 7, id="two machines"),
    ],
)
def test_that_devices_of_two_machines_are_two(
    hosts: tuple[str, ...], names: list[str], allocated: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = memory.sample(CPU).model_copy(update={"name": "GPU 0 Big", "allocated": 7})
    monkeypatch.setattr(memory, "sample", lambda device: sample)
    monkeypatch.setattr(memory, "main_memory", lambda: 1000)
    monkeypatch.setattr(memory, "main_memory_left", lambda: 900)
    monkeypatch.setattr(socket, "gethostname", lambda: hosts[0])
    reports: list[Any] = []
    fake_reporter = SimpleNamespace(report=reports.append)
    reporter.StepLog(fake_reporter, Machines(*hosts), task_of(TaskSpec("regression")), CPU)._report_memory()  # type: ignore[arg-type]
    assert [device.name for device in reports[0].devices] == names
    assert [device.allocated for device in reports[0].devices] == [allocated] * len(names)
    assert reports[0].ram_total == 1000 * len(names)


@dataclasses.dataclass
class Spread:
    """Where torch would have spread a network."""

    module: nn.Module
    device_ids: list[int] | None = None
    output_device: object = None


@pytest.mark.parametrize("device, numbers", [("cuda:1", [1, 0, 2]), ("cuda:0", [0, 1, 2]), ("cuda", [0, 1, 2])])
def test_that_dataparallel_begins_with_the_gpu_that_was_chosen(
    device: str, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(nn, "DataParallel", Spread)
    model = nn.Linear(2, 2)
    spread: Any = World().wrap(model, torch.device(device), "data-parallel")
    assert isinstance(spread, Spread)
    assert spread.device_ids == numbers
    # Torch collects the results on the first of them.
    assert spread.output_device is None
    assert World().wrap(model, torch.device(device)) is model
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert World().wrap(model, torch.device(device), "data-parallel") is model
