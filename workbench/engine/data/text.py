"""Texts and their labels: tokens by byte-pair encoding, learned from the training texts alone."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from workbench.config.dataset import Text
from workbench.engine.data.dataset import LeftOut, Progress, Source, TaskSpec, TensorSplit
from workbench.engine.data.report import warning
from workbench.engine.data.split import split
from workbench.engine.data.tables.file import open_table, options_of
from workbench.engine.data.tables.roles import require
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.service.data_report import Finding

PADDING, UNKNOWN = 0, 1
PREVIEW_ROWS = 50


def load(config: Text, progress: Progress, learned: Source | None = None) -> Source:
    """Token ids, int64 (n, length), padded with 0. Raises RefusedError."""
    progress("reading the texts", None)
    path = Path(config.path).expanduser()
    table = open_table(path, options_of(config))
    frame = table.whole().cells
    text_column, label_column = config.text_column or frame.columns[0], config.label_column or frame.columns[-1]
    for name, setting in ((text_column, "dataset.text_column"), (label_column, "dataset.label_column")):
        require(table.names, name, setting)
    if text_column == label_column:
        raise RefusedError(
            "texts and labels are the same column", "choose two different columns", "dataset.label_column"
        )
    pairs = list(zip(frame[text_column].to_list(), frame[label_column].to_list(), strict=True))
    rows = [row for row, (text, label) in enumerate(pairs) if (text or "").strip() and (label or "").strip()]
    left_out = tuple(LeftOut(f"row {row + 2}", "no text or no label") for row in sorted({*range(len(pairs))} - {*rows}))
    texts, label_names = [str(pairs[row][0]) for row in rows], [str(pairs[row][1]).strip() for row in rows]
    classes = tuple(sorted(set(label_names)))
    if len(classes) < 2:
        what = f"{path} has {len(classes)} different labels, and at least two are needed"
        raise RefusedError(what, "choose another label column", "dataset.label_column")
    labels = torch.tensor([classes.index(name) for name in label_names])
    chosen = split(len(rows), labels if config.split == "per-class" else None, config.validation, config.split_seed)
    progress("learning the vocabulary" if learned is None else "counting the tokens", None)
    training = [texts[index] for index in chosen[0].tolist()]
    tokenizer = learn(training, config.vocabulary) if learned is None else tokenizer_from(learned.preprocessing)
    tokens, cut = encode(tokenizer, texts, config.length)
    names = tuple(text[:60] for text in texts)
    train, val = (TensorSplit(tokens[i], labels[i], "text", tuple(names[k] for k in i.tolist())) for i in chosen)
    preview = {
        "columns": [text_column, label_column],
        "rows": [[texts[i], label_names[i]] for i in range(min(len(rows), PREVIEW_ROWS))],
    }
    return Source(
        task=TaskSpec("classification", classes),
        shape=(config.length,),
        train=train,
        val=val,
        vocabulary=tokenizer.get_vocab_size(),
        preprocessing={
            "kind": "text",
            "tokenizer": tokenizer.to_str(),
            "length": config.length,
            "column": text_column,
        },
        left_out=(*table.left_out, *left_out),
        unit="row",
        findings=(*table.findings, *_cut_findings(cut, config.length)),
        reading=table.reading,
        stamp=table.stamp,
        preview={"table": preview},
    )


def _cut_findings(cut: int, length: int) -> tuple[Finding, ...]:
    text = f"{cut:,} texts are longer than {length} tokens and are truncated"
    return (warning(text, "dataset.length", "choose a longer sequence length"),) if cut else ()


def learn(texts: list[str], vocabulary: int) -> Tokenizer:
    """A byte-level byte-pair encoding of at most about ``vocabulary`` tokens; any text can be encoded with it."""
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=max(vocabulary, 258),
        special_tokens=["[PAD]", "[UNK]"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, texts: list[str], length: int) -> tuple[Tensor, int]:
    """Token ids (n, length), int64, and how many texts had to be cut."""
    token_ids = torch.full((len(texts), length), PADDING, dtype=torch.int64)
    cut = 0
    for row, encoding in enumerate(tokenizer.encode_batch(texts)):
        ids = encoding.ids[:length] or [UNKNOWN]
        cut += len(encoding.ids) > length
        token_ids[row, : len(ids)] = torch.tensor(ids)
    return token_ids, cut


def tokenizer_from(preprocessing: dict[str, object]) -> Tokenizer:
    """The tokenizer that a checkpoint carries."""
    return Tokenizer.from_str(json.dumps(json.loads(str(preprocessing["tokenizer"]))))
