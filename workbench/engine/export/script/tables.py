"""How a generated script gets rows of numbers: tables, and samples from a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data import table_reader
from workbench.engine.data.dataset import Source
from workbench.engine.data.table import target_name
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.export.script.split import by_share, separator, shares, where
from workbench.engine.runtime.failures import RefusedError

_SYNTHETIC = """
# $what
DATA = ""
VALIDATION, SPLIT_SEED = $share, $seed


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Points and what is to be predicted of them: of training, then of validation.\"\"\"
    draw = torch.Generator().manual_seed($data_seed)
    $draw
    train, val = split(len(targets)$by_class)
    return inputs[train], targets[train], inputs[val], targets[val]
"""
_DRAWN = {
    "linear": (
        "A line with noise: y = $slope x + $intercept + $noise N(0, 1).",
        """
        inputs = (torch.rand($samples, 1, generator=draw) * 2 - 1) * $x_max
        targets = $slope * inputs + $intercept + $noise * torch.randn($samples, 1, generator=draw)
        """,
    ),
    "spirals": (
        "Points on interleaved spirals, one class an arm.",
        """
        targets = torch.arange($samples) % $classes
        along = torch.rand($samples, generator=draw).sqrt()
        angle = along * 3 * math.pi + targets * (2 * math.pi / $classes)
        inputs = torch.stack([along * angle.cos(), along * angle.sin()], dim=1)
        inputs = inputs + $noise * 0.3 * torch.randn($samples, 2, generator=draw)
        """,
    ),
    "clusters": (
        "Normal points around a middle for each class.",
        """
        targets = $labels
        targets = targets[torch.randperm(len(targets), generator=draw)]
        middles = torch.randint(0, 2, (int(targets.max()) + 1, $features), generator=draw) * 2.0 - 1.0
        noise = torch.randn(len(targets), $features, generator=draw)
        inputs = middles[targets] + (1 + $noise) * noise
        """,
    ),
}


def synthetic(config: Any, source: Source) -> Piece:
    """Samples from a formula."""
    names = ("slope", "intercept", "noise", "samples", "x_max", "classes", "features")
    facts: dict[str, Any] = {name: getattr(config, name) for name in names}
    counts = list(config.per_class)
    facts["labels"] = f"torch.arange({config.samples}) % {config.classes}"
    if counts:
        facts["labels"] = f"torch.repeat_interleave(torch.arange({len(counts)}), torch.tensor({counts}))"
    what, draw = (filled(text, **facts) for text in _DRAWN[config.shape])
    by_class = ", targets" if config.shape != "linear" and config.split == "per-class" else ""
    code = filled(
        _SYNTHETIC,
        what=what,
        draw=draw,
        split=by_share(),
        data_seed=config.seed,
        by_class=by_class,
        **shares(config),
    )
    return Piece(code, ("import math",))


_TABLE = """
# A table: one row a sample.
DATA = $path
TARGETS = $targets$classes
GAPS = $gaps  # what stands for a missing value
# How each column becomes inputs; the figures are of the training rows. A number: what fills a gap, mean, deviation.
NUMBERS = $numbers
# A word: a column of 0 and 1 for each of these$gap_note.
WORDS = $words
COLUMNS = $columns
$seeded


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Inputs, float32 (n, inputs), and what is to be predicted: of training, then of validation.\"\"\"
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=$separator)
        names = [name.strip() for name in next(lines)]
        rows = [dict(zip(names, line)) for line in lines if line]
    rows = [row for row in rows if not any(gap(row.get(name)) for name in $needed)]
    $drop
    inputs = torch.tensor([inputs_of(row) for row in rows], dtype=torch.float64).to(torch.float32)
    $read_targets
    train, val = $divide
    return inputs[train], targets[train], inputs[val], targets[val]


def gap(cell: str | None) -> bool:
    \"\"\"Whether a value is missing.\"\"\"
    return cell is None or cell.strip().lower() in GAPS


def number(cell: str | None) -> float | None:
    \"\"\"A cell as a number; None when it is none.\"\"\"
    try:
        value = float(cell or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and not gap(cell) else None


def inputs_of(row: dict[str, str]) -> list[float]:
    \"\"\"A row as numbers.\"\"\"
    found = []
    for name in COLUMNS:
        if name in NUMBERS:
            fill, mean, std = NUMBERS[name]
            value = number(row.get(name))
            found.append(((fill if value is None else value) - mean) / std)
        else:
            word = None if gap(row.get(name)) else row[name].strip()
            found += [float(word == known) for known in WORDS[name]]
    return found
"""
_MISSING = """
def missing(row: dict[str, str], name: str) -> bool:
    \"\"\"Whether a row lacks a value.\"\"\"
    return number(row.get(name)) is None if name in NUMBERS else gap(row.get(name))
"""
_NUMBERS = """
targets = torch.tensor([[float(row[name]) for name in TARGETS] for row in rows], dtype=torch.float64)
means, stds = (torch.tensor(values, dtype=torch.float64) for values in ($means, $stds))
targets = ((targets - means) / stds).to(torch.float32)
"""
_BY_GROUP = """
def split(groups: list[str]) -> tuple[Tensor, Tensor]:
    \"\"\"Indices for training and for validation, with all rows of a group on the same side.\"\"\"
    names = sorted(set(groups))
    numbers = torch.tensor([names.index(name) for name in groups])
    sizes = torch.bincount(numbers, minlength=len(names))
    kept = torch.zeros(len(names), dtype=torch.bool)
    if VALIDATION > 0:
        order = torch.randperm(len(names), generator=generator(SPLIT_SEED, "split", "groups"))
        for group in order[:-1].tolist():  # groups are kept until they hold the share
            kept[group] = True
            if int(sizes[kept].sum()) >= VALIDATION * len(groups):
                break
    chosen = kept[numbers]
    return torch.nonzero(~chosen).flatten(), torch.nonzero(chosen).flatten()
"""
_BY_TIME = """
def split(cells: list[str]) -> tuple[Tensor, Tensor]:
    \"\"\"Indices for training and, later than all of them, for validation. Equal times stay together.\"\"\"
    if VALIDATION == 0:
        return torch.arange(len(cells)), torch.arange(0)
    numbers = [number(cell) for cell in cells]
    times = torch.tensor(numbers if None not in numbers else [seconds(cell) for cell in cells], dtype=torch.float64)
    place = min(len(times) - max(round(len(times) * VALIDATION), 1), len(times) - 1)
    later = times >= times.sort().values[place]
    return torch.nonzero(~later).flatten(), torch.nonzero(later).flatten()


def seconds(cell: str) -> float:
    \"\"\"A date as seconds since 1970, in UTC where none is said.\"\"\"
    found = datetime.fromisoformat(cell.strip())
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).timestamp()
"""


def table(config: Any, source: Source) -> Piece:
    """A table of separated values. Raises RefusedError."""
    path = Path(config.path).expanduser()
    mark = separator(config)
    if source.task.kind == "multi-task":
        what = "a script has no counterpart yet of a table with numbers beside a class"
        raise RefusedError(what, "choose another format", "dataset.more_targets")
    described = source.preprocessing["columns"]
    words = [c for c in described if c["kind"] != "number"]
    names = (target_name(table_reader.read(path), config), *config.more_targets)
    drop = config.missing == "drop"
    split, divide = _division(config, source)
    code = filled(
        _TABLE,
        path=repr(where(config)),
        targets=repr(list(names)),
        classes=f"\nCLASSES = {list(source.task.classes)!r}" if source.task.classes else "",
        gaps=repr(table_reader.GAPS),
        numbers=_listed({c["name"]: (c["fill"], c["mean"], c["std"]) for c in described if c["kind"] == "number"}),
        words=_listed({c["name"]: [*c["words"], *([None] if c["gap"] else [])] for c in words}),
        gap_note=" (None: it is missing)" if any(c["gap"] for c in words) else "",
        columns=repr([c["name"] for c in described]),
        seeded=filled("VALIDATION, SPLIT_SEED = $share, $seed", **shares(config)),
        split=split,
        divide=divide,
        separator=repr(mark),
        needed=repr([*names, *filter(None, (config.group, config.time))]),
        drop="rows = [row for row in rows if not any(missing(row, name) for name in COLUMNS)]" if drop else "",
        read_targets=_targets(source),
    )
    code += "\n\n\n" + filled(_MISSING) if drop else ""
    return Piece(
        code, ("import csv", "import math", *(["from datetime import datetime, timezone"] if config.time else []))
    )


def _listed(entries: dict[str, Any]) -> str:
    """A dictionary as text, a line for each entry."""
    lines = "".join(f"    {name!r}: {value!r},\n" for name, value in entries.items())
    return f"{{\n{lines}}}" if lines else "{}"


def _division(config: Any, source: Source) -> tuple[str, str]:
    """The function that divides the rows, and its call."""
    if config.time:
        return filled(_BY_TIME), f"split([row[{config.time!r}] for row in rows])"
    if config.group:
        return filled(_BY_GROUP), f"split([row[{config.group!r}].strip() for row in rows])"
    by_class = ", targets" if source.task.kind == "classification" and config.split == "per-class" else ""
    return by_share(), f"split(len(targets){by_class})"


def _targets(source: Source) -> str:
    """Lines that read what is to be predicted."""
    task = source.task
    if task.kind == "regression":
        return filled(_NUMBERS, means=list(task.means), stds=list(task.stds))
    if all(table_reader.number(name) is not None for name in task.classes):
        return (
            "known = [float(name) for name in CLASSES]\n"
            "targets = torch.tensor([known.index(float(row[TARGETS[0]])) for row in rows])"
        )
    return "targets = torch.tensor([CLASSES.index(row[TARGETS[0]].strip()) for row in rows])"
