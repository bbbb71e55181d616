"""What the steps since the last report left behind: nothing of a step that was taken back stays."""

import torch

from workbench.engine.data.dataset import TaskSpec
from workbench.engine.reporting.metrics import StepRecorder
from workbench.engine.tasks import task_of


def test_that_a_step_that_is_taken_again_leaves_nothing_twice() -> None:
    recorder = StepRecorder(task_of(TaskSpec("classification", ("a", "b"))))
    for step in (1, 2, 3, 2, 3):
        if step == 2:
            recorder.discard_from(step)
        recorder.add(step, torch.tensor(0.5), torch.tensor([[1.0, 0.0]]), torch.tensor([0]), counted=True)
        recorder.grad_norms.append((step, torch.tensor(float(step))))
        recorder.layer_norms.append((step, torch.tensor([1.0, 2.0])))
    assert [step for step, _ in recorder.read_layer_norms()] == [1, 2, 3]
    assert [step for step, _ in recorder.read_grad_norms()] == [1, 2, 3]
    assert recorder.read()[0] == [1, 2, 3]
