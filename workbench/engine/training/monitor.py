"""The metric that a run follows: what makes an epoch the best, ends the run early, and lets a plateau schedule fall."""

from __future__ import annotations

from workbench.config import monitor
from workbench.config.run import RunConfig
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.tasks.task import Task
from workbench.engine.training.early_stopping import EarlyStopping

VALIDATION_LOSS = "val loss"


def monitored(config: RunConfig, task: Task, validated: bool) -> str:
    """Split and metric that an epoch is judged by: ``val accuracy``. Raises RefusedError for a metric that there is not."""
    wanted = config.training.monitor
    if wanted == monitor.AUTO:
        metric = task.monitored(validated and config.dataset.balance != "none")
        return f"{'val' if validated else 'train'} {metric}"
    names = available(task, validated)
    if wanted not in names:
        what = f"there is no metric “{wanted}” of this {task.kind}"
        if wanted.startswith("val.") and not validated:
            what = f"“{wanted}” needs validation samples"
        raise RefusedError(what, f"choose {monitor.listed([monitor.AUTO, *names])}", "training.monitor")
    split, _, metric = wanted.partition(".")
    return f"{split} {metric}"


def available(task: Task, validated: bool) -> list[str]:
    """The metrics of a run by the names of the setting."""
    whole = [f"val.{name}" for name in (*task.metric_names, *task.class_metrics)] if validated else []
    return [*whole, *(f"train.{name}" for name in task.metric_names)]


def class_metrics(config: RunConfig, task: Task, validated: bool, imbalanced: bool) -> tuple[str, ...]:
    """The metrics that a validation measures beside the task's usual ones: by class, where they matter or are monitored."""
    metric = monitored(config, task, validated).partition(" ")[2]
    wanted = [*(("balanced_accuracy", "f1") if imbalanced else ()), metric]
    return tuple(dict.fromkeys(name for name in wanted if name in task.class_metrics))


def early_stopping(config: RunConfig, task: Task, validated: bool) -> EarlyStopping:
    """What makes an epoch of a configuration the best, and how long to wait for a better one."""
    name = monitored(config, task, validated)
    patience = None if config.training.early_stopping == "off" else config.training.early_stopping
    return EarlyStopping(name, is_higher_better(name), patience)


def followed_by_plateau(config: RunConfig) -> str:
    """What a plateau schedule follows: the validation loss; empty where it follows what an epoch is judged by."""
    return VALIDATION_LOSS if config.training.monitor == monitor.AUTO else ""


def is_higher_better(name: str) -> bool:
    """Whether a higher value is better of a split's metric: ``val accuracy``."""
    return monitor.higher_is_better(name.partition(" ")[2])


def value_of(name: str, results: dict[str, dict[str, float]]) -> float:
    """A split's metric in an epoch's results; not a number where it is missing."""
    split, _, metric = name.partition(" ")
    return results.get(split, {}).get(metric, float("nan"))
