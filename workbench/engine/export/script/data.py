"""How a script gets its samples: what a source's own functions give instead of a source, and what is known of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.config.fields import title_of
from workbench.engine.data import digits, image_files, series, synthetic
from workbench.engine.data.dataset import Source
from workbench.engine.data.images import form_of
from workbench.engine.data.tables.file import TableFile, open_table
from workbench.engine.export.lifting.folding import Code
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script import standalone
from workbench.engine.runtime.failures import RefusedError
from workbench.shipped import shipped

_DIVIDED = "inputs[train], targets[train], inputs[val], targets[val]"
_WINDOWS = "inputs[:train_end], ahead[:train_end], inputs[first:], ahead[first:]"
Results = dict[Callable[..., Any], str]
READERS: dict[str, tuple[Callable[..., Any], Results]] = {
    "digits": (digits.load, {digits.load: _DIVIDED.replace("inputs", "images")}),
    "synthetic": (synthetic.load, {synthetic.load: _DIVIDED}),
    "sine": (series.load_sine, {series.load_sine: "", series._windows: _WINDOWS}),
    "series": (standalone.load_series, {series._windows: _WINDOWS}),
    "text": (standalone.load_text, {}),
    "table": (standalone.load_table, {}),
    "image-folder": (standalone.load_images, {}),
    "image-csv": (standalone.load_images, {}),
    "torchvision": (standalone.load_known, {}),
}
"""What a source is read with, and what this and what it calls return in a script instead of a source; empty for another's."""
_FORM = ("width", "height", "channels", "fit", "frame")
"""What of an image's form a script needs: its images have 8 bits."""
_TABLES = ("series", "text", "table", "image-csv")
"""Sources that are read from a table in a file."""


def path_of(config: Any) -> str:
    """The whole path of a source's files, for a script may be started in any folder; empty where it has none."""
    path = str(shipped("digits", "digits.csv.gz")) if config.kind == "digits" else getattr(config, "path", "")
    return str(Path(path).expanduser().resolve()) if path else ""


def piece(config: Any) -> Piece:
    """The functions that load what the run was trained on. Raises RefusedError."""
    if config.kind not in READERS:
        raise _refused(f"the source {title_of(type(config))}", "dataset.kind")
    swaps = {"shipped('digits', 'digits.csv.gz')": "config.path"} if config.kind == "digits" else {}
    return Piece(uses={"load_data": standalone.load_data}, results=READERS[config.kind][1], swaps=swaps)


def facts(config: Any, source: Source) -> dict[str, Any]:
    """What :mod:`standalone` asks of a source's files. Raises RefusedError for those that it has no lines for."""
    known: dict[str, Any] = {"read": READERS[config.kind][0], "folders": {"train": ""}, "columns": []}
    path = Path(getattr(config, "path", "")).expanduser()
    if config.kind == "torchvision":
        if config.name not in ("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100"):
            raise _refused(config.name, "dataset.name")
        known["known"] = Code(f"torchvision.datasets.{config.name}")
    if config.kind == "image-folder":
        if config.case == "same":
            cure = "give the folders of a class one name"
            raise _refused("classes that are the same in upper and lower case", "dataset.case", cure)
        known["folders"] |= {name: folder.name for name, folder in image_files.given_splits(path).items()}
    if config.kind in ("image-folder", "image-csv"):
        if "scales" in source.preprocessing:
            raise _refused("images with more than 8 bits a pixel", "dataset.path", "save the images with 8 bits")
        known |= {name: getattr(form_of(source.preprocessing), name) for name in _FORM}
    if config.kind in _TABLES:
        table = _plain_table(path, source)
        known["separator"] = table.reading.separator
        known |= {"table": _table, "series": _series}.get(config.kind, _named)(config, source, table)
    return known


def _named(config: Any, source: Source, table: TableFile) -> dict[str, Any]:
    """The columns of texts or images, and of their classes."""
    if getattr(config, "group", ""):
        raise _refused("images that are split by group", "dataset.group")
    first = "image" if config.kind == "image-csv" else "text"
    names = getattr(config, f"{first}_column") or table.names[0], config.label_column or table.names[-1]
    return {first: names[0], "label": names[1]}


def _series(config: Any, source: Source, table: TableFile) -> dict[str, Any]:
    """The columns of a series as they stand in its table."""
    for setting, what in (("time", "a time column"), ("series_column", "several series in one table")):
        if getattr(config, setting):
            raise _refused(what, f"dataset.{setting}", "put the rows in their order")
    names = [column["name"] for column in source.preprocessing["columns"]]
    return {"names": names, "target": names.index(source.preprocessing["target"])}


def _table(config: Any, source: Source, table: TableFile) -> dict[str, Any]:
    """What is needed of a table: its inputs as the model keeps them, and the columns that are no inputs."""
    described, targets = source.preprocessing["columns"], source.preprocessing["target"]["columns"]
    if config.leave_out:
        raise _refused("rows that are left out by name", "dataset.leave_out")
    if any(column["kind"] == "date" for column in described):
        raise _refused("dates as inputs", "dataset.dates")
    keys = [name for name in (config.time, config.group) if name]
    dates = next((column.kind == "date" for column in source.columns if column.name == config.time), False)
    return {
        "columns": described,
        "needed": [*targets, *keys],
        "classes": targets[0],
        "numbers": targets[1:] if source.task.has_classes else targets,
        "dates": dates,
    }


def _plain_table(path: Path, source: Source) -> TableFile:
    """A table that is read as it stands. Raises RefusedError for one without lines, and for one that is not plain."""
    table = open_table(path, least=1)
    if table.reading.format != "csv":
        raise _refused(f"{table.reading.format.title()} files", "dataset.path", "save the table as CSV")
    told = [finding.text for finding in table.findings]
    told += [f"a header in line {table.reading.header_line}"] if table.reading.header_line != 1 else []
    told += ["columns without a name"] if table.nameless else []
    for column in source.columns:
        used = column.role != "left out"
        if used and (column.decimal == "," or column.thousands or column.unit or column.misfits):
            told.append(f"the numbers of {column.name}, which are not written as programs write them")
    if told:
        cure = "save the table in UTF-8 with plain numbers and a header"
        raise _refused(f"this: {'; '.join(told)}", "dataset.path", cure)
    return table


def _refused(what: str, setting: str, hint: str = "") -> RefusedError:
    other = "choose another format"
    return RefusedError(f"a script has no counterpart yet of {what}", f"{hint}, or {other}" if hint else other, setting)
