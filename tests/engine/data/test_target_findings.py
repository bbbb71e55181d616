"""A target that nothing can be learned of, and an input that gives it away, are warned about where the target is chosen."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.engine.training.test_loop import train_run
from workbench.config.dataset import Synthetic, Table
from workbench.engine import data
from workbench.engine.data.dataset import Source, TaskSpec, TensorSplit
from workbench.engine.data.target_findings import target_findings


def source_of(task: TaskSpec, inputs: Tensor, targets: Tensor) -> Source:
    return Source(task, tuple(inputs.shape[1:]), TensorSplit(inputs, targets), TensorSplit(inputs[:0], targets[:0]))


def random(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def texts(source: Source) -> list[str]:
    return [finding.text for finding in target_findings(source, Table())]


CLASSES = TaskSpec("classification", ("a", "b", "c"))
NUMBERS = TaskSpec("regression", targets=("size", "price"))
LABELS = torch.arange(60) % 3
ONE_HOT = torch.nn.functional.one_hot(LABELS, 3).float()


@pytest.mark.parametrize("scale, offset", [(1.0, 0.0), (0.001, -0.1), (1e6, 5e5)])
@pytest.mark.parametrize("column", [0, 2])
def test_that_an_input_that_equals_a_number_is_found_on_any_scale(column: int, scale: float, offset: float) -> None:
    inputs, targets = random(60, 3), random(60, 5)[:, 3:]
    assert texts(source_of(NUMBERS, inputs, targets)) == []
    inputs[:, column] = targets[:, 1] * scale + offset
    (text,) = texts(source_of(NUMBERS, inputs, targets))
    assert f"the input number {column + 1} equals the target price" in text


def test_that_inputs_that_are_only_close_to_the_target_are_not_named() -> None:
    inputs, targets = random(60, 2), random(60, 5)[:, 3:]
    inputs[:, 0] = targets[:, 0] + 0.01 * inputs[:, 1]
    inputs[:, 1] = 1.0
    assert texts(source_of(NUMBERS, inputs, targets)) == []


@pytest.mark.parametrize(
    "given_away",
    [
        pytest.param(LABELS[:, None].float(), id="as its number"),
        pytest.param(torch.tensor([7.0, -2.0, 3.0])[LABELS][:, None], id="as other numbers"),
        pytest.param(ONE_HOT, id="as a category"),
        pytest.param(ONE_HOT[:, :2], id="as a category without its last word"),
    ],
)
def test_that_an_input_that_equals_the_class_is_found(given_away: Tensor) -> None:
    inputs = torch.cat([random(60, 2), given_away], dim=1)
    (text,) = texts(source_of(CLASSES, inputs, LABELS))
    assert "the input number 3 equals the target" in text
    mixed = inputs.clone()
    mixed[0, 2:] = inputs[1, 2:]
    assert texts(source_of(CLASSES, mixed, LABELS)) == []


def test_that_an_input_that_tells_some_classes_apart_is_not_named() -> None:
    inputs = torch.cat([random(60, 2), ONE_HOT[:, :1]], dim=1)
    assert texts(source_of(CLASSES, inputs, LABELS)) == []


def test_that_a_class_beside_numbers_is_looked_at_too() -> None:
    task = TaskSpec("multi-task", ("a", "b", "c"), ("size",))
    inputs, size = random(60, 2), random(60, 4)[:, 3:]
    targets = torch.cat([LABELS[:, None].float(), size], dim=1)
    inputs = torch.cat([inputs, LABELS[:, None].float(), size], dim=1)
    found = texts(source_of(task, inputs, targets))
    assert ["number 3 equals" in found[0], "number 4 equals the target size" in found[1]] == [True, True]


def test_that_a_class_for_nearly_every_sample_is_warned_about_at_the_target() -> None:
    names = tuple(map(str, range(40)))
    (finding,) = target_findings(
        source_of(TaskSpec("classification", names), random(60, 2), torch.arange(60) % 40), Table()
    )
    assert (finding.severity, finding.setting) == ("warning", "dataset.target")
    assert "the target has 40 classes in 60 samples" in finding.text
    assert finding.hint
    few = source_of(TaskSpec("classification", names[:20]), random(60, 2), torch.arange(60) % 20)
    assert target_findings(few, Table()) == ()


def test_that_ordinary_data_are_not_warned_about() -> None:
    for shape in ("linear", "spirals", "clusters"):
        config = Synthetic(shape=shape)
        assert target_findings(data.load(config), config) == ()


def test_that_a_table_names_the_column_in_its_report_and_in_the_log(tmp_path: Path) -> None:
    table = tmp_path / "copies.csv"
    draw = random(60, 2).tolist()
    rows = [f"{x},{'red' if n % 3 else 'blue'},{y},{2.54 * y}" for n, (x, y) in enumerate(draw)]
    table.write_text("\n".join(["x,color,inch,cm", *rows]), encoding="utf-8")
    changes = {
        "dataset.path": str(table),
        "dataset.target": "inch",
        "training.batch_size": 500,
        "optimizer.lr": 0.9,
        "training.epochs": 1,
    }
    folder, progress = train_run(changes, "tabular-mlp")
    source = data.load(folder.config().dataset)
    assert source.report is not None
    (finding,) = [found for found in source.report.of_severity("warning") if found.setting == "dataset.target"]
    assert "the input cm equals the target inch" in finding.text
    told = [line.text for line in progress.log if line.level == "warning"]
    for part in (finding.text, "training.batch_size: the batch size 500 is above", "optimizer.lr: 0.9 is far above"):
        assert any(part in text for text in told), part
