"""The list of checkpoints, read without torch."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.runs import checkpoints
from workbench.runs.checkpoints import file_name, list_checkpoints


def save(folder: Path, step: int, **told: Any) -> Path:
    path = folder / file_name(step)
    path.write_bytes(b"")
    path.with_suffix(".json").write_text(json.dumps({"step": step, **told}))
    return path


def test_that_checkpoints_are_listed_by_step_with_what_is_told_of_them(tmp_path: Path) -> None:
    metrics = {"val": {"accuracy": 0.9}}
    late = save(tmp_path, 100_000_000, epoch=9, why="stop", value=0.9, best=True, metrics=metrics, time=5.0)
    save(tmp_path, 20, epoch=1, why="epoch")
    found = list_checkpoints(tmp_path)
    assert [info.step for info in found] == [20, 100_000_000]
    assert found[1] == checkpoints.CheckpointInfo(late, 100_000_000, 9, "stop", 5.0, 0.9, True, metrics)
    assert found[0].value is None


def test_that_the_best_is_the_newest_of_those_that_were_the_best(tmp_path: Path) -> None:
    for step, good in ((10, True), (20, True), (30, False)):
        save(tmp_path, step, best=good)
    best, latest = checkpoints.best(tmp_path), checkpoints.latest(tmp_path)
    assert best is not None
    assert latest is not None
    assert (best.step, latest.step) == (20, 30)


def test_that_a_checkpoint_whose_json_was_lost_is_still_listed(tmp_path: Path) -> None:
    save(tmp_path, 10).with_suffix(".json").unlink()
    assert [info.step for info in list_checkpoints(tmp_path)] == [10]


def test_that_unfinished_and_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    for name in ("step-00000010.pt.tmp", "step-00000010.json", "step-x.pt", "model.pt", "a-step-00000010.pt"):
        (tmp_path / name).write_bytes(b"")
    assert list_checkpoints(tmp_path) == []
    assert list_checkpoints(tmp_path / "none") == []
    assert checkpoints.latest(tmp_path) is None
    assert checkpoints.best(tmp_path) is None


_ANY = st.recursive(st.none() | st.floats() | st.text(max_size=3) | st.integers(), st.lists, max_leaves=3)
_KEYS = ("epoch", "why", "time", "value", "best", "metrics")


@given(st.dictionaries(st.sampled_from(_KEYS), _ANY))
@example({"epoch": "x", "metrics": [1], "time": float("inf")})
def test_that_a_damaged_json_costs_its_words_alone(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("checkpoints")
    save(folder, 7, **told)
    assert [info.step for info in list_checkpoints(folder)] == [7]
