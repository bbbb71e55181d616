"""Every optimiser is torch's own, moves the weights, and comes back from its saved state."""

import copy

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from workbench.config.optimizer import LBFGS, SGD, Muon, Optimizer
from workbench.config.schedule import Plateau
from workbench.engine import optimizers
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.training.lr_control import PlateauState

CPU = torch.device("cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))


def config_of(kind: str) -> Optimizer:
    made: Optimizer = TypeAdapter(Optimizer).validate_python({"kind": kind})
    return made


def steps(model: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> list[torch.Tensor]:
    inputs = torch.randn(16, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(count):

        def closure() -> torch.Tensor:
            optimizer.zero_grad()
            loss: torch.Tensor = (model(inputs) - 1).square().mean()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[arg-type]
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize("kind", list(optimizers.BUILDERS))
def test_that_every_optimiser_moves_all_weights_and_goes_on_from_its_state(kind: str) -> None:
    model = network()
    optimizer = optimizers.build(config_of(kind), model, CPU)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    after = steps(model, optimizer, 2)
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))

    again = network()
    again.load_state_dict(model.state_dict())
    resumed = optimizers.build(config_of(kind), again, CPU)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    pairs = zip(steps(model, optimizer, 3), steps(again, resumed, 3), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_that_groups_have_their_factor_and_norms_may_be_left_without_decay() -> None:
    config = SGD(lr=0.1, weight_decay=0.01, groups=("3.*=10", "*.bias=0.5"), decay_norms=False)
    groups = optimizers.groups(config, network())
    assert [(group["factor"], group.get("weight_decay"), len(group["params"])) for group in groups] == [
        (1.0, None, 1),
        (0.5, 0.0, 2),
        (1.0, 0.0, 1),
        (10.0, None, 1),
        (5.0, 0.0, 1),
    ]
    with pytest.raises(RefusedError, match="no parameter is named head"):
        optimizers.groups(SGD(groups=("head.*=10",)), network())


def test_that_muon_moves_matrices_and_adamw_the_rest() -> None:
    optimizer = optimizers.build(Muon(lr=0.01, adamw_lr_scale=0.1), network(), CPU)
    parts = [(g["matrices"], g["factor"], sorted({p.dim() for p in g["params"]})) for g in optimizer.param_groups]
    assert parts == [(True, 1.0, [2]), (False, 0.1, [1])]


def test_that_lbfgs_refuses_groups() -> None:
    with pytest.raises(RefusedError, match="one learning rate"):
        optimizers.build(LBFGS(groups=("3.*=10",)), network(), CPU)


@pytest.mark.parametrize("mode", ["relative", "absolute"])
@pytest.mark.parametrize("cooldown", [0, 2])
def test_that_the_plateau_is_torch_s(mode: str, cooldown: int) -> None:
    values = [3.0, 2.0, 1.99, 2.5, 2.5, 2.5, 2.5, float("nan"), 1.2, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.15, 1.3, 1.3, 1.3]
    schedule = Plateau.model_validate(
        {
            "patience": 1,
            "gamma": 0.5,
            "threshold": 0.05,
            "threshold_mode": mode,
            "cooldown": cooldown,
            "min_lr_factor": 0.1,
        }
    )
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=0.5,
        patience=1,
        threshold=0.05,
        threshold_mode="rel" if mode == "relative" else "abs",
        cooldown=cooldown,
        min_lr=0.1,
    )
    ours = PlateauState()
    for value in values:
        theirs.step(value)
        ours.update(-value, schedule)
        assert ours.factor == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-12)
