"""Series are never shuffled across the cut; texts are tokens by a vocabulary of the training texts alone."""

from pathlib import Path

import pytest
import torch

from workbench.config import files
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data import text
from workbench.engine.data.dataset import Source, TensorSplit
from workbench.engine.runtime.failures import RefusedError


def load(kind: str, **changes: object) -> Source:
    values = {
        "dataset.kind": kind,
        "model.kind": "lstm",
        **{f"dataset.{name}": value for name, value in changes.items()},
    }
    return data.load(files.change(RunConfig(), values).dataset)


def inputs(split: object) -> torch.Tensor:
    assert isinstance(split, TensorSplit)
    return split.inputs


def test_that_the_sine_of_the_guide_has_950_windows() -> None:
    source = load("sine")
    assert len(source.train) + len(source.val) == 950
    assert source.shape == (50, 1)
    assert source.task.kind == "regression"
    known = torch.cat([inputs(source.train)[0, :, 0], source.train.targets[:, 0]])
    assert known.mean().abs() < 1e-5
    assert 0 < source.preprocessing["naive_mae"] < 1
    assert any("repeats the last value" in note for note in source.notes)


def test_that_no_value_predicted_in_validation_was_seen_in_training() -> None:
    for horizon in (1, 5):
        source = load("sine", noise=0.0, frequency=0.001, horizon=horizon)
        last_trained = float(source.train.targets.max())
        assert float(source.val.targets.min()) > last_trained
        assert float(source.val.targets[0, 0]) > last_trained


def test_that_scaling_is_of_the_training_part_and_metrics_are_in_the_own_unit(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    rows = [f"{n},{n * 2.0}" for n in range(80)] + [f"{n},1000" for n in range(80, 100)]
    path.write_text("a,b\n" + "\n".join(rows))
    source = load("series", path=str(path), window=5, target="b")
    assert source.shape == (5, 2)
    assert source.task.means[0] < 200
    back = source.task.in_own_units(source.val.targets)
    torch.testing.assert_close(back[-1], torch.tensor([1000.0], dtype=torch.float64))


def test_that_gaps_are_filled_and_what_cannot_be_a_series_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    path.write_text("when,y\n" + "".join(f"d{n},{'' if n in (0, 5) else n}\n" for n in range(40)))
    source = load("series", path=str(path), window=4)
    assert any("2 rows with missing values" in note for note in source.notes)
    assert bool(torch.isfinite(inputs(source.train)).all())
    for changes, words in (({"window": 60}, "too few"), ({"target": "when"}, "no numeric column")):
        with pytest.raises(RefusedError, match=words):
            load("series", path=str(path), **changes)
    with pytest.raises(RefusedError, match="there is no file"):
        load("series", path=str(tmp_path / "none.csv"))


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    lines = [f'"a good, warm day {n}",fine' for n in range(20)] + [f"a bad cold night {n},poor" for n in range(20)]
    path.write_text("text,label\n" + "\n".join(lines) + "\n,fine\n나쁜 밤,poor\n", encoding="utf-8")
    return path


def test_that_texts_are_token_ids_padded_with_zero(texts: Path) -> None:
    source = load("text", path=str(texts), vocabulary=300, length=16)
    tokens = inputs(source.train)
    assert tokens.dtype == torch.int64
    assert tokens.shape[1:] == source.shape == (16,)
    assert int(tokens.max()) < source.vocabulary <= 300
    assert bool((tokens == 0).any())
    assert source.task.classes == ("fine", "poor")
    assert [sample.what for sample in source.left_out] == ["row 42"]
    assert source.scaling.on(torch.device("cpu"), 2)(tokens).dtype == torch.int64


def test_that_the_tokenizer_is_kept_and_knows_the_training_texts_only(texts: Path) -> None:
    source = load("text", path=str(texts), vocabulary=300, length=16)
    tokenizer = text.tokenizer_from(source.preprocessing)
    again, _ = text.encode(tokenizer, ["a good, warm day 3"], 16)
    assert "good" in tokenizer.decode([int(token) for token in again[0] if token])
    assert isinstance(source.train, TensorSplit)
    train = list(source.train.names)
    assert text.learn(train, 300).to_str() == source.preprocessing["tokenizer"]


def test_that_what_is_no_text_table_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    for content, words in (
        ("text\na\n", "one column"),
        ("text,label\na,x\nb,x\n", "1 different labels"),
        ("", "is empty"),
    ):
        path.write_text(content)
        with pytest.raises(RefusedError, match=words):
            load("text", path=str(path))


def test_that_a_gap_in_a_column_leaves_it_a_column_of_numbers_and_what_is_left_off_is_said(tmp_path: Path) -> None:
    path = tmp_path / "series.csv"
    rows = [f"2024-01-{n};{n * 2.0};{'NA' if n == 7 else n}" for n in range(40)]
    path.write_text("day;a;b\n" + "\n".join(rows), encoding="utf-8")
    source = load("series", path=str(path), window=5)
    assert source.preprocessing["target"] == "b"
    assert [column["name"] for column in source.preprocessing["columns"]] == ["a", "b"]
    assert any("1 rows with missing values" in note for note in source.notes)
    assert any("not used: day with '2024-01-0' in row 2" in note for note in source.notes)
    with pytest.raises(RefusedError, match=r"no numeric column 'day' \(day with '2024-01-0' in row 2\)"):
        load("series", path=str(path), window=5, target="day")


def test_that_rows_are_put_in_the_order_of_time(tmp_path: Path) -> None:
    days = [f"2024-01-{day:02d}" for day in range(1, 29)]
    lines = [f"{day},{index}" for index, day in enumerate(days)]
    straight, turned = tmp_path / "straight.csv", tmp_path / "turned.csv"
    straight.write_text("day,y\n" + "\n".join(lines), encoding="utf-8")
    turned.write_text("day,y\n" + "\n".join(reversed(lines)), encoding="utf-8")
    wanted = load("series", path=str(straight), window=4, time="day")
    loaded = load("series", path=str(turned), window=4, time="day")
    assert torch.equal(inputs(loaded.train), inputs(wanted.train))
    assert loaded.shape == (4, 1), "the time is no input"
    assert any("sorted by day" in note for note in loaded.notes)
    assert not any("sorted by day" in note for note in wanted.notes)
    unsaid = load("series", path=str(turned), window=4)
    assert any("not sorted by day" in note for note in unsaid.notes)
    turned.write_text("day,y\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="numeric column"):
        load("series", path=str(turned), window=4)
    turned.write_text("day,y\n2024-01-02,1\n2024-01-01,oops\n", encoding="utf-8")
    with pytest.raises(RefusedError, match="'oops' in row 3"):
        load("series", path=str(turned), window=1, time="day", target="y")
    with pytest.raises(RefusedError, match="no column 'when'"):
        load("series", path=str(turned), window=4, time="when")
