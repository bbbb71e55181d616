"""The trials of tuning in this process: a sweep over learning rates, a batch size, a number of loader workers."""

from typing import Any

import pytest
import torch

from tests.engine.asking import problems_of
from workbench.config import files
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.service import server
from workbench.engine.service.tuning import batch_size, lr_sweep, throughput, workers
from workbench.runs.service.answers import RequestRefused
from workbench.runs.service.requests import ServiceCall, SweepLearningRate, TryBatchSize
from workbench.runs.service.tuning import LearningRatePoint

CPU = torch.device("cpu")


def configured(recipe: str = "digits-mlp", **values: Any) -> RunConfig:
    return files.change(start(recipe)[1], {path.replace("__", "."): value for path, value in values.items()})


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trial needs no second and a half to show that it counts."""

    def measured(config: RunConfig, source: Source, device: torch.device) -> float:
        return throughput.throughput(config, source, device, seconds=0.01)

    monkeypatch.setattr(batch_size, "throughput", measured)
    monkeypatch.setattr(workers, "throughput", measured)


@pytest.mark.parametrize("recipe", ["digits-mlp", "linear-regression"])
def test_that_a_sweep_suggests_a_rate_between_its_first_and_the_lowest_loss(recipe: str) -> None:
    told: list[LearningRatePoint] = []
    found = lr_sweep.sweep(configured(recipe), CPU, told.append)
    rates = [point.lr for point in told]
    assert rates == sorted(rates)
    assert rates[0] == pytest.approx(lr_sweep.FIRST_RATE)
    lowest = min(told, key=lambda point: point.loss).lr
    assert found.note == ""
    assert found.suggestion is not None
    assert lr_sweep.FIRST_RATE < found.suggestion < lowest


def test_that_a_loss_which_never_falls_is_no_suggestion() -> None:
    rates = [10.0**place for place in range(12)]
    assert lr_sweep.steepest(rates, [1.0] * 12) is None
    assert lr_sweep.steepest(rates, [float(place) for place in range(12)]) is None
    assert lr_sweep.steepest([], []) is None


def test_that_the_steepest_place_is_suggested() -> None:
    rates = [10.0**place for place in range(14)]
    losses = [9.0, 9, 9, 9, 9, 9, 9, 8.5, 5, 2, 1.8, 1.7, 1.6, 9]
    assert lr_sweep.steepest(rates, losses) == 1e8


def test_that_a_batch_size_is_measured_with_its_memory() -> None:
    found = batch_size.trial(configured(training__batch_size=16), CPU)
    assert (found.batch_size, found.fits) == (16, True)
    assert found.samples_per_second > 0
    assert found.memory >= 0
    assert found.train_samples is not None
    assert 1000 < found.train_samples < 1797


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("x"), MemoryError(), RuntimeError("not enough memory")])
def test_that_memory_which_runs_out_is_an_answer(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def runs_out(*_: object) -> float:
        raise error

    monkeypatch.setattr(batch_size, "throughput", runs_out)
    assert batch_size.trial(configured(), CPU).fits is False


def test_that_another_failure_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> float:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(batch_size, "throughput", fails)
    with pytest.raises(RuntimeError, match="shapes"):
        batch_size.trial(configured(), CPU)


def test_that_workers_are_measured_where_data_is_streamed_and_refused_where_it_is_not() -> None:
    streamed = configured(dataset__loading="streamed", dataset__workers=0)
    found = workers.trial(streamed, CPU)
    assert found.workers == 0
    assert found.samples_per_second > 0
    with pytest.raises(RefusedError, match="resident"):
        workers.trial(configured(dataset__loading="resident"), CPU)


def test_that_whatever_is_wrong_with_a_question_is_said_in_words() -> None:
    call = ServiceCall(id=3, request=SweepLearningRate(config=configured()))
    threads = torch.get_num_threads()
    try:
        line = call.model_dump_json().replace(f'"lr":{configured().optimizer.lr}', '"lr":-1').encode()
        reply = server.reply_to_line(line, print)
        assert isinstance(reply, RequestRefused)
        assert (reply.id, [problem.path for problem in reply.problems]) == (3, ["optimizer.lr"])
        folder = configured("image-folder", dataset__path="/nowhere")
        assert "/nowhere" in problems_of(TryBatchSize(config=folder))[0].what
        unknown = server.reply_to_line(b'{"id": 4, "request": {"kind": "from another version"}}', print)
        assert isinstance(unknown, RequestRefused)
        assert (unknown.id, unknown.problems) == (4, (server.UNKNOWN_REQUEST,))
    finally:
        torch.set_num_threads(threads)
