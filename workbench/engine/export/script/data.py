"""How a generated script gets its samples: one piece for each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.config.fields import title_of
from workbench.config.run import RunConfig
from workbench.engine.data import digits, image_files, images, series, synthetic, table, table_reader, text
from workbench.engine.data.dataset import Source
from workbench.engine.data.split import split
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script.template import filled
from workbench.engine.runtime.failures import RefusedError
from workbench.shipped import shipped

_LOAD = """
def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Samples and what is to be predicted of them: of training, then of validation.\"\"\"
    settings = Settings()
    $path
    return read_samples(settings)
"""
_DIVIDED = "inputs[train], targets[train], inputs[val], targets[val]"


def _lifted(config: Any, load: Callable[..., Any], result: str, path: bool = True, **more: Any) -> Piece:
    """The function that the program itself loads with. ``result``: what it returns instead of a source; empty where it calls
    another that does."""
    uses = {"read_samples": load, "Settings": type(config), **more.pop("uses", {})}
    code = more.pop("code", "") + filled(_LOAD, path="settings.path = path" if path else "")
    fields = {f"{type(config).__name__}.path": "DATA"} if path else {}
    return Piece(code, uses=uses, results={load: result, **more.pop("results", {})}, fields=fields, **more)


def _digits(config: Any, source: Source) -> Piece:
    result = _DIVIDED.replace("inputs", "images")
    return _lifted(config, digits.load, result, swaps={"shipped('digits', 'digits.csv.gz')": "config.path"})


def _synthetic(config: Any, source: Source) -> Piece:
    return _lifted(config, synthetic.load, _DIVIDED, path=False)


_WINDOWS = "inputs[:train_end], ahead[:train_end], inputs[first:], ahead[first:]"


def _sine(config: Any, source: Source) -> Piece:
    return _lifted(config, series.load_sine, "", path=False, results={series._windows: _WINDOWS})


_TABLE = """
def read_table(path: str) -> pl.DataFrame:
    \"\"\"A table of separated values, every cell as text.\"\"\"
    frame = cells(Path(path).read_text(encoding="utf-8-sig"), $separator)
    return frame.rename({name: name.strip() for name in frame.columns})


"""


def _table_code(config: Any) -> dict[str, Any]:
    """What reads a source's table. Raises RefusedError for a table without lines, and one that is not plain."""
    path = Path(config.path).expanduser()
    mark = table_reader.separator_of(path)
    if mark is None:
        what = "a script has no counterpart yet of Parquet files"
        raise RefusedError(what, "save the table as CSV, or choose another format", "dataset.path")
    findings = table_reader.read_with_report(path, least=1)[1].findings
    if findings:
        what = f"a script has no counterpart yet of this: {'; '.join(finding.text for finding in findings)}"
        raise RefusedError(
            what, "save the table in UTF-8 with decimal points, or choose another format", "dataset.path"
        )
    code = filled(_TABLE, separator=repr(mark))
    return {"code": f"{code}\n\n\n", "uses": {"cells": table_reader.cells}, "imports": ("import polars as pl",)}


def _series(config: Any, source: Source) -> Piece:
    if config.time:
        what = "a script has no counterpart yet of a time column"
        raise RefusedError(what, "put the rows in their order, or choose another format", "dataset.time")
    read = "table_reader.read_with_report(Path(config.path).expanduser(), 1, preprocessing.get('commas', ()))"
    swaps = {read: "read_table(config.path), None", "_in_time(frame, config.time)": "torch.arange(len(frame)), None"}
    return _lifted(
        config, series.load, "source", results={series._windows: _WINDOWS}, swaps=swaps, **_table_code(config)
    )


def _text(config: Any, source: Source) -> Piece:
    result = "tokens[chosen[0]], labels[chosen[0]], tokens[chosen[1]], labels[chosen[1]]"
    swaps = {"table_reader.read_with_report(path)": "read_table(config.path), None"}
    return _lifted(config, text.load, result, swaps=swaps, **_table_code(config))


def _table(config: Any, source: Source) -> Piece:
    read = "read_with_report(Path(config.path).expanduser(), commas=fitted.get('commas', ()))"
    swaps = {read: "read_table(config.path), None"}
    if not config.leave_out:
        swaps["[row for row in range(len(frame)) if leave_out.keeps(_row_name(row))]"] = "list(range(len(frame)))"
    results = {
        table._labeled: "[row for row in rows if row not in empty], []",
        table._assemble: "inputs[halves[0]], targets[halves[0]], inputs[halves[1]], targets[halves[1]]",
    }
    return _lifted(config, table.load, "source", results=results, swaps=swaps, **_table_code(config))


_IMAGES = """
CLASSES = $classes


def read_images(files: list[tuple[Path, int]], settings: Settings) -> tuple[Tensor, Tensor]:
    \"\"\"All images that can be read, uint8 (n, channels, height, width), and the numbers of their classes.\"\"\"
    inputs, labels = [], []
    for path, label in files:
        try:
            inputs.append(decode(path, $form))
        except Exception as error:
            print(f"{path} is left out: {error}")
        else:
            labels.append(label)
    return torch.stack(inputs), torch.tensor(labels)


$before
def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Images and the numbers of their classes: of training, then of validation.\"\"\"
    settings = Settings()
    $files
    inputs, targets = read_images(files, settings)
    $divide
"""
_DIVIDE = """
train, val = split(len(targets), $classes, settings.validation, settings.split_seed)
return inputs[train], targets[train], inputs[val], targets[val]
"""
_GIVEN = "return inputs, targets, *read_images(image_files(Path(path) / $val, CLASSES), settings)"
_NAMED = """
frame = read_table(path)
rows = zip(frame[$image].to_list(), frame[$label].to_list())
named = [(Path(path).parent / Path(name.strip()).expanduser(), word.strip()) for name, word in rows if name and word]
files = [(file, CLASSES.index(word)) for file, word in named]
"""


def _images(config: Any, source: Source, files: str, divide: str, before: str = "", **more: Any) -> Piece:
    if "scales" in source.preprocessing:
        what = "a script has no counterpart yet of images with more than 8 bits a pixel"
        raise RefusedError(what, "save the images with 8 bits, or choose another format", "dataset.path")
    form = images.form_of(source.preprocessing)
    code = f"ImageForm({form.width}, {form.height}, {form.channels!r}, {form.fit!r}, {form.frame!r})"
    uses = {
        "decode": images.decode,
        "ImageForm": images.ImageForm,
        "split": split,
        "Settings": type(config),
        "image_files": image_files.image_files,
        **more.pop("uses", {}),
    }
    classes = list(source.task.classes)
    text = filled(_IMAGES, classes=classes, files=files, divide=divide, before=before, form=code)
    return Piece(text, uses=uses, **more)


def _divide(config: Any) -> str:
    return filled(_DIVIDE, classes="targets" if config.split == "per-class" else "None")


def _image_folder(config: Any, source: Source) -> Piece:
    if config.case == "same":
        what = "a script has no counterpart yet of classes that are the same in upper and lower case"
        raise RefusedError(what, "give the folders of a class one name, or choose another format", "dataset.case")
    given = image_files.given_splits(Path(config.path).expanduser())
    train = f" / {given['train'].name!r}" if given else ""
    divide = filled(_GIVEN, val=repr(given["val"].name)) if "val" in given else _divide(config)
    return _images(config, source, f"files = image_files(Path(path){train}, CLASSES)", divide)


def _image_csv(config: Any, source: Source) -> Piece:
    if config.group:
        what = "a script has no counterpart yet of images that are split by group"
        raise RefusedError(what, "choose another format", "dataset.group")
    more = _table_code(config)
    columns = table_reader.read(Path(config.path).expanduser()).columns
    image, label = config.image_column or columns[0], config.label_column or columns[-1]
    return _images(
        config, source, filled(_NAMED, image=repr(image), label=repr(label)), _divide(config), more.pop("code"), **more
    )


_KNOWN = """
def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Images, uint8 (n, channels, height, width), and the numbers of their classes: of training, then of validation.\"\"\"
    settings = Settings()
    known = torchvision.datasets.$name(path, train=True, download=settings.download)
    inputs, targets = $inputs, torch.as_tensor(known.targets)
    $divide
"""


def _known(config: Any, source: Source) -> Piece:
    grey = config.name in ("MNIST", "FashionMNIST", "KMNIST")
    if not grey and config.name not in ("CIFAR10", "CIFAR100"):
        raise RefusedError(f"a script has no counterpart yet of {config.name}", "choose another format", "dataset.name")
    inputs = "known.data[:, None]" if grey else "torch.from_numpy(known.data).permute(0, 3, 1, 2).contiguous()"
    code = filled(_KNOWN, name=config.name, inputs=inputs, divide=_divide(config))
    return Piece(code, ("import torchvision",), {"split": split, "Settings": type(config)})


PIECES: dict[str, Callable[[Any, Source], Piece]] = {
    "digits": _digits,
    "image-folder": _image_folder,
    "image-csv": _image_csv,
    "torchvision": _known,
    "sine": _sine,
    "series": _series,
    "synthetic": _synthetic,
    "text": _text,
    "table": _table,
}


def pieces(config: RunConfig, source: Source) -> list[Piece]:
    """Where the samples are, and the code that loads what the run was trained on. Raises RefusedError."""
    section = config.dataset
    if section.kind not in PIECES:
        what = f"a script has no counterpart yet of the source {title_of(type(section))}"
        raise RefusedError(what, "choose another format", "dataset.kind")
    path = str(shipped("digits", "digits.csv.gz")) if section.kind == "digits" else getattr(section, "path", "")
    # A script may be started in any folder.
    whole = str(Path(path).expanduser().resolve()) if path else ""
    return [Piece(f"DATA = {whole!r}"), PIECES[section.kind](section, source)]
