"""How a generated script gets rows of numbers: tables, and samples from a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.engine.data.source import Source
from workbench.engine.export.piece import Piece, filled

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
        inputs = (torch.rand($samples, 1, generator=draw) * 2 - 1) * $reach
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


def _synthetic(config: Any, source: Source) -> Piece:
    names = ("slope", "intercept", "noise", "samples", "reach", "classes", "features")
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
        split=_split(),
        data_seed=config.seed,
        by_class=by_class,
        **_shares(config),
    )
    return Piece(code, ("import math",))


_TABLE = """
# A table: one row a sample.
DATA = $path
TARGET = $target
$classes
VALIDATION, SPLIT_SEED = $share, $seed
GAPS = $gaps  # what stands for a missing value
# How each column becomes inputs; the figures are of the training rows. A number: what fills a gap, mean, deviation.
NUMBERS = {
    $numbers
}
# A word: a column of 0 and 1 for each of these$gap_note.
WORDS = {
    $words
}
COLUMNS = $columns


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Inputs, float32 (n, inputs), and what is to be predicted: of training, then of validation.\"\"\"
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=$separator)
        names = [name.strip() for name in next(lines)]
        rows = [dict(zip(names, line)) for line in lines if line]
    rows = [row for row in rows if not gap(row.get(TARGET))$drop]
    inputs = torch.tensor([inputs_of(row) for row in rows], dtype=torch.float64).to(torch.float32)
    $targets
    train, val = split(len(targets)$by_class)
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


def _table(config: Any, source: Source) -> Piece:
    described = source.preprocessing["columns"]
    path, target = Path(config.path).expanduser(), source.preprocessing["target"]
    numbers = [c for c in described if c["kind"] == "number"]
    words = [c for c in described if c["kind"] != "number"]
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        separator = table._separator(file.read(65536))
    task = source.task
    if task.kind == "classification":
        plain = "targets = torch.tensor([CLASSES.index(row[TARGET].strip()) for row in rows])"
        numeric = "targets = torch.tensor([[float(c) for c in CLASSES].index(float(row[TARGET])) for row in rows])"
        targets = numeric if all(table._number(name) is not None for name in task.classes) else plain
    else:
        targets = (
            "targets = torch.tensor([float(row[TARGET]) for row in rows], dtype=torch.float64)[:, None]\n"
            f"targets = ((targets - {task.mean!r}) / {task.std!r}).to(torch.float32)"
        )
    by_class = ", targets" if task.kind == "classification" and config.split == "per-class" else ""
    code = filled(
        _TABLE,
        path=repr(str(path)),
        target=repr(target["name"]),
        classes=f"CLASSES = {list(task.classes)!r}" if task.classes else "",
        gaps=repr(table.GAPS),
        numbers="\n".join(f"{c['name']!r}: ({c['fill']!r}, {c['mean']!r}, {c['std']!r})," for c in numbers),
        words="\n".join(f"{c['name']!r}: {[*c['words'], *([None] if c['gap'] else [])]!r}," for c in words),
        gap_note=" (None: it is missing)" if any(c["gap"] for c in words) else "",
        columns=repr([c["name"] for c in described]),
        separator=repr(separator),
        drop=" and not any(missing(row, name) for name in COLUMNS)" if config.missing == "drop" else "",
        targets=targets,
        split=_split(),
        by_class=by_class,
        **_shares(config),
    )
    if config.missing == "drop":
        code += filled(_MISSING)
    return Piece(code, ("import csv", "import math"))


_MISSING = """



def missing(row: dict[str, str], name: str) -> bool:
    \"\"\"Whether a row lacks a value.\"\"\"
    return number(row.get(name)) is None if name in NUMBERS else gap(row.get(name))
"""

