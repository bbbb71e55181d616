"""How a generated script gets series and texts."""

from __future__ import annotations

from typing import Any

from workbench.engine.data import table_reader
from workbench.engine.data.dataset import Source
from workbench.engine.export.script.piece import Piece, filled
from workbench.engine.export.script.split import by_share, separator, shares, where
from workbench.engine.runtime.failures import RefusedError

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
GAPS = $gaps  # what stands for a missing value


$windows


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    \"\"\"Windows (n, $window, columns) and the values that follow (n, $horizon): of training, then of validation.\"\"\"
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=$separator)
        names = [name.strip() for name in next(lines)]
        rows = [[number(dict(zip(names, line)).get(name)) for name in COLUMNS] for line in lines if line]
    values = torch.tensor(rows, dtype=torch.float64)
    known = torch.isfinite(values)
    first = torch.stack([column[there][0] for column, there in zip(values.T, known.T)])
    for row in torch.nonzero(~known.all(dim=1)).flatten().tolist():  # a gap is filled with the value before it
        before = values[row - 1] if row else first
        values[row] = torch.where(known[row], values[row], before)
    return windows(values.to(torch.float32), COLUMNS.index($target))


def number(cell: str | None) -> float:
    \"\"\"A cell as a number; an empty one is none.\"\"\"
    return math.nan if cell is None or cell.strip().lower() in GAPS else float(cell)
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


def sine(config: Any, source: Source) -> Piece:
    """A noisy sine wave."""
    facts = {name: getattr(config, name) for name in ("window", "horizon", "length", "points", "frequency", "noise")}
    windows = filled(_WINDOWS, window=config.window, horizon=config.horizon, share=config.validation)
    return Piece(filled(_SINE, windows=windows, data_seed=config.seed, **facts))


def series(config: Any, source: Source) -> Piece:
    """A series in a table of separated values. Raises RefusedError."""
    if config.time:
        what = "a script has no counterpart yet of a time column"
        raise RefusedError(what, "put the rows in their order, or choose another format", "dataset.time")
    facts = {"window": config.window, "horizon": config.horizon}
    code = filled(
        _SERIES,
        path=repr(where(config)),
        columns=repr([column["name"] for column in source.preprocessing["columns"]]),
        target=repr(source.preprocessing["target"]),
        gaps=repr(table_reader.GAPS),
        separator=repr(separator(config)),
        windows=filled(_WINDOWS, share=config.validation, **facts),
        **facts,
    )
    return Piece(code, ("import csv", "import math"))


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
        pairs = [(row[TEXT_COLUMN] or "", (row[LABEL_COLUMN] or "").strip()) for row in csv.DictReader(file, delimiter=$separator)]
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


def text(config: Any, source: Source) -> Piece:
    """Texts in a CSV file."""
    columns = source.preview["table"]["columns"]
    code = filled(
        _TEXT,
        path=repr(where(config)),
        separator=repr(separator(config)),
        text_column=repr(columns[0]),
        label_column=repr(columns[1]),
        classes=repr(list(source.task.classes)),
        length=config.length,
        split=by_share(),
        vocabulary=max(config.vocabulary, 258),
        by_class=", labels" if config.split == "per-class" else "",
        **shares(config),
    )
    tokens = "from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers"
    return Piece(code, ("import csv", tokens))
