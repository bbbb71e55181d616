"""Searches: what they try, what they suggest, how they end. Most with an understudy for the engine; one with the real one."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests import fake_tuning
from tests.waiting import HANG_SECONDS, living_children
from workbench.config import files
from workbench.config.problems import ConfigError
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.launch import tuning
from workbench.launch.tuning import CancelledError, TuningKind, TuningSearch, smallest_good
from workbench.runs.service.tuning import BatchSizeTrial, LearningRatePoint, TuningPoint, WorkersTrial


def configured(**values: Any) -> RunConfig:
    return files.change(start("digits-mlp")[1], {path.replace("__", "."): value for path, value in values.items()})


@pytest.fixture
def plays(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the understudy in the engine's place, and tells it what to play."""
    monkeypatch.setattr(tuning, "spawn", fake_tuning.spawn)
    return lambda kind: monkeypatch.setenv("FAKE_TUNING", kind)


def test_that_sizes_are_doubled_until_larger_ones_are_slower(plays: Callable[[str], None]) -> None:
    plays("fall")
    shares: list[float] = []
    found = TuningSearch("batch", configured()).run(lambda _, share: shares.append(share))
    assert [point.batch_size for point in found.points if isinstance(point, BatchSizeTrial)] == [
        8,
        16,
        32,
        64,
        128,
        256,
    ]
    assert (found.suggestion, found.setting) == (32, "training.batch_size")
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0


def test_that_an_engine_which_dies_at_a_size_has_run_out_of_memory(plays: Callable[[str], None]) -> None:
    plays("limit")
    found = TuningSearch("batch", configured()).run(lambda *_: None)
    assert [point.fits for point in found.points if isinstance(point, BatchSizeTrial)] == [True, True, True, False]
    assert found.suggestion == 32
    plays("die")
    found = TuningSearch("batch", configured()).run(lambda *_: None)
    assert (found.suggestion, found.note) == (None, "memory runs out at every size")


def test_that_the_smallest_number_of_workers_that_is_good_enough_is_suggested(plays: Callable[[str], None]) -> None:
    plays("fall")
    found = TuningSearch("workers", configured()).run(lambda *_: None)
    assert [point.workers for point in found.points if isinstance(point, WorkersTrial)][:3] == [0, 1, 2]
    assert (found.suggestion, found.setting) == (1, "dataset.workers")


def test_that_a_sweep_tells_every_point_before_its_answer(plays: Callable[[str], None]) -> None:
    plays("fall")
    told: list[TuningPoint] = []
    found = TuningSearch("lr", configured()).run(lambda point, _: told.append(point))
    assert tuple(told) == found.points
    rates = [point.lr for point in found.points if isinstance(point, LearningRatePoint)]
    assert rates == [1e-4, 1e-3, 1e-2, 1e-1]
    assert (found.suggestion, found.setting) == (0.01, "optimizer.lr")


@pytest.mark.parametrize("kind", ["lr", "batch", "workers"])
def test_that_problems_are_said_with_their_path(plays: Callable[[str], None], kind: TuningKind) -> None:
    plays("refuse")
    with pytest.raises(ConfigError) as refused:
        TuningSearch(kind, configured()).run(lambda *_: None)
    assert str(refused.value) == "dataset.path: there is no such folder (choose another one)"


@pytest.mark.parametrize("kind", ["lr", "workers"])
def test_that_a_death_is_said_where_it_is_no_answer(plays: Callable[[str], None], kind: TuningKind) -> None:
    plays("die")
    with pytest.raises(ConfigError, match="ended unexpectedly"):
        TuningSearch(kind, configured()).run(lambda *_: None)


def test_that_cancel_ends_the_engine_that_is_at_work(plays: Callable[[str], None]) -> None:
    plays("hang")
    search = TuningSearch("lr", configured())
    begun = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            search.run(lambda *_: begun.set())
        except CancelledError as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(HANG_SECONDS)
    search.cancel()
    thread.join(HANG_SECONDS)
    assert len(raised) == 1
    assert not living_children("fake_tuning.py")
    with pytest.raises(CancelledError):
        search.run(lambda *_: None)


def test_that_nothing_that_fits_is_no_suggestion() -> None:
    assert smallest_good([]) is None
    assert smallest_good([(0, 94.0), (1, 96.0), (2, 100.0)]) == 1


def test_that_a_real_engine_finds_a_learning_rate_and_refuses_workers_for_resident_data() -> None:
    pytest.importorskip("torch")
    found = TuningSearch("lr", configured()).run(lambda *_: None)
    assert found.suggestion is not None
    assert 1e-4 < found.suggestion < 1
    with pytest.raises(ConfigError, match="resident"):
        TuningSearch("workers", configured(dataset__loading="resident")).run(lambda *_: None)
