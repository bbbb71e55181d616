"""What a script does, as a module of this program: it is lifted like any other, with what it uses of them.

It is not run here. What it asks of ``config`` and ``source``, which are those of a run, is answered before a script is written;
what is left of an ``if`` is what the run needs. The names below that have no value get theirs from :mod:`assemble`, or stand at
the head of the script.
"""

from __future__ import annotations

import argparse
import math
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import torch
from torch import Tensor, nn

from workbench.config.run import RunConfig
from workbench.config.schedule import Plan, Plateau
from workbench.engine.data import series
from workbench.engine.data.augment import change, draw_numbers
from workbench.engine.data.augment.geometry import erase
from workbench.engine.data.balance import chances, count_classes, step_scale
from workbench.engine.data.batches import EVALUATION_BATCH
from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.data.image_files import image_files
from workbench.engine.data.images import ImageForm, decode
from workbench.engine.data.sampling import epoch_order
from workbench.engine.data.split import by_group, by_time, split
from workbench.engine.data.tables.columns import cleaned, without_gaps
from workbench.engine.data.tables.description import Description
from workbench.engine.data.tables.encode import encode, word_numbers
from workbench.engine.data.text import encode as encode_texts
from workbench.engine.data.text import learn
from workbench.engine.models.layers import init_weights
from workbench.engine.optimizers import groups
from workbench.engine.runtime.devices import available_cpus, choose
from workbench.engine.runtime.seeding import derive_seed, set_deterministic
from workbench.engine.training.early_stopping import EarlyStopping
from workbench.engine.training.ema import EMA
from workbench.engine.training.lr_control import PlateauState, set_lr

config: RunConfig
source: Source
given: Any
"""What else is known of the run."""

DATA: str
CLASSES: list[str]
COLUMNS: list[Description]
FOLDERS: dict[str, str]
SEED: int
EPOCHS: int
BATCH: int
MICROBATCHES: int
LEARNING_RATE: float

# --- samples ---


def load_data(path: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Samples and what is to be predicted of them: of training, then of validation."""
    settings = given.dataset
    if given.dataset.kind not in ("sine", "synthetic"):
        settings.path = path
    return given.read(settings)  # type: ignore[no-any-return]


def read_table(path: str) -> pl.DataFrame:
    """A table of separated values, every cell as text, null where it is empty."""
    text = Path(path).read_text(encoding="utf-8-sig")
    frame = pl.read_csv(text.encode(), separator=given.separator, infer_schema=False)
    return pl.DataFrame([cleaned(column) for column in frame.rename(str.strip)])


def load_table(settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The rows of a table that can be used: inputs and targets of training, then of validation."""
    frame = pl.DataFrame([without_gaps(column) for column in read_table(settings.path)]).drop_nulls(given.needed)
    columns = [(column, column_values(frame[column["name"]], column)) for column in COLUMNS]
    if given.dataset.missing == "drop":
        complete = torch.stack([~(values.isnan() | (values == -1)) for _, values in columns]).all(dim=0)
        columns = [(column, values[complete]) for column, values in columns]
        frame = frame.filter(pl.Series(complete.numpy()))
    inputs = torch.cat([encode(values, column) for column, values in columns], dim=1).to(torch.float32)
    targets = table_targets(frame)
    train, val = table_split(frame, targets, settings)
    return inputs[train], targets[train], inputs[val], targets[val]


def column_values(cells: pl.Series, column: Description) -> Tensor:
    """A column's numbers, or the numbers of its words: float64 (n,)."""
    if column["kind"] == "words":
        return torch.from_numpy(word_numbers(cells, column["words"]).to_numpy().copy())
    return torch.from_numpy(cells.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy().copy())


def table_targets(frame: pl.DataFrame) -> Tensor:
    """The numbers of the classes, or the numbers to predict on the network's scale, or both side by side."""
    if source.task.has_classes and not source.task.has_numbers:
        return torch.tensor([CLASSES.index(label) for label in frame[given.classes]])
    columns = [frame[name].cast(pl.Float64).to_numpy().copy() for name in given.numbers]
    numbers = source.task.scaled(torch.stack([torch.from_numpy(column) for column in columns], dim=1))
    if source.task.has_classes:
        classes = torch.tensor([[CLASSES.index(label)] for label in frame[given.classes]])
        return torch.cat([classes.double(), numbers], dim=1).to(torch.float32)
    return numbers.to(torch.float32)


def table_split(frame: pl.DataFrame, targets: Tensor, settings: Any) -> tuple[Tensor, Tensor]:
    """The rows of training and of validation."""
    if given.dataset.time:
        cells = frame[given.dataset.time]
        if given.dates:
            times = torch.tensor([datetime.fromisoformat(cell).timestamp() for cell in cells], dtype=torch.float64)
        else:
            times = torch.from_numpy(cells.cast(pl.Float64).to_numpy().copy())
        return by_time(times, settings.validation)
    if given.dataset.group:
        return by_group(frame[given.dataset.group].to_list(), settings.validation, settings.split_seed)
    if given.dataset.split == "per-class" and source.task.has_classes and source.task.has_numbers:
        return split(len(targets), targets[:, 0].to(torch.int64), settings.validation, settings.split_seed)
    classes = targets if given.dataset.split == "per-class" and source.task.has_classes else None
    return split(len(targets), classes, settings.validation, settings.split_seed)


def load_series(settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Windows of a series and the values that follow: of training, then of validation."""
    frame = read_table(settings.path)
    numbers = [without_gaps(frame[name]).cast(pl.Float64).fill_null(float("nan")) for name in given.names]
    values = torch.stack([torch.from_numpy(column.to_numpy().copy()) for column in numbers], dim=1)
    values = series._filled(values)[0].to(torch.float32)
    return series._windows(settings, values, given.names, given.target, None)  # type: ignore[return-value]


def load_text(settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Token ids and the numbers of the labels: of training, then of validation."""
    frame = read_table(settings.path).drop_nulls([given.text, given.label])
    texts, labels = frame[given.text].to_list(), torch.tensor([CLASSES.index(word) for word in frame[given.label]])
    classes = labels if given.dataset.split == "per-class" else None
    train, val = split(len(texts), classes, settings.validation, settings.split_seed)
    tokenizer = learn([texts[index] for index in train.tolist()], settings.vocabulary)
    tokens, _ = encode_texts(tokenizer, texts, settings.length)
    return tokens[train], labels[train], tokens[val], labels[val]


def load_images(settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images and the numbers of their classes: of training, then of validation."""
    if given.dataset.kind == "image-csv":
        frame = read_table(settings.path)
        rows = zip(frame[given.image].to_list(), frame[given.label].to_list(), strict=True)
        named = [(Path(name).expanduser(), word) for name, word in rows if name and word]
        files = [(Path(settings.path).parent / file, CLASSES.index(word)) for file, word in named]
    else:
        files = image_files(Path(settings.path, FOLDERS["train"]), CLASSES)
    inputs, targets = read_images(files, settings)
    if given.divided:
        files = image_files(Path(settings.path, FOLDERS["val"]), CLASSES)
        return inputs, targets, *read_images(files, settings)
    return divided(inputs, targets, settings)


def read_images(files: list[tuple[Path, int]], settings: Any) -> tuple[Tensor, Tensor]:
    """All images that can be read, uint8 (n, channels, height, width), and the numbers of their classes."""
    inputs, labels = [], []
    form = ImageForm(given.width, given.height, given.channels, given.fit, given.frame)
    for path, label in files:
        try:
            inputs.append(decode(path, form))
        except Exception as error:
            print(f"{path} is left out: {error}")
        else:
            labels.append(label)
    return torch.stack(inputs), torch.tensor(labels)


def load_known(settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images, uint8 (n, channels, height, width), and the numbers of their classes: of training, then of validation."""
    import torchvision

    known = given.known(settings.path, train=True, download=settings.download)
    if isinstance(known.data, Tensor):
        inputs = known.data[:, None]
    else:
        inputs = torch.from_numpy(known.data).permute(0, 3, 1, 2).contiguous()
    return divided(inputs, torch.as_tensor(known.targets), settings)


def divided(inputs: Tensor, targets: Tensor, settings: Any) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Some samples kept for validation."""
    classes = targets if given.dataset.split == "per-class" else None
    train, val = split(len(targets), classes, settings.validation, settings.split_seed)
    return inputs[train], targets[train], inputs[val], targets[val]


def order_of(targets: Tensor, epoch: int) -> Tensor:
    """The order of an epoch's samples."""
    if config.dataset.balance == "sampler":
        counts = count_classes(targets, len(source.task.classes))
        return epoch_order(len(targets), SEED, epoch, chances(targets, counts))
    return epoch_order(len(targets), SEED, epoch)


def scale(raw: Tensor) -> Tensor:
    """Raw samples as the network takes them."""
    return source.scaling.on(raw.device, raw.dim())(raw)


def augment(raw: Tensor, numbers: Tensor) -> Tensor:
    """Raw images changed at random, each by its own numbers from 0 to 1, and scaled."""
    return erase(scale(change(raw, numbers, given.dataset, given.white)), numbers, given.dataset.augment_erasing)


# --- network ---


def build_model() -> nn.Module:
    """The network: from a batch of scaled samples to its outputs."""
    model: nn.Module = given.build(*given.network)
    if config.model.init != "default" or config.model.bias_init != "default":
        init_weights(model, config.model.init, config.model.bias_init)
    return model


def load_weights(model: Any) -> None:
    """Puts in what was learned before, all but the last layer."""
    model.load_published()


# --- loss, optimizer, learning rate ---


def loss_of(output: Tensor, target: Tensor) -> Tensor:
    """The mean over a batch of the losses of the samples, each times the weight of its class where classes have one."""
    if given.weights:
        weights = torch.tensor(given.weights, device=output.device)  # rare classes count more
        return given.build_loss(*given.loss, weights)(output, target)  # type: ignore[no-any-return]
    return given.build_loss(*given.loss, None)(output, target)  # type: ignore[no-any-return]


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The optimizer over all that is trained."""
    if given.alike:
        trained = [weights for weights in model.parameters() if weights.requires_grad]
        return given.optimizer(trained, lr=LEARNING_RATE, **given.arguments)  # type: ignore[no-any-return]
    return given.optimizer(groups(config.optimizer, model), lr=LEARNING_RATE, **given.arguments)  # type: ignore[no-any-return]


def factor_at(step: int, epoch_steps: int) -> float:
    """What the learning rate is multiplied with at a step, counted from 0. Beyond the last epoch the last value holds."""
    return config.schedule.factor(step, Plan(EPOCHS, epoch_steps))


# --- training ---


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    inputs: Tensor,
    targets: Tensor,
    epoch: int,
    plateau: PlateauState,
    average: EMA,
) -> float:
    """One pass over the samples. Gives the mean loss over them."""
    model.train()
    order = order_of(targets, epoch).to(inputs.device)
    per_step = BATCH * MICROBATCHES
    if config.training.drop_last:
        order = order[: len(order) // per_step * per_step]
    epoch_steps = math.ceil(len(order) / per_step)
    total = 0.0
    for step in range(epoch_steps):
        rate = LEARNING_RATE * factor_at(epoch * epoch_steps + step, epoch_steps)
        if isinstance(config.schedule, Plateau):
            rate *= plateau.factor
        set_lr(optimizer, rate)
        chosen = order[step * per_step : (step + 1) * per_step]
        if given.weights:
            # The weights of the classes are 1 in the mean of a step.
            scale_of_step = step_scale(targets[chosen].cpu(), torch.tensor(given.weights))
        if given.changes:
            # Drawn for a whole step; most of the numbers serve changes that are not made here.
            numbers = draw_numbers(SEED, epoch, step, min(per_step, len(targets))).to(inputs.device)
        for begin in range(0, len(chosen), BATCH):
            part = chosen[begin : begin + BATCH]
            if given.changes:
                x = augment(inputs[part], numbers[begin : begin + len(part)])  # type: ignore[possibly-undefined]
            else:
                x = scale(inputs[part])
            loss = loss_of(model(x), targets[part])
            if given.weights and config.training.accumulation == 1:
                (loss * scale_of_step).backward()  # type: ignore[no-untyped-call,possibly-undefined]
            elif given.weights:
                (loss * (len(part) / len(chosen) * scale_of_step)).backward()  # type: ignore[no-untyped-call,possibly-undefined]
            elif config.training.accumulation == 1:
                loss.backward()  # type: ignore[no-untyped-call]
            else:
                (loss * (len(part) / len(chosen))).backward()  # type: ignore[no-untyped-call]
            total += loss.item() * len(part)
        if config.training.clip_value != "off":
            nn.utils.clip_grad_value_(model.parameters(), config.training.clip_value)
        if config.training.clip_norm != "off":
            nn.utils.clip_grad_norm_(model.parameters(), config.training.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        if config.training.ema != "off":
            average.update()
    return total / len(order)


@torch.inference_mode()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Means over all samples: the loss, and whether the class is right or, of numbers, the absolute error in their own units."""
    model.eval()
    total, metric, size = 0.0, 0.0, max(BATCH, EVALUATION_BATCH)
    task: TaskSpec = source.task
    for x, y in zip(torch.split(inputs, size), torch.split(targets, size), strict=True):
        output = model(scale(x))
        total += loss_of(output, y).item() * len(y)
        if not source.task.has_classes:
            metric += (task.in_own_units(output) - task.in_own_units(y)).abs().mean(1).sum().item()
        elif source.task.has_numbers:
            metric += (output[:, : len(source.task.classes)].argmax(1) == y[:, 0]).sum().item()
        else:
            metric += (output.argmax(1) == y).sum().item()
    return total / len(targets), metric / len(targets)


def main() -> None:
    """Trains, and prints a line for each epoch."""
    if config.hardware.device == "auto":
        device = choose(config.hardware)
    else:
        device = config.hardware.device
    options = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    options.add_argument("--data", default=DATA, help="where the samples are")
    options.add_argument("--epochs", type=int, default=EPOCHS, help="epochs to train")
    options.add_argument("--device", default=device, help="cpu, cuda or mps")
    options.add_argument("--save", help="file for the weights")
    arguments = options.parse_args()
    torch.set_num_threads(available_cpus() if config.hardware.threads == "auto" else config.hardware.threads)
    if config.training.deterministic:
        set_deterministic(True)
    if config.hardware.device != "cpu" and torch.cuda.is_available():  # convolutions in whole fp32 too
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    train_x, train_y, val_x, val_y = (part.to(arguments.device) for part in load_data(arguments.data))
    torch.manual_seed(derive_seed(SEED, "weights"))
    model = build_model()
    if given.learned:
        load_weights(model)
    model.to(arguments.device)
    torch.manual_seed(derive_seed(SEED, "steps", 0))  # what is random in the steps, as dropout
    optimizer = build_optimizer(model)
    plateau = PlateauState()
    average = EMA(model, config.training.ema)  # type: ignore[arg-type]
    early_stopping = EarlyStopping("value", True, config.training.early_stopping)  # type: ignore[arg-type]
    metric = "accuracy" if source.task.has_classes else "mae"
    for epoch in range(arguments.epochs):
        loss = train_epoch(model, optimizer, train_x, train_y, epoch, plateau, average)
        line = f"epoch {epoch + 1}: train loss {loss:.6g}"
        if len(val_y):
            if config.training.ema != "off":
                average.swap()
            val_loss, val_metric = evaluate(model, val_x, val_y)
            if config.training.ema != "off":
                average.swap()
            line += f", val loss {val_loss:.6g}, val {metric} {val_metric:.6g}"
        print(line)
        if isinstance(config.schedule, Plateau):
            plateau.update(given.followed, config.schedule)  # the higher, the better
        if config.training.early_stopping != "off":
            early_stopping.update(given.judged)  # the higher, the better
            if early_stopping.should_stop:
                print(f"stopped early: no improvement for {early_stopping.waited} epochs")
                break
    if arguments.save:
        if config.training.ema != "off":
            average.swap()
        torch.save(model.state_dict(), arguments.save)
