"""The schedules are torch's own curves, and pure functions of the step."""

import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import run_configs
from workbench.config.run import RunConfig
from workbench.config.schedule import (
    Constant,
    Cosine,
    Exponential,
    LinearDecay,
    MultiStep,
    OneCycle,
    Plan,
    Polynomial,
    ScheduleSection,
    Step,
    WarmRestarts,
)

torch = pytest.importorskip("torch")
schedulers = torch.optim.lr_scheduler

LR = 0.37
TOLERANCE = 1e-9


def torch_curve(make: Callable[..., object], steps: int) -> list[float]:
    """The learning rates that a torch scheduler gives, step by step."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    scheduler = make(optimizer)
    found = []
    for _ in range(steps):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(found) == steps:
            break  # one more step would be beyond what OneCycleLR allows
        with warnings.catch_warnings():
            # SequentialLR itself calls what torch has deprecated.
            warnings.simplefilter("ignore")
            scheduler.step()  # type: ignore[attr-defined]
    return found


def our_curve(schedule: ScheduleSection, plan: Plan) -> list[float]:
    return [LR * schedule.factor(step, plan) for step in range(plan.steps)]


def agree(schedule: ScheduleSection, plan: Plan, make: Callable[..., object]) -> None:
    assert our_curve(schedule, plan) == pytest.approx(torch_curve(make, plan.steps), abs=TOLERANCE, rel=0)


@pytest.mark.parametrize("every, gamma", [(1, 0.5), (3, 0.1), (50, 0.9)])
def test_that_step_is_torch_s(every: int, gamma: float) -> None:
    agree(
        Step(every=every, gamma=gamma),
        Plan(10, 7),
        lambda optimizer: schedulers.StepLR(optimizer, every * 7, gamma=gamma),
    )


@pytest.mark.parametrize("plan", [Plan(10, 23), Plan(1, 2), Plan(30, 1)])
@pytest.mark.parametrize("final", [0.0, 0.05])
def test_that_cosine_is_torch_s(plan: Plan, final: float) -> None:
    agree(
        Cosine(final=final),
        plan,
        lambda optimizer: schedulers.CosineAnnealingLR(optimizer, plan.steps, eta_min=final * LR),
    )


@pytest.mark.parametrize("plan", [Plan(10, 23), Plan(30, 1), Plan(2, 500)])
@pytest.mark.parametrize("rise, start, final", [(0.3, 25.0, 1e4), (0.5, 10.0, 100.0), (0.13, 2.0, 1.0)])
def test_that_one_cycle_is_torch_s(plan: Plan, rise: float, start: float, final: float) -> None:
    agree(
        OneCycle(rise=rise, start_divisor=start, final_divisor=final),
        plan,
        lambda optimizer: (
            schedulers.OneCycleLR(
                optimizer,
                LR,
                plan.steps + 1 - 1,
                pct_start=rise,
                div_factor=start,
                final_div_factor=final,
                cycle_momentum=False,
            )
            if plan.steps
            else None
        ),
    )


@pytest.mark.parametrize("plan", [Plan(10, 23), Plan(30, 1)])
@pytest.mark.parametrize("anneal", ["cosine", "linear"])
@pytest.mark.parametrize("three", [False, True])
def test_that_one_cycle_has_torch_s_shapes_and_phases(plan: Plan, anneal: Any, three: bool) -> None:
    agree(
        OneCycle(anneal=anneal, three_phase=three),
        plan,
        lambda optimizer: schedulers.OneCycleLR(
            optimizer,
            LR,
            plan.steps,
            anneal_strategy="cos" if anneal == "cosine" else "linear",
            three_phase=three,
            cycle_momentum=False,
        ),
    )


def per_epoch(schedule: ScheduleSection, make: Callable[..., object], epochs: int = 12) -> None:
    """The schedule holds within an epoch, and from epoch to epoch it is torch's."""
    found = our_curve(schedule, Plan(epochs, 7))
    assert all(len(set(found[start : start + 7])) == 1 for start in range(0, len(found), 7))
    assert found[::7] == pytest.approx(torch_curve(make, epochs), abs=TOLERANCE, rel=0)


def test_that_schedules_that_move_per_epoch_are_torch_s() -> None:
    per_epoch(MultiStep(milestones=(3, 4, 9), gamma=0.3), lambda o: schedulers.MultiStepLR(o, [3, 4, 9], gamma=0.3))
    per_epoch(Exponential(gamma=0.8), lambda o: schedulers.ExponentialLR(o, 0.8))
    per_epoch(Cosine(per="epoch", final=0.1), lambda o: schedulers.CosineAnnealingLR(o, 12, eta_min=0.1 * LR))
    per_epoch(Polynomial(per="epoch", power=2.0), lambda o: schedulers.PolynomialLR(o, 12, power=2.0))
    per_epoch(
        WarmRestarts(per="epoch", first=2, growth=2, final=0.1),
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 2, 2, eta_min=0.1 * LR),
    )


def test_that_schedules_that_move_per_step_are_torch_s() -> None:
    plan = Plan(10, 7)
    agree(Cosine(period=3, final=0.1), plan, lambda o: schedulers.CosineAnnealingLR(o, 21, eta_min=0.1 * LR))
    agree(Polynomial(power=1.5), plan, lambda o: schedulers.PolynomialLR(o, 70, power=1.5))
    agree(
        LinearDecay(begin=0.9, final=0.2),
        plan,
        lambda o: schedulers.LinearLR(o, start_factor=0.9, end_factor=0.2, total_iters=70),
    )
    for growth in (1, 3):
        agree(
            WarmRestarts(first=2, growth=growth),
            plan,
            lambda o, growth=growth: schedulers.CosineAnnealingWarmRestarts(o, 14, growth),
        )


@pytest.mark.parametrize("warmup, steps", [(1.0, 23), (2.5, 58)])
def test_that_warm_up_is_torch_s_linear_rise_and_then_the_schedule(warmup: float, steps: int) -> None:
    plan = Plan(10, 23)
    rest = plan.steps - steps

    def sequence(optimizer: object, second: object) -> object:
        rise = schedulers.LinearLR(optimizer, start_factor=0.01, total_iters=steps)
        return schedulers.SequentialLR(optimizer, [rise, second], milestones=[steps])

    agree(
        Cosine(warmup=warmup),
        plan,
        lambda optimizer: sequence(optimizer, schedulers.CosineAnnealingLR(optimizer, rest)),
    )
    agree(
        Step(warmup=warmup, every=2, gamma=0.3),
        plan,
        lambda optimizer: sequence(optimizer, schedulers.StepLR(optimizer, 2 * 23, gamma=0.3)),
    )
    agree(
        Constant(warmup=warmup),
        plan,
        lambda optimizer: sequence(optimizer, schedulers.ConstantLR(optimizer, factor=1.0)),
    )


@given(run_configs(), st.integers(1, 50), st.integers(1, 50))
def test_that_every_schedule_stays_between_nothing_and_the_full_rate(
    config: RunConfig, epochs: int, steps_per_epoch: int
) -> None:
    plan = Plan(epochs, steps_per_epoch)
    factors = [config.schedule.factor(step, plan) for step in range(plan.steps + 3)]
    assert all(0.0 <= factor <= 1.0 + 1e-12 for factor in factors)


@given(run_configs(), st.integers(1, 50), st.integers(1, 50))
def test_that_the_last_value_holds_beyond_the_plan(config: RunConfig, epochs: int, steps_per_epoch: int) -> None:
    plan = Plan(epochs, steps_per_epoch)
    last = config.schedule.factor(max(plan.steps - 1, 0), plan)
    if config.schedule.warmup_steps(plan) < plan.steps:
        assert config.schedule.factor(plan.steps + 1000, plan) == last


def test_that_a_warm_up_as_long_as_the_run_leaves_the_full_rate_to_a_longer_one() -> None:
    schedule = Step(warmup=2.0, every=1, gamma=0.1)
    assert schedule.factor(10, Plan(2, 5)) == 1.0
