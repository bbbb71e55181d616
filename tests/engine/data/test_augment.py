"""Random changes: every picture its own, the same for a seed wherever it is computed, and none in validation."""

from typing import Any

import pytest
import torch
from torch import Tensor

from workbench.config import files
from workbench.config.recipes import start
from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data import augment
from workbench.engine.data.augment import COLUMNS, Augmenter, color, geometry, mixing, rand_augment
from workbench.engine.data.loader import build_loader, plan_steps
from workbench.engine.data.sampling import StepPlan

CPU = torch.device("cpu")
EVERY = {
    "flip": 0.5,
    "flip_vertical": 0.5,
    "crop": 2,
    "resized_crop": 0.5,
    "rotation": 20.0,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "hue": 0.2,
    "randaugment": 2,
    "erasing": 0.5,
    "mixup": 0.4,
    "cutmix": 1.0,
}


def config(**changes: Any) -> RunConfig:
    wanted = {f"dataset.augment_{name}": value for name, value in changes.items()}
    return files.change(start("digits-cnn")[1], wanted)


def augmenter(**changes: Any) -> Augmenter:
    wanted = config(**changes)
    made = augment.build(wanted, data.load(wanted.dataset))
    assert made is not None
    return made


def pictures(count: int = 32, channels: int = 3, size: int = 12) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randint(0, 256, (count, channels, size, size), generator=draw, dtype=torch.uint8)


def numbers(count: int = 32, seed: int = 1) -> Tensor:
    return torch.rand(count, COLUMNS, generator=torch.Generator().manual_seed(seed))


def test_that_without_a_setting_nothing_is_changed() -> None:
    assert augment.build(config(), data.load(config().dataset)) is None


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("mixup", "cutmix")])
@pytest.mark.parametrize("channels", [1, 3])
def test_that_each_picture_is_changed_by_its_own_numbers(name: str, channels: int) -> None:
    if channels == 1 and name in ("saturation", "hue"):
        return
    made = augmenter(**{name: EVERY[name]})
    same = pictures(1, channels).expand(64, -1, -1, -1)
    changed = made.apply(same, numbers(64), lambda raw: raw.to(torch.float32))
    assert changed.shape == same.shape
    assert torch.isfinite(changed).all()
    assert len({bytes(image.numpy().tobytes()) for image in changed}) > 1, "all images of a batch got the same change"


@pytest.mark.parametrize("name", [name for name in EVERY if name not in ("mixup", "cutmix")])
def test_that_a_picture_is_changed_alone_as_in_its_batch(name: str) -> None:
    made = augmenter(**{name: EVERY[name]})
    whole = made.apply(pictures(), numbers(), lambda raw: raw.to(torch.float32))
    for index in (0, 7, 31):
        alone = made.apply(
            pictures()[index : index + 1], numbers()[index : index + 1], lambda raw: raw.to(torch.float32)
        )
        assert torch.allclose(alone[0], whole[index], atol=1e-3)


def test_that_a_flip_mirrors_and_a_crop_shifts_whole_pixels() -> None:
    raw = pictures(64).to(torch.float32)
    flipped = geometry.crop_and_flip(raw, numbers(64), config(flip=1.0).dataset)  # type: ignore[arg-type]
    assert torch.equal(flipped, raw.flip(3))
    shifted = geometry.crop_and_flip(raw, numbers(64), config(crop=3).dataset)  # type: ignore[arg-type]
    drawn = numbers(64)
    for index in range(64):
        across, down = int(drawn[index, 2] * 7) - 3, int(drawn[index, 3] * 7) - 3
        padded = torch.nn.functional.pad(raw[index], (3, 3, 3, 3))
        assert torch.equal(shifted[index], padded[:, 3 + down : 15 + down, 3 + across : 15 + across])


def test_that_turning_by_nothing_and_by_a_quarter_are_exact() -> None:
    raw = pictures(2).to(torch.float32)
    still = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]]).expand(2, -1, -1)
    assert torch.allclose(geometry.resample(raw, still), raw, atol=1e-3)
    quarter = torch.tensor([[[0.0, -1, 0], [1, 0, 0]]]).expand(2, -1, -1)
    turned = geometry.resample(raw, quarter)
    assert torch.allclose(turned, raw.rot90(1, (2, 3)), atol=1e-2) or torch.allclose(
        turned, raw.rot90(-1, (2, 3)), atol=1e-2
    )


def test_that_colours_agree_with_torchvision() -> None:
    functional = pytest.importorskip("torchvision.transforms.v2.functional")
    raw = pictures(4).to(torch.float32) / 255
    factors = torch.tensor([0.7, 1.0, 1.3, 0.5]).view(-1, 1, 1, 1)
    for index, factor in enumerate(factors.flatten().tolist()):
        expected = functional.adjust_saturation(raw[index], factor)
        assert torch.allclose(color.blend(raw, color.grey(raw), factors)[index], expected, atol=1e-3)
    turns = torch.tensor([0.0, 0.1, -0.3, 0.5])
    for index, turn in enumerate(turns.tolist()):
        assert torch.allclose(color.turn_hue(raw, turns)[index], functional.adjust_hue(raw[index], turn), atol=1e-3)


@pytest.mark.parametrize("place", range(len(rand_augment.OPERATIONS)))
def test_that_every_operation_keeps_shape_and_range(place: int) -> None:
    for channels in (1, 3):
        raw = pictures(8, channels).to(torch.float32) / 255
        strength = torch.linspace(-1, 1, 8)
        found = rand_augment.OPERATIONS[place](raw, strength)
        assert found.shape == raw.shape
        assert found.min() >= 0
        assert found.max() <= 1 + 1e-6


def test_that_mixed_targets_are_shares_that_follow_the_pictures() -> None:
    wanted: Any = config(mixup=1.0).dataset
    x = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    y = torch.arange(4)
    mixed, shares = mixing.mix(x, y, 4, wanted, torch.Generator().manual_seed(0))
    assert torch.allclose(shares.sum(dim=1), torch.ones(4))
    assert torch.allclose(mixed[:, 0, 0, 0], (shares * torch.arange(4.0)).sum(dim=1), atol=1e-6)
    cut: Any = config(cutmix=1.0).dataset
    mixed, shares = mixing.mix(x[:, :, :1, :1].expand(4, 1, 8, 8), y, 4, cut, torch.Generator().manual_seed(0))
    assert torch.allclose(mixed.mean(dim=(1, 2, 3)), (shares * torch.arange(4.0)).sum(dim=1), atol=1e-5)


def test_that_a_label_of_an_unreadable_picture_counts_nothing() -> None:
    wanted: Any = config(mixup=1.0).dataset
    y = torch.tensor([1, -100])
    _, shares = mixing.mix(torch.zeros(2, 1, 2, 2), y, 3, wanted, torch.Generator().manual_seed(0))
    assert (shares.sum(dim=1) < 1).all()


def test_that_numbers_do_not_depend_on_the_processes() -> None:
    made = augmenter(flip=0.5)
    alone, two = StepPlan(50, 8, 2, 1), StepPlan(50, 4, 2, 2)
    for step in range(alone.steps):
        whole = made.draw(alone, 3, step, alone.step(step))
        drawn = torch.zeros_like(whole)
        begin = step * 16
        for rank in range(2):
            micros = two.step(step, rank)
            numbers_ = made.draw(two, 3, step, micros)
            rows = torch.cat([torch.arange(micro.start - begin, micro.stop - begin) for micro in micros])
            drawn[rows] = numbers_
        assert torch.equal(drawn, whole)


def test_that_the_loaders_change_training_alone_and_the_same_way_each_time() -> None:
    wanted = config(**{name: value for name, value in EVERY.items() if name not in ("saturation", "hue")})
    source = data.load(wanted.dataset)
    plan = plan_steps(wanted, len(source.train), 1)
    loader = build_loader(wanted, source, CPU, 1)
    first = [microbatch for step in loader.steps(plan, 0, 0, 0, 0) for microbatch in step]
    again = [microbatch for step in loader.steps(plan, 0, 0, 0, 5) for microbatch in step]
    assert torch.equal(first[5][0], again[0][0])
    assert torch.equal(first[5][1], again[0][1])
    later = [microbatch for step in loader.steps(plan, 0, 0, 1, 0) for microbatch in step]
    assert not torch.equal(first[0][0], later[0][0])
    plain = build_loader(config(), source, CPU, 1)
    for (x, y), (u, v) in zip(loader.evaluation("val", 0, 1), plain.evaluation("val", 0, 1), strict=True):
        assert torch.equal(x, u)
        assert torch.equal(y, v)
