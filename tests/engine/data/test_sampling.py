"""An epoch gives every sample once, shared evenly over processes and passes, and depends on seed and epoch alone."""

from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as some

from workbench.engine.data.sampling import StepPlan, epoch_order, fingerprint
from workbench.engine.data.split import split


@given(
    samples=some.integers(1, 300),
    batch=some.integers(1, 40),
    accumulation=some.integers(1, 4),
    world=some.integers(1, 4),
)
def test_that_every_sample_counts_once_and_equally(samples: int, batch: int, accumulation: int, world: int) -> None:
    plan = StepPlan(samples, batch, accumulation, world)
    seen = []
    for number in range(plan.steps):
        ranks = [plan.step(number, rank) for rank in range(world)]
        assert len({len(slices) for slices in ranks}) == 1
        counted = [piece for slices in ranks for piece in slices if piece.weight > 0]
        total = sum(piece.stop - piece.start for piece in counted)
        for piece in counted:
            size = piece.stop - piece.start
            assert size <= batch
            # Gradients are averaged over the world: each sample then weighs 1 / total.
            assert abs(piece.weight / world / size - 1 / total) < 1e-12
        seen += [index for piece in counted for index in range(piece.start, piece.stop)]
    assert sorted(seen) == list(range(samples))


@given(
    samples=some.integers(1, 300),
    batch=some.integers(2, 40),
    accumulation=some.integers(1, 4),
    world=some.integers(1, 4),
    drop_last=some.booleans(),
)
def test_that_no_process_gets_fewer_samples_than_it_needs(
    samples: int, batch: int, accumulation: int, world: int, drop_last: bool
) -> None:
    before = StepPlan(samples, batch, accumulation, world, drop_last)
    plan = replace(before, smallest=2)
    if plan.is_too_small:
        assert min(samples, batch * world) < 2 * world
        return
    seen, joined = [], 0
    for number in range(plan.steps):
        ranks = [plan.step(number, rank) for rank in range(world)]
        assert len({len(slices) for slices in ranks}) == 1
        assert all(2 <= piece.stop - piece.start <= batch + 2 for slices in ranks for piece in slices)
        joined += sum(piece.stop - piece.start > batch for slices in ranks for piece in slices)
        total = sum(piece.stop - piece.start for slices in ranks for piece in slices)
        for piece in (piece for slices in ranks for piece in slices):
            assert abs(piece.weight / world / (piece.stop - piece.start) - 1 / total) < 1e-12
        seen += [index for slices in ranks for piece in slices for index in range(piece.start, piece.stop)]
        assert sorted(seen) == list(range(plan.samples_of(number).stop))
    dropped = samples - len(seen)
    assert dropped == (
        samples % (batch * accumulation * world) if drop_last and samples >= plan.per_step > 0 else 0
    ) or (drop_last and samples < batch * accumulation * world and dropped == 0)
    if not plan.joins_last:
        # Every other plan is what it was before.
        assert joined == 0
        assert plan.steps == before.steps
        for number in range(plan.steps):
            assert [plan.step(number, rank) for rank in range(world)] == [
                before.step(number, rank) for rank in range(world)
            ]


def test_that_a_joined_batch_is_other_batches() -> None:
    plan = StepPlan(65, 32)
    joined = replace(plan, smallest=2)
    assert (plan.steps, joined.steps) == (3, 2)
    assert [(piece.start, piece.stop) for piece in joined.step(1)] == [(32, 65)]
    assert fingerprint(plan, 0) != fingerprint(joined, 0)
    # Where nothing is joined, what is told of the batches stays what it was.
    assert fingerprint(StepPlan(66, 32), 0) == fingerprint(replace(StepPlan(66, 32), smallest=2), 0)


def test_that_an_incomplete_last_batch_can_be_dropped() -> None:
    assert StepPlan(100, 32).steps == 4
    assert StepPlan(100, 32, drop_last=True).steps == 3


@given(count=some.integers(1, 200), seed=some.integers(0, 2**53), epoch=some.integers(0, 1000))
def test_that_the_order_is_a_function_of_seed_and_epoch(count: int, seed: int, epoch: int) -> None:
    order = epoch_order(count, seed, epoch)
    assert torch.equal(order, epoch_order(count, seed, epoch))
    assert sorted(order.tolist()) == list(range(count))


@given(sizes=some.lists(some.integers(1, 40), min_size=1, max_size=5), share=some.floats(0.05, 0.9))
def test_that_a_split_per_class_keeps_every_class_on_both_sides(sizes: list[int], share: float) -> None:
    labels = torch.cat([torch.full((size,), number) for number, size in enumerate(sizes)])
    train, val = split(len(labels), labels, share, 0)
    assert sorted([*train.tolist(), *val.tolist()]) == list(range(len(labels)))
    for number, size in enumerate(sizes):
        held_out = int((labels[val] == number).sum())
        assert held_out == (0 if size == 1 else min(max(round(size * share), 1), size - 1))
