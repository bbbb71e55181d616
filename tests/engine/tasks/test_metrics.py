"""The metrics are those of the field: torchmetrics says the same of random data, in one process and in several."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torchmetrics.functional import mean_absolute_error, mean_squared_error, r2_score
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_precision,
    multiclass_recall,
)

from tests.engine.runtime.worlds import Stub, run_ranks
from workbench.engine.data.dataset import TaskSpec
from workbench.engine.tasks import class_figures, number_figures, task_of
from workbench.engine.tasks.multi_task import MultiTask
from workbench.engine.tasks.regression import Regression
from workbench.engine.tasks.task import Task

SEEDS = st.integers(0, 2**32)
SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=6)
"""Samples of each microbatch."""


def measured(task: Task, predictions: list[Tensor], labels: list[Tensor]) -> dict[str, float]:
    """The metrics of microbatches as an epoch adds them up."""
    return task.metrics(task.sums(predictions, labels).sum(axis=0))


def classified(sizes: list[int], classes: int, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """Labels of random frequencies and predictions that are right more often than by chance, in microbatches."""
    draw = torch.Generator().manual_seed(seed)
    count = sum(sizes)
    frequencies = torch.rand(classes, generator=draw) ** 3 + 1e-6
    labels = torch.multinomial(frequencies, count, replacement=True, generator=draw)
    guesses = torch.randint(classes, (count,), generator=draw)
    predictions = torch.where(torch.rand(count, generator=draw) < 0.5, labels, guesses)
    return list(torch.split(predictions, sizes)), list(torch.split(labels, sizes))


@given(sizes=SIZES, classes=st.integers(2, 12), seed=SEEDS)
def test_that_metrics_of_classes_are_those_of_torchmetrics(sizes: list[int], classes: int, seed: int) -> None:
    predictions, labels = classified(sizes, classes, seed)
    predicted, label = torch.cat(predictions), torch.cat(labels)
    names = tuple(map(str, range(classes)))
    task = task_of(TaskSpec("classification", names))
    own = measured(task, predictions, labels)
    wanted = multiclass_accuracy(predicted, label, classes, average="micro")
    assert own["accuracy"] == pytest.approx(float(wanted), rel=1e-5)
    assert own["samples"] == len(label)

    counts = class_figures.class_counts(classes, predictions, labels)
    recall = multiclass_recall(predicted, label, classes, average=None)
    present = torch.bincount(label, minlength=classes) > 0
    assert class_figures.balanced_accuracy(counts) == pytest.approx(float(recall[present].mean()), rel=1e-5)
    macro = multiclass_f1_score(predicted, label, classes, average="macro")
    assert class_figures.macro_f1(counts) == pytest.approx(float(macro), rel=1e-5)

    figures = class_figures.per_class(names, predicted, label)
    assert figures["confusion"] == multiclass_confusion_matrix(predicted, label, classes).tolist()
    each = {
        "precision": multiclass_precision(predicted, label, classes, average=None),
        "recall": recall,
        "f1": multiclass_f1_score(predicted, label, classes, average=None),
    }
    for name, values in each.items():
        assert [row[name] for row in figures["per_class"]] == pytest.approx(values.tolist(), rel=1e-5), name


def test_that_mixed_images_count_as_what_most_of_them_is() -> None:
    task = task_of(TaskSpec("classification", ("a", "b", "c")))
    shares = torch.tensor([[0.7, 0.3, 0.0], [0.2, 0.0, 0.8], [0.0, 0.0, 0.0]])  # of the last nothing could be read
    own = measured(task, [torch.tensor([0, 0, 0])], [shares])
    assert own == {"loss": 0.0, "accuracy": 0.5, "samples": 2.0}


def numbers(sizes: list[int], targets: int, seed: int) -> tuple[TaskSpec, list[Tensor], list[Tensor]]:
    """Targets of very different means and deviations, their predictions, and the task that scales them."""
    draw = torch.Generator().manual_seed(seed)
    means = torch.randn(targets, generator=draw, dtype=torch.float64) * 1000
    stds = 10 ** (torch.rand(targets, generator=draw, dtype=torch.float64) * 4)
    spec = TaskSpec(
        "regression", (), tuple(f"t{n}" for n in range(targets)), tuple(means.tolist()), tuple(stds.tolist())
    )
    labels = torch.randn(sum(sizes), targets, generator=draw)
    noise = torch.randn(sum(sizes), targets, generator=draw)
    predictions = labels + noise * (0.1 + torch.rand(targets, generator=draw))
    return spec, list(torch.split(predictions, sizes)), list(torch.split(labels, sizes))


def wanted_of_numbers(spec: TaskSpec, predictions: list[Tensor], labels: list[Tensor]) -> dict[str, Any]:
    predicted, label = (spec.in_own_units(torch.cat(values)) for values in (predictions, labels))
    flat = predicted.flatten(), label.flatten()
    return {
        "mae": pytest.approx(float(mean_absolute_error(*flat)), rel=1e-5),
        "rmse": pytest.approx(float(mean_squared_error(*flat, squared=False)), rel=1e-5),
        "r2": pytest.approx(float(r2_score(predicted, label, multioutput="uniform_average")), rel=1e-4, abs=1e-4),
    }


@given(sizes=SIZES.filter(lambda sizes: sum(sizes) > 1), targets=st.integers(1, 5), seed=SEEDS)
def test_that_metrics_of_numbers_are_those_of_torchmetrics(sizes: list[int], targets: int, seed: int) -> None:
    spec, predictions, labels = numbers(sizes, targets, seed)
    own = measured(Regression(spec), predictions, labels)
    wanted = wanted_of_numbers(spec, predictions, labels)
    assert {name: own[name] for name in wanted} == wanted


@given(sizes=SIZES.filter(lambda sizes: sum(sizes) > 1), targets=st.integers(1, 3), seed=SEEDS)
def test_that_a_class_beside_numbers_has_the_metrics_of_both(sizes: list[int], targets: int, seed: int) -> None:
    spec, predictions, labels = numbers(sizes, targets, seed)
    guessed, known = classified(sizes, 4, seed)
    both = [
        [torch.cat([a[:, None].float(), b], dim=1) for a, b in zip(first, second, strict=True)]
        for first, second in ((guessed, predictions), (known, labels))
    ]
    task = MultiTask(TaskSpec("multi-task", ("a", "b", "c", "d"), spec.targets, spec.means, spec.stds))
    own = measured(task, *both)
    wanted = wanted_of_numbers(spec, predictions, labels)
    wanted["accuracy"] = pytest.approx(float((torch.cat(guessed) == torch.cat(known)).double().mean()))
    assert {name: own[name] for name in wanted} == wanted
    sums = task.sums(*both)
    assert sums[:, task.shown].sum() / sums[:, 0].sum() == pytest.approx(own["accuracy"])


@given(sizes=SIZES.filter(lambda sizes: sum(sizes) > 1), targets=st.integers(1, 3), seed=SEEDS, ranks=st.integers(2, 3))
def test_that_the_sums_of_several_processes_add_up_to_those_of_one(
    sizes: list[int], targets: int, seed: int, ranks: int
) -> None:
    spec, predictions, labels = numbers(sizes, targets, seed)
    guessed, known = classified(sizes, 5, seed)
    of_numbers, of_classes = Regression(spec), task_of(TaskSpec("classification", tuple("abcde")))

    def measure(world: Stub) -> list[Any]:
        """The metrics over all ranks, of which each has some microbatches, or none."""
        mine = slice(world.rank, None, world.size)
        results: list[Any] = []
        for task, first, second in ((of_numbers, predictions, labels), (of_classes, guessed, known)):
            own = task.sums(first[mine], second[mine]) if first[mine] else np.zeros((1, task.columns))
            results.append(task.metrics(world.all_reduce_sum(own.sum(axis=0))))
        counts = world.all_reduce_sum(class_figures.class_counts(5, guessed[mine], known[mine]))
        return [*results, {"balanced": class_figures.balanced_accuracy(counts), "f1": class_figures.macro_f1(counts)}]

    whole = class_figures.class_counts(5, guessed, known)
    alone = [
        measured(of_numbers, predictions, labels),
        measured(of_classes, guessed, known),
        {"balanced": class_figures.balanced_accuracy(whole), "f1": class_figures.macro_f1(whole)},
    ]
    for result in run_ranks(measure, ranks):
        for own, wanted in zip(result, alone, strict=True):
            assert own == pytest.approx(wanted, rel=1e-9)


def test_that_noise_explains_nothing_of_targets_on_different_levels() -> None:
    draw = torch.Generator().manual_seed(0)
    labels = torch.randn(4000, 2, generator=draw)
    spec = TaskSpec("regression", (), ("a", "b"), (0.0, 1000.0), (1.0, 1.0))
    predictions = torch.zeros(4000, 2)
    assert measured(Regression(spec), [predictions], [labels])["r2"] == pytest.approx(0.0, abs=2e-3)
    # The same where the source leaves the targets as they are.
    shift = torch.tensor([0.0, 1000.0])
    plain = Regression(TaskSpec("regression", (), ("a", "b")))
    assert measured(plain, [predictions + shift], [labels + shift])["r2"] == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567, 1e6])
def test_that_a_constant_target_is_explained_by_its_value_alone(value: float) -> None:
    task = Regression(TaskSpec("regression", (), ("a",)))
    labels = torch.full((997, 1), value)
    assert measured(task, [labels], [labels])["r2"] == 1.0
    assert measured(task, [labels + 1], [labels])["r2"] == 0.0


@pytest.mark.parametrize("targets", [1, 2])
def test_that_sums_kept_by_version_0_1_are_understood(targets: int) -> None:
    spec, predictions, labels = numbers([50, 60], targets, 3)
    true, guess = (spec.in_own_units(torch.cat(values)) for values in (labels, predictions))
    error = (guess - true).numpy()
    means = [np.abs(error), error**2, true.numpy(), true.numpy() ** 2]
    former = np.array([110.0, 7.0, *(column.mean(axis=1).sum() for column in means), 60.0])
    for task in (Regression(spec), MultiTask(TaskSpec("multi-task", ("a", "b"), spec.targets, spec.means, spec.stds))):
        own = task.metrics(task.from_former_sums(former))
        wanted = wanted_of_numbers(spec, predictions, labels)
        if targets > 1:
            del wanted["r2"]  # it was kept of all targets together
            assert "r2" not in own
        assert {name: own[name] for name in wanted} == wanted
        assert own["loss"] == pytest.approx(7 / 110)
        assert own.get("accuracy", 60 / 110) == pytest.approx(60 / 110)
    classes = task_of(TaskSpec("classification", ("a", "b")))
    kept = classes.from_former_sums(np.array([110.0, 7.0, 60.0, 0.0, 0.0, 0.0, 0.0]))
    assert classes.metrics(kept)["accuracy"] == pytest.approx(60 / 110)


def test_that_one_hot_labels_of_mixed_images_measure_as_the_labels_do() -> None:
    predictions, labels = classified([30, 20], 4, 1)
    task = task_of(TaskSpec("classification", tuple("abcd")))
    shares = [functional.one_hot(batch, 4).float() for batch in labels]
    assert measured(task, predictions, shares) == measured(task, predictions, labels)


def test_that_the_width_of_the_sums_follows_the_targets() -> None:
    for targets in (1, 4):
        spec, predictions, labels = numbers([3, 2], targets, 0)
        assert number_figures.columns(spec) == 2 + 3 * targets
        assert Regression(spec).sums(predictions, labels).shape == (2, Regression(spec).columns)
