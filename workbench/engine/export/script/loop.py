"""The training loop of a generated script: epochs, steps, validation."""

from __future__ import annotations

from workbench.config.run import RunConfig
from workbench.config.schedule import Plateau
from workbench.engine.data import balance
from workbench.engine.data.batches import EVALUATION_BATCH
from workbench.engine.data.dataset import Source, TaskSpec
from workbench.engine.export.lifting.lift import Piece
from workbench.engine.export.script import augment, learning, network
from workbench.engine.export.script.template import filled
from workbench.engine.runtime.seeding import derive_seed
from workbench.engine.training.early_stopping import EarlyStopping
from workbench.engine.training.ema import EMA
from workbench.engine.training.lr_schedule import PlateauState

_TRAIN = '''
def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, epoch: int$plateau$average
) -> float:
    """One pass over the samples. Gives the mean loss over them."""
    model.train()
    order = order_of(targets, epoch).to(inputs.device)
    per_step = BATCH * MICROBATCHES
    epoch_steps = $epoch_steps
    total = 0.0
    for step in range(epoch_steps):
        rate = LEARNING_RATE * factor_at(epoch * epoch_steps + step, epoch_steps)$times
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        chosen = order[step * per_step : (step + 1) * per_step]
        $weigh
        $draw
        for $part in $parts:
            loss = loss_of(model($ready), targets[part])
            $backward
            total += loss.item() * len(part)
        $clip
        optimizer.step()
        optimizer.zero_grad()
        $follow
    return total / $seen
'''
_STOP = """
value = $value  # the higher, the better
early_stopping.update(value)
if early_stopping.waited >= $patience:
    print(f"stopped early: no improvement for {early_stopping.waited} epochs")
    break
"""
_FP32 = """
if torch.cuda.is_available():  # convolutions in whole fp32 too
    torch.backends.cudnn.conv.fp32_precision = "ieee"
"""
_WEIGH = "scale_of_step = step_scale(targets[chosen].cpu(), CLASS_WEIGHTS)  # the weights are 1 in the mean of a step"
_DRAW = """
numbers = numbers_of(epoch, step, min(per_step, len(order)))[: len(chosen)].to(inputs.device)
"""
_EVALUATE = '''
@torch.inference_mode()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Mean loss over all samples, and $metric."""
    model.eval()
    total, $name = 0.0, 0.0
    for x, y in zip(torch.split(inputs, max(BATCH, $least)), torch.split(targets, max(BATCH, $least))):
        output = model(scale(x))
        total += loss_of(output, y).item() * len(y)
        $count
    return total / len(targets), $name / len(targets)
'''
_COUNTS = {
    "classification": (
        "the share of them that is classified rightly",
        "right",
        "right += (output.argmax(1) == y).sum().item()",
    ),
    "multi-task": (
        "the share of them that is classified rightly",
        "right",
        "right += (output[:, :$classes].argmax(1) == y[:, 0]).sum().item()",
    ),
    "regression": (
        "the mean absolute error in the own unit of what is predicted",
        "error",
        "error += ((output - y).abs().double() * torch.tensor($stds, device=y.device)).mean(1).sum().item()",
    ),
}
_MAIN = '''
def main() -> None:
    """Trains, and prints a line for each epoch."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data", default=DATA, help="where the samples are")
    options.add_argument("--epochs", type=int, default=EPOCHS, help="epochs to train")
    options.add_argument("--device", default=$device, help="cpu, cuda or mps")
    options.add_argument("--save", help="file for the weights")
    arguments = options.parse_args()
    $threads
    train_x, train_y, val_x, val_y = (part.to(arguments.device) for part in load_data(arguments.data))
    torch.manual_seed(derive_seed(SEED, "weights"))
    model = build_model()
    $load
    model.to(arguments.device)
    torch.manual_seed(derive_seed(SEED, "steps", 0))  # what is random in the steps, as dropout
    optimizer = build_optimizer(model)
    $before
    for epoch in range(arguments.epochs):
        loss = train_epoch(model, optimizer, train_x, train_y, epoch$plateau$average)
        line = f"epoch {epoch + 1}: train loss {loss:.6g}"
        if len(val_y):
            $swap
            val_loss, val_metric = evaluate(model, val_x, val_y)
            $swap
            line += f", val loss {val_loss:.6g}, val $metric {val_metric:.6g}"
        print(line)
        $after
    if arguments.save:
        $swap
        torch.save(model.state_dict(), arguments.save)
'''
_PROCESSORS = 'len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1'
_DEVICE = '"cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"'


TASKS = tuple(_COUNTS)
"""Tasks whose metric a script can count."""


def piece(config: RunConfig, source: Source) -> Piece:
    """The functions that train, evaluate and lead. Raises RefusedError."""
    uses = {
        "derive_seed": derive_seed,
        "EMA": EMA,
        "PlateauState": PlateauState,
        "EarlyStopping": EarlyStopping,
        "Schedule": type(config.schedule),
        "step_scale": balance.step_scale,
    }
    code = "\n\n\n".join((_train(config), _evaluate(source.task), _main(config, source)))
    return Piece(code, ("import argparse",), {**uses, "TaskSpec": TaskSpec})


def _train(config: RunConfig) -> str:
    changed = augment.changes(config)
    training = config.training
    clip = []
    if training.clip_value != "off":
        clip.append(f"nn.utils.clip_grad_value_(model.parameters(), {training.clip_value})")
    if training.clip_norm != "off":
        clip.append(f"nn.utils.clip_grad_norm_(model.parameters(), {training.clip_norm})")
    weighted = config.dataset.balance == "loss"
    weights = [] if training.accumulation == 1 else ["len(part) / len(chosen)"]
    weights += ["scale_of_step"] if weighted else []
    falling = isinstance(config.schedule, Plateau)
    return filled(
        _TRAIN,
        plateau=", plateau: PlateauState" if falling else "",
        times=" * plateau.factor" if falling else "",
        epoch_steps="len(order) // per_step" if training.drop_last else "math.ceil(len(order) / per_step)",
        seen="(epoch_steps * per_step)" if training.drop_last else "len(order)",
        weigh=_WEIGH if weighted else "",
        backward=f"(loss * ({' * '.join(weights)})).backward()" if weights else "loss.backward()",
        clip="\n".join(clip),
        average=", average: EMA" if training.ema != "off" else "",
        follow="average.update()" if training.ema != "off" else "",
        draw=filled(_DRAW) if changed else "",
        part="part, drawn" if changed else "part",
        parts="zip(torch.split(chosen, BATCH), torch.split(numbers, BATCH))"
        if changed
        else "torch.split(chosen, BATCH)",
        ready="augment(inputs[part], drawn)" if changed else "scale(inputs[part])",
    )


def _evaluate(task: TaskSpec) -> str:
    metric, name, count = _COUNTS[task.kind]
    facts = {"classes": len(task.classes), "stds": list(task.stds)}
    return filled(_EVALUATE, metric=metric, name=name, count=filled(count, **facts), least=EVALUATION_BATCH)


def _main(config: RunConfig, source: Source) -> str:
    wanted, threads = config.hardware.device, config.hardware.threads
    lines = [f"torch.set_num_threads({threads if threads != 'auto' else _PROCESSORS})"]
    if config.training.deterministic:
        lines.append("torch.use_deterministic_algorithms(True, warn_only=True)")
    if wanted != "cpu":
        lines.append(filled(_FP32))
    falling = isinstance(config.schedule, Plateau)
    patience, memory = config.training.early_stopping, config.training.ema
    before = ["plateau = PlateauState()"] if falling else []
    before += ['early_stopping = EarlyStopping("value", higher_is_better=True)'] if patience != "off" else []
    before += [f"average = EMA(model, {memory})"] if memory != "off" else []
    after = (
        [
            filled("value = $value  # the higher, the better", value=learning.followed(config, source)),
            "plateau.update(value, Schedule())  # the learning rate falls when no improvement is seen",
        ]
        if falling
        else []
    )
    after += [filled(_STOP, value=learning.judged(config, source), patience=patience)] if patience != "off" else []
    return filled(
        _MAIN,
        device=_DEVICE if wanted == "auto" else repr(wanted),
        threads="\n".join(lines),
        load="load_weights(model)" if network.loads(config.model) else "",
        before="\n".join(before),
        plateau=", plateau" if falling else "",
        average=", average" if memory != "off" else "",
        swap="average.swap()" if memory != "off" else "",
        metric="accuracy" if source.task.has_classes else "mae",
        after="\n".join(after),
    )
