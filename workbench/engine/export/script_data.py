"""How a generated script gets its samples: one piece for each source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.config.run import RunConfig
from workbench.engine.data import table
from workbench.engine.data.source import Source
from workbench.engine.export.piece import Piece, filled
from workbench.engine.failures import RefusedError
from workbench.shipped import shipped

_SPLIT = """
def split(count: int, classes: Tensor | None = None) -> tuple[Tensor, Tensor]:
    \"\"\"Indices for training and for validation. With classes, every class gives the same share.\"\"\"
    if VALIDATION == 0:
        return torch.arange(count), torch.arange(0)
    groups = [torch.arange(count)]
    if classes is not None:
        groups = [torch.nonzero(classes == label).flatten() for label in torch.unique(classes)]
    held = torch.zeros(count, dtype=torch.bool)
    for number, group in enumerate(groups):
        wanted = min(max(round(len(group) * VALIDATION), 1), len(group) - 1)
        order = torch.randperm(len(group), generator=generator(SPLIT_SEED, "split", number))
        held[group[order[: max(wanted, 0)]]] = True
    return torch.nonzero(~held).flatten(), torch.nonzero(held).flatten()
"""

_DIGITS = """
# The handwritten digits that come with the program: 64 pixels from 0 to 16 and the digit, a row each.
DATA = $path
VALIDATION, SPLIT_SEED = $share, $seed


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures, uint8 (n, 1, $size, $size), and what is to be predicted: of training, then of validation.\"\"\"
    with gzip.open(path, "rt", encoding="ascii") as file:
        rows = torch.from_numpy(np.loadtxt(file, delimiter=",", dtype=np.int64))
    pictures, labels = rows[:, :64].to(torch.uint8).view(-1, 1, 8, 8), rows[:, 64].contiguous()
    $enlarge
    train, val = split(len(labels)$by_class)
    targets = labels
    $ink
    return pictures[train], targets[train], pictures[val], targets[val]
"""
_ENLARGE = """
pictures = functional.interpolate(pictures.to(torch.float32), ($size, $size), mode="bilinear").round().to(torch.uint8)
"""
_INK = """
# The second thing to predict: how much ink a picture has, scaled to mean 0 and standard deviation 1.
ink = pictures.to(torch.float32).mean(dim=(1, 2, 3)) / 16
ink = (ink - float(ink[train].mean())) / float(ink[train].std())
targets = torch.stack([labels.to(torch.float32), ink], dim=1)
"""


def _digits(config: Any, source: Source) -> Piece:
    size = config.size
    enlarge = filled(_ENLARGE, size=size) if size != 8 else ""
    code = filled(
        _DIGITS,
        path=repr(str(shipped("digits", "digits.csv.gz"))),
        split=_split(),
        size=size,
        enlarge=enlarge,
        by_class=", labels" if config.split == "per-class" else "",
        ink=filled(_INK) if config.target == "digit-and-ink" else "",
        **_shares(config),
    )
    return Piece(code, ("import gzip", "import numpy as np"))


_FOLDER = """
# Pictures in one folder for each class$given.
DATA = $path
CLASSES = $classes
VALIDATION, SPLIT_SEED = $share, $seed
SUFFIXES = $suffixes


$split


def picture(path: Path) -> Tensor | None:
    \"\"\"A picture as uint8 ($depth, $size, $size): short side resized, centre cropped. None when it cannot be read.\"\"\"
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", ($twice, $twice))
            turned = ImageOps.exif_transpose(opened)
            if turned.mode.startswith(("I", "F")):  # sixteen bits and more become eight
                values = np.asarray(turned, dtype=np.float64)
                most = values.max(initial=0)
                top = 65535.0 if most > 255 else 1.0 if turned.mode == "F" and most <= 1 else 255.0
                turned = Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8))
            elif turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
                turned = turned.convert("RGBA")  # what is transparent becomes white
                turned = Image.alpha_composite(Image.new("RGBA", turned.size, "white"), turned)
            fitted = ImageOps.fit(turned.convert("$mode"), ($size, $size), Image.Resampling.BILINEAR)
    except Exception as error:
        print(f"{path} is left out: {error}")
        return None
    array = np.array(fitted, dtype=np.uint8)
    return torch.from_numpy(array[None] if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1)))


def read_folder(root: Path) -> tuple[Tensor, Tensor]:
    \"\"\"All pictures of a folder, class by class, and the numbers of their classes.\"\"\"
    pictures, labels = [], []
    for number, name in enumerate(CLASSES):
        files = (p for p in (root / name).rglob("*") if p.suffix.lower() in SUFFIXES)
        visible = (p for p in files if not any(part.startswith(".") for part in p.relative_to(root / name).parts))
        for path in sorted(visible):
            found = picture(path)
            if found is not None:
                pictures.append(found)
                labels.append(number)
    return torch.stack(pictures), torch.tensor(labels)


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures and the numbers of their classes: of training, then of validation.\"\"\"
    $load
"""
_FOLDER_SPLIT = """
pictures, labels = read_folder(Path(path))
train, val = split(len(labels)$by_class)
return pictures[train], labels[train], pictures[val], labels[val]
"""
_FOLDER_GIVEN = """
return *read_folder(Path(path) / $train), *read_folder(Path(path) / $val)
"""


def _image_folder(config: Any, source: Source) -> Piece:
    from workbench.engine.data import image_folder

    given = image_folder._given_splits(Path(config.path).expanduser())
    load = filled(_FOLDER_SPLIT, by_class=", labels" if config.split == "per-class" else "")
    if "val" in given:
        load = filled(_FOLDER_GIVEN, train=repr(given["train"].name), val=repr(given["val"].name))
    elif given:
        raise RefusedError(
            "a folder with train and test but without val has no counterpart in a script yet",
            "add a folder val",
            "dataset.path",
        )
    code = filled(
        _FOLDER,
        path=repr(str(Path(config.path).expanduser())),
        classes=repr(list(source.task.classes)),
        given=", divided by hand into training and validation" if given else "",
        suffixes=repr(tuple(sorted(image_folder.SUFFIXES))),
        split=_split(),
        size=config.size,
        twice=config.size * 2,
        depth=source.shape[0],
        mode="RGB" if config.channels == "rgb" else "L",
        load=load,
        **_shares(config),
    )
    return Piece(code, ("from pathlib import Path", "import numpy as np", "from PIL import Image, ImageOps"))


_KNOWN = """
# A set that torchvision knows, in torchvision's own folder.
DATA = $path
VALIDATION, SPLIT_SEED = $share, $seed


$split


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Pictures, uint8 (n, channels, height, width), and the numbers of their classes: of training, then of validation.\"\"\"
    known = torchvision.datasets.$name(path, train=True, download=$download)
    pictures = $pictures
    labels = torch.as_tensor(known.targets)
    train, val = split(len(labels)$by_class)
    return pictures[train], labels[train], pictures[val], labels[val]
"""


def _known(config: Any, source: Source) -> Piece:
    grey = config.name in ("MNIST", "FashionMNIST", "KMNIST")
    if not grey and config.name not in ("CIFAR10", "CIFAR100"):
        raise RefusedError(f"{config.name} has no counterpart in a script yet", "choose another format", "dataset.name")
    colours = "torch.from_numpy(known.data).permute(0, 3, 1, 2).contiguous()"
    code = filled(
        _KNOWN,
        path=repr(str(Path(config.path).expanduser())),
        split=_split(),
        name=config.name,
        download=config.download,
        pictures="known.data[:, None]" if grey else colours,
        by_class=", labels" if config.split == "per-class" else "",
        **_shares(config),
    )
    return Piece(code, ("import torchvision",))


_SINE = """
# A noisy sine wave, cut into windows: from $window values the $horizon that follow are predicted.
DATA = ""


$windows


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Windows (n, $window, 1) and the values that follow (n, $horizon): of training, then of validation.\"\"\"
    draw = torch.Generator().manual_seed($data_seed)
    t = torch.linspace(0, $length, $points)
    values = torch.sin($frequency * t) + $noise * torch.randn($points, generator=draw)
    return windows(values[:, None], 0)
"""
_SERIES = """
# A series in time, one row a step: from $window rows the $horizon values of $target that follow are predicted.
DATA = $path
COLUMNS = $columns


$windows


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Windows (n, $window, columns) and the values that follow (n, $horizon): of training, then of validation.\"\"\"
    with open(path, encoding="utf-8", newline="") as file:
        rows = [[number(row[name]) for name in COLUMNS] for row in csv.DictReader(file)]
    values = torch.tensor(rows, dtype=torch.float64)
    known = torch.isfinite(values)
    complete = known.all(dim=1)
    for row in torch.nonzero(~complete).flatten().tolist():  # a gap is filled with the value before it
        before = values[row - 1] if row else values[complete][0]
        values[row] = torch.where(known[row], values[row], before)
    return windows(values.to(torch.float32), COLUMNS.index($target))


def number(cell: str | None) -> float:
    \"\"\"A cell as a number; an empty one is none.\"\"\"
    return float(cell) if cell and cell.strip() else math.nan
"""
_WINDOWS = """
def windows(values: Tensor, target: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Windows of (rows, columns) and what follows each, split by time: what is predicted was never seen in training.\"\"\"
    window, horizon = $window, $horizon
    span = window + horizon
    count = len(values) - span + 1
    kept = round(count * $share)
    first = count - kept  # the first window of validation
    train_end = max(first - (horizon - 1 if kept else 0), 1)
    known = values[: train_end + span - 1]  # rows that training sees: they alone give mean and deviation
    mean, std = known.mean(dim=0), known.std(dim=0, correction=0)
    scaled = (values - mean) / torch.where(std > 1e-12, std, 1.0)
    inputs = scaled.unfold(0, window, 1)[:count].transpose(1, 2).contiguous()
    ahead = scaled[window:, target].unfold(0, horizon, 1)[:count].contiguous()
    return inputs[:train_end], ahead[:train_end], inputs[first:], ahead[first:]
"""


def _sine(config: Any, source: Source) -> Piece:
    facts = {name: getattr(config, name) for name in ("window", "horizon", "length", "points", "frequency", "noise")}
    windows = filled(_WINDOWS, window=config.window, horizon=config.horizon, share=config.validation)
    return Piece(filled(_SINE, windows=windows, data_seed=config.seed, **facts))


def _series(config: Any, source: Source) -> Piece:
    facts = {"window": config.window, "horizon": config.horizon}
    code = filled(
        _SERIES,
        path=repr(str(Path(config.path).expanduser())),
        columns=repr([column["name"] for column in source.preprocessing["columns"]]),
        target=repr(source.preprocessing["target"]),
        windows=filled(_WINDOWS, share=config.validation, **facts),
        **facts,
    )
    return Piece(code, ("import csv", "import math"))


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


_TEXT = """
# A table of texts and their labels.
DATA = $path
TEXT_COLUMN, LABEL_COLUMN = $text_column, $label_column
CLASSES = $classes
LENGTH = $length  # tokens of a text: longer ones are cut, shorter ones filled up with 0
VALIDATION, SPLIT_SEED = $share, $seed


$split


def learn_tokens(texts: list[str]) -> Tokenizer:
    \"\"\"A byte-level byte-pair encoding, learned from the training texts alone.\"\"\"
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=$vocabulary,
        special_tokens=["[PAD]", "[UNK]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Token ids, int64 (n, $length), and the numbers of the classes: of training, then of validation.\"\"\"
    with open(path, encoding="utf-8-sig", newline="") as file:
        pairs = [(row[TEXT_COLUMN] or "", (row[LABEL_COLUMN] or "").strip()) for row in csv.DictReader(file)]
    pairs = [(text, label) for text, label in pairs if text.strip() and label]
    texts, labels = [text for text, _ in pairs], torch.tensor([CLASSES.index(label) for _, label in pairs])
    train, val = split(len(labels)$by_class)
    tokenizer = learn_tokens([texts[index] for index in train.tolist()])
    tokens = torch.zeros(len(texts), LENGTH, dtype=torch.int64)
    for row, encoding in enumerate(tokenizer.encode_batch(texts)):
        ids = encoding.ids[:LENGTH] or [1]
        tokens[row, : len(ids)] = torch.tensor(ids)
    return tokens[train], labels[train], tokens[val], labels[val]
"""


def _text(config: Any, source: Source) -> Piece:
    columns = source.preview["table"]["columns"]
    code = filled(
        _TEXT,
        path=repr(str(Path(config.path).expanduser())),
        text_column=repr(columns[0]),
        label_column=repr(columns[1]),
        classes=repr(list(source.task.classes)),
        length=config.length,
        split=_split(),
        vocabulary=max(config.vocabulary, 258),
        by_class=", labels" if config.split == "per-class" else "",
        **_shares(config),
    )
    tokens = "from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers"
    return Piece(code, ("import csv", tokens))


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

PIECES: dict[str, Callable[[Any, Source], Piece]] = {
    "digits": _digits,
    "image-folder": _image_folder,
    "torchvision": _known,
    "sine": _sine,
    "series": _series,
    "synthetic": _synthetic,
    "text": _text,
    "table": _table,
}


def piece(config: RunConfig, source: Source) -> Piece:
    """The code that loads what the run was trained on. Raises RefusedError."""
    kind = config.dataset.kind
    if kind not in PIECES:
        raise RefusedError(
            f"a dataset of the kind {kind} has no counterpart in a script yet", "choose another format", "dataset.kind"
        )
    return PIECES[kind](config.dataset, source)


def _split() -> str:
    return filled(_SPLIT)


def _shares(config: Any) -> dict[str, Any]:
    return {"share": config.validation, "seed": config.split_seed}
