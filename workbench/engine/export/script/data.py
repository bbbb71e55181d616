"""How a script gets its samples: what a source's own functions give instead of a source, and what is known of its files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.config.fields import title_of
from workbench.engine.data import digits, image_folder, series, synthetic, table, table_reader, text
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
    "series": (series.load, {series.load: "source", series._windows: _WINDOWS}),
    "text": (text.load, {text.load: ", ".join(f"tokens[{i}], labels[{i}]" for i in ("chosen[0]", "chosen[1]"))}),
    "table": (
        table.load,
        {
            table.load: "source",
            table._labeled: "[row for row in rows if row not in empty], []",
            table._assemble: ", ".join(f"inputs[{i}], targets[{i}]" for i in ("halves[0]", "halves[1]")),
        },
    ),
    "image-folder": (standalone.load_images, {}),
    "image-csv": (standalone.load_images, {}),
    "torchvision": (standalone.load_known, {}),
}
"""What a source is read with, and what this and what it calls return in a script instead of a source; empty for another's."""
_TABLES = {
    "series": "table_reader.read_with_report(Path(config.path).expanduser(), 1, preprocessing.get('commas', ()))",
    "text": "table_reader.read_with_report(path)",
    "table": "read_with_report(Path(config.path).expanduser(), commas=fitted.get('commas', ()))",
}
"""Where a source reads its table: of a file that is known a script needs less."""


def path_of(config: Any) -> str:
    """The whole path of a source's files, for a script may be started in any folder; empty where it has none."""
    path = str(shipped("digits", "digits.csv.gz")) if config.kind == "digits" else getattr(config, "path", "")
    return str(Path(path).expanduser().resolve()) if path else ""


def piece(config: Any) -> Piece:
    """The functions that load what the run was trained on. Raises RefusedError."""
    if config.kind not in READERS:
        raise _refused(f"the source {title_of(type(config))}", "dataset.kind")
    swaps = {_TABLES[config.kind]: "read_table(config.path), None"} if config.kind in _TABLES else {}
    if config.kind == "digits":
        swaps["shipped('digits', 'digits.csv.gz')"] = "config.path"
    if config.kind == "series":
        swaps["_in_time(frame, config.time)"] = "torch.arange(len(frame)), None"
    if config.kind == "table" and not config.leave_out:
        swaps["[row for row in range(len(frame)) if leave_out.keeps(_row_name(row))]"] = "list(range(len(frame)))"
    return Piece(uses={"load_data": standalone.load_data}, results=READERS[config.kind][1], swaps=swaps)


def facts(config: Any) -> dict[str, Any]:
    """What :mod:`standalone` asks of a source's files. Raises RefusedError for those that it has no lines for."""
    known: dict[str, Any] = {"read": READERS[config.kind][0], "folders": {"train": ""}}
    path = Path(getattr(config, "path", "")).expanduser()
    if getattr(config, "time", "") and config.kind == "series":
        raise _refused("a time column", "dataset.time", "put the rows in their order")
    if config.kind == "torchvision":
        if config.name not in ("MNIST", "FashionMNIST", "KMNIST", "CIFAR10", "CIFAR100"):
            raise _refused(config.name, "dataset.name")
        known["known"] = Code(f"torchvision.datasets.{config.name}")
    if config.kind == "image-folder":
        known["folders"] |= {name: folder.name for name, folder in image_folder.given_splits(path).items()}
    if config.kind in (*_TABLES, "image-csv"):
        known["separator"] = _separator(path)
    if config.kind == "image-csv":
        if config.group:
            raise _refused("images that are split by group", "dataset.group")
        columns = table_reader.read(path).columns
        known |= {"image": config.image_column or columns[0], "label": config.label_column or columns[-1]}
    return known


def _separator(path: Path) -> str:
    """What divides the cells of a table. Raises RefusedError for a table without lines, and for one that is not plain."""
    mark = table_reader.separator_of(path)
    if mark is None:
        raise _refused("Parquet files", "dataset.path", "save the table as CSV")
    findings = table_reader.read_with_report(path, least=1)[1].findings
    if findings:
        what = f"this: {'; '.join(finding.text for finding in findings)}"
        raise _refused(what, "dataset.path", "save the table in UTF-8 with decimal points")
    return mark


def _refused(what: str, setting: str, hint: str = "") -> RefusedError:
    other = "choose another format"
    return RefusedError(f"a script has no counterpart yet of {what}", f"{hint}, or {other}" if hint else other, setting)
