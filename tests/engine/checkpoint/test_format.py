"""A checkpoint is written whole or not at all, and nothing but a sound one is opened; nothing in a file is ever run."""

import errno
import io
import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from workbench.config.recipes import start
from workbench.engine.checkpoint import format
from workbench.engine.runtime.failures import RefusedError
from workbench.runs.checkpoints import best, latest, list_checkpoints


def state(step: int = 7) -> Any:
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    return {
        "format": format.FORMAT,
        "config": start("digits-mlp")[1].as_data(),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": {"base": 0.1, "factor": 1.0, "best": -float("inf"), "bad": 0},
        "scaler": {},
        "random": [{"python": random.getstate(), "cpu": torch.get_rng_state()}],
        "position": {"epoch": 1, "batch": 0, "step": step, "seconds": 0.5, "epochs": 3},
        "metrics": {"val": {"loss": float("nan")}},
        "versions": {"torch": str(torch.__version__)},
        "classes": ["a", "b"],
        "preprocessing": {"mean": [0.5]},
    }


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return format.save(tmp_path / "checkpoints", state(), {"epoch": 1, "why": "test"})


class Runs:
    """A pickle that, opened carelessly, writes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.system, (f"touch '{self.mark}'",)


def refusal_text(path: Path) -> str:
    with pytest.raises(RefusedError) as caught:
        format.load(path)
    text = str(caught.value)
    assert str(path) in text
    return text


def test_that_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    wanted = state()
    loaded = format.load(format.save(tmp_path, wanted, {}))
    assert format.checksum(loaded) == format.checksum(wanted)
    assert loaded["config"] == wanted["config"]
    random.setstate((loaded["random"][0]["python"][0], tuple(loaded["random"][0]["python"][1]), None))


def test_that_torch_itself_reads_it_safely(saved: Path) -> None:
    assert torch.load(saved, weights_only=True)["position"]["step"] == 7


def test_that_a_text_file_is_called_one(tmp_path: Path) -> None:
    path = tmp_path / "notes.pt"
    path.write_text("this is no checkpoint")
    assert "a text file" in refusal_text(path)


def test_that_files_of_other_kinds_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    path.write_bytes(b"")
    assert "is empty" in refusal_text(path)
    assert "there is no file" in refusal_text(tmp_path / "missing.pt")
    assert "is not a file" in refusal_text(tmp_path)
    path.write_bytes(bytes(range(256)) * 4)
    assert "another kind" in refusal_text(path)
    torch.save({"weight": torch.ones(2)}, path)
    assert "not a Workbench checkpoint" in refusal_text(path)
    torch.save([1, 2, 3], path)
    assert "not a Workbench checkpoint" in refusal_text(path)


def test_that_code_in_a_pickle_is_never_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    bare = tmp_path / "bare.pt"
    bare.write_bytes(pickle.dumps(Runs(mark)))
    assert "could run code" in refusal_text(bare)
    packed = tmp_path / "packed.pt"
    torch.save({**state(), "config": Runs(mark)}, packed)
    assert "could run code" in refusal_text(packed)
    whole = tmp_path / "whole.pt"
    torch.save(torch.nn.Linear(2, 2), whole)
    assert "could run code" in refusal_text(whole)
    assert not mark.exists()


def test_that_a_file_cut_at_any_length_is_refused(saved: Path, tmp_path: Path) -> None:
    data = saved.read_bytes()
    cut = tmp_path / "cut.pt"
    for length in [1, 2, 3, 10, *random.Random(0).sample(range(len(data)), 60), len(data) - 1]:
        cut.write_bytes(data[:length])
        refusal_text(cut)


def test_that_a_flipped_bit_is_refused_or_harmless(saved: Path, tmp_path: Path) -> None:
    data = saved.read_bytes()
    sound = format.checksum(format.load(saved))
    flipped = tmp_path / "flipped.pt"
    chance = random.Random(1)
    for _ in range(100):
        offset = chance.randrange(len(data))
        flipped.write_bytes(data[:offset] + bytes([data[offset] ^ (1 << chance.randrange(8))]) + data[offset + 1 :])
        try:
            loaded = format.load(flipped)
        except RefusedError:
            continue
        # Bits between the entries of the archive carry nothing: what was read is then what was saved.
        assert format.checksum(loaded) == sound


def test_that_an_archive_that_would_expand_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(50_000_000))
    assert "compressed archive" in refusal_text(path)


def test_that_another_format_is_named(tmp_path: Path) -> None:
    path = tmp_path / "new.pt"
    torch.save({**state(), "format": 99}, path)
    assert "format 99" in refusal_text(path)


def test_that_a_full_disk_leaves_earlier_files_as_they_were(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in saved.parent.iterdir()}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for step in (7, 8):
        with pytest.raises(OSError, match="space"):
            format.save(saved.parent, state(step), {})
    assert {path.name: path.read_bytes() for path in saved.parent.iterdir()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_that_a_disk_that_fills_while_torch_writes_is_an_os_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = torch.save

    def into_full(what: Any, file: Any) -> None:
        with io.FileIO("/dev/full", "w") as full:
            real(what, full)

    monkeypatch.setattr(torch, "save", into_full)
    with pytest.raises(OSError, match="space"):
        format.save(tmp_path, state(), {})
    assert list(tmp_path.iterdir()) == []


def test_that_the_newest_and_the_best_are_kept(tmp_path: Path) -> None:
    for step in range(1, 8):
        format.save(tmp_path, state(step), {"best": step in (2, 3), "value": step / 10})
        format.prune(tmp_path, keep=2, step=step)
    assert [info.step for info in list_checkpoints(tmp_path)] == [3, 6, 7]
    assert best(tmp_path).step == 3  # type: ignore[union-attr]
    assert latest(tmp_path).step == 7  # type: ignore[union-attr]
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 3 + [".pt"] * 3


def test_that_the_one_just_written_stays_where_a_later_one_is_damaged(tmp_path: Path) -> None:
    for step in (9, 3, 4):
        format.save(tmp_path, state(step), {})
        format.prune(tmp_path, keep=1, step=step)
    assert [info.step for info in list_checkpoints(tmp_path)] == [4, 9]


def test_that_a_checkpoint_whose_json_is_lost_is_still_listed(saved: Path) -> None:
    saved.with_suffix(".json").unlink()
    assert [info.step for info in list_checkpoints(saved.parent)] == [7]
