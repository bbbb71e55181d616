"""Evaluations in the folder of a run: those of this version and of earlier ones."""

from __future__ import annotations

import json
import math
from pathlib import Path

from workbench.config.run import RunConfig
from workbench.runs.evaluations import evaluation_file, keep_evaluation, read_evaluation
from workbench.runs.folder import create
from workbench.runs.service.evaluation import EvaluatedSample, Evaluation

EARLIER = {
    "split": "val",
    "task": "classification",
    "metrics": {"loss": None, "accuracy": 0.75, "samples": 20},
    "classes": ["a", "b"],
    "samples": 20,
    "confusion": [[9, 1], [4, 6]],
    "per_class": [{"name": "a", "precision": 0.7, "recall": None, "f1": 0.5, "samples": 10}],
    "cells": [[0, 1, [3, 4]]],
    "worst": [{"index": 3, "what": "digit 3", "loss": 5.0, "truth": "a", "guess": "b", "text": "0, 1 …"}],
    "a field of another version": 1,
}


def test_that_an_evaluation_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text(json.dumps(EARLIER), encoding="utf-8")
    read = read_evaluation(tmp_path / "old.json")
    assert math.isnan(read.metrics["loss"])
    assert read.per_class is not None
    assert math.isnan(read.per_class[0].recall)
    assert read.cells == ((0, 1, (3, 4)),)
    assert (read.worst[0].label, read.worst[0].prediction) == ("a", "b")
    assert (read.checkpoint, read.residuals, read.worst[0].thumbnail) == ("", None, None)


def test_that_an_evaluation_is_kept_in_its_run_and_nowhere_else(tmp_path: Path) -> None:
    run = create(RunConfig(), "measured", tmp_path)
    checkpoint = run.checkpoints / "step-00000020.pt"
    sample = EvaluatedSample(index=1, what="one", label="a", prediction="b", loss=math.inf)
    evaluation = Evaluation(split="val", metrics={"loss": 0.5}, checkpoint=str(checkpoint), worst=(sample,))
    kept = keep_evaluation(evaluation)
    assert kept.file == str(evaluation_file(run, checkpoint, "val"))
    assert kept.run == str(run.path)
    written = json.loads(Path(kept.file).read_text(encoding="utf-8"))
    assert written["worst"] == [{"index": 1, "what": "one", "truth": "a", "guess": "b"} | {"loss": None}]
    assert read_evaluation(Path(kept.file)).metrics == {"loss": 0.5}
    alone = evaluation.model_copy(update={"checkpoint": str(tmp_path / "model.pt")})
    assert keep_evaluation(alone) == alone
    assert [path.name for path in tmp_path.iterdir()] == [run.path.name]
