"""What the columns of a table are used for: the target, the inputs, and what is left out with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.config.dataset import Table
from workbench.engine.data.tables.columns import MAX_CATEGORIES, ColumnEvidence, ColumnReading
from workbench.engine.data.tables.findings import column_report
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import ColumnReport, Role

_IDENTIFIER = re.compile(
    r"(?:^|[_\s.\-])(?:id|uuid|guid|index|idx|row|rownames?)$|^(?:nr|no|#)\.?$|^unnamed: 0$", re.IGNORECASE
)
_CAMEL_CASE = re.compile(r"[a-z]I[dD]$")


@dataclass(frozen=True)
class Roles:
    """The target columns, the inputs in the order of the file, and the others, each with why it is no input."""

    targets: tuple[str, ...]
    inputs: tuple[str, ...]
    left_out: dict[str, str]
    is_target_assumed: bool = False


def require(names: Sequence[str], name: str, setting: str) -> None:
    """Raises RefusedError, at the setting that names it, for a column that a table does not have."""
    if name not in names:
        raise RefusedError(
            f"the table has no column {name!r}", f"choose one of its columns: {', '.join(names)}", setting
        )


def check_named(names: Sequence[str], config: Table) -> None:
    """Raises RefusedError for the first column that the settings name and the table does not have."""
    wanted = [("dataset.target", config.target), ("dataset.group", config.group), ("dataset.time", config.time)]
    for setting in ("ignore", "more_targets", "inputs", "categories"):
        wanted += [(f"dataset.{setting}", name) for name in getattr(config, setting)]
    for setting, name in wanted:
        if name:
            require(names, name, setting)


def assign_roles(
    evidence: Sequence[ColumnEvidence],
    readings: Mapping[str, ColumnReading],
    nameless: Sequence[str],
    config: Table,
    targets: tuple[str, ...] = (),
) -> Roles:
    """What each column is used for. ``targets``: those of a model that is trained already. Raises RefusedError."""
    names = [column.name for column in evidence]
    check_named(names, config)
    taken = {*config.ignore, config.group, config.time}
    targets = targets or (config.target or _last(names, taken), *config.more_targets)
    for name in targets:
        require(names, name, "dataset.target")
    left_out: dict[str, str] = dict.fromkeys(config.ignore, "excluded in the settings")
    inputs = []
    for column in evidence:
        if column.name in targets or column.name in taken:
            continue
        why = "" if column.name in config.inputs else _why_left_out(column, readings[column.name], nameless, config)
        if why:
            left_out[column.name] = why
        else:
            inputs.append(column.name)
    if not inputs:
        raise _no_input(config, left_out)
    return Roles(targets, tuple(inputs), left_out, is_target_assumed=not config.target)


def _last(names: Sequence[str], taken: set[str]) -> str:
    last = next((name for name in reversed(names) if name not in taken), None)
    if last is None:
        raise RefusedError("every column is ignored", "remove the target from the ignored columns", "dataset.ignore")
    return last


def _no_input(config: Table, left_out: Mapping[str, str]) -> RefusedError:
    """The cure is one that there is: columns that the settings exclude, else one that can be used all the same."""
    excluded = [name for name in config.ignore if name in left_out]
    if excluded:
        return RefusedError("no column is left as an input", "remove a column from the ignored ones", "dataset.ignore")
    if not left_out:
        return RefusedError("the table has no column beside the target", "add a column with an input", "dataset.path")
    reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:5])
    return RefusedError(f"no column is left as an input ({reasons})", "name one in dataset.inputs", "dataset.inputs")


def _why_left_out(column: ColumnEvidence, reading: ColumnReading, nameless: Sequence[str], config: Table) -> str:
    if column.name in config.categories:
        return ""
    if reading.kind == "empty":
        return "it is empty"
    if reading.kind == "constant":
        return f"all its values are the same ({column.first[0] if column.first else ''})"
    if is_identifier(column, nameless):
        return "it only numbers the rows (an identifier)"
    if reading.kind == "text":
        return reading.why_not_number or f"more than {MAX_CATEGORIES} different values"
    if reading.kind == "date" and config.dates == "left out":
        return "it is a date; dataset.dates = 'calendar' makes inputs of it"
    return ""


def is_identifier(column: ColumnEvidence, nameless: Sequence[str]) -> bool:
    """Whether a column tells rows apart and says nothing of them: by its name, and because no value comes twice."""
    if column.name in nameless and column.counts_up:
        return True
    named = _IDENTIFIER.search(column.name) is not None or _CAMEL_CASE.search(column.name) is not None
    return named and (column.counts_up or column.is_many or len(column.values) == column.filled > 1)


def column_reports(
    evidence: Sequence[ColumnEvidence],
    readings: Mapping[str, ColumnReading],
    roles: Roles,
    nameless: Sequence[str],
    config: Table,
    misfits: Mapping[str, int],
) -> tuple[ColumnReport, ...]:
    """Every column as the data report has it."""
    role_of: dict[str, Role] = {**dict.fromkeys(roles.inputs, "input"), **dict.fromkeys(roles.targets, "target")}
    role_of |= {config.group: "group"} if config.group else {}
    role_of |= {config.time: "time"} if config.time else {}
    reports = []
    for column in evidence:
        role, reading = role_of.get(column.name, "left out"), readings[column.name]
        named = is_identifier(column, nameless) and role == "left out"
        reading = replace(reading, kind="identifier") if named else reading
        reports.append(
            column_report(column, reading, role, roles.left_out.get(column.name, ""), misfits.get(column.name, 0))
        )
    return tuple(reports)
