"""The training loop of a generated script: epochs, steps, validation."""

from __future__ import annotations

from workbench.config.fields import kind_of
from workbench.config.run import RunConfig
from workbench.engine.data.dataset import Source
from workbench.engine.export.script import augment, models, pretrained, schedule
from workbench.engine.export.script.piece import filled

_TRAIN = '''
def train_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, inputs: Tensor, targets: Tensor, epoch: int$plateau$average
) -> float:
    """One pass over the samples. Gives the mean loss over them."""
    model.train()
    order = order_of(targets, epoch).to(inputs.device)
    per_step = BATCH * PASSES
    epoch_steps = $epoch_steps
    total = 0.0
    for step in range(epoch_steps):
        rate = LEARNING_RATE * factor_at(epoch * epoch_steps + step, epoch_steps)$times
        for group in optimizer.param_groups:
            group["lr"] = rate * group.get("factor", 1.0)
        chosen = order[step * per_step : (step + 1) * per_step]
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
_FOLLOW = """
for kept, weight in zip(average, trained_of(model)):
    kept.lerp_(weight, 1 - $memory)
"""
_SWAP = '''
def trained_of(model: nn.Module) -> list[Tensor]:
    """The weights that are trained."""
    return [parameter.detach() for parameter in model.parameters() if parameter.requires_grad]


def swap(model: nn.Module, average: list[Tensor]) -> None:
    """Puts the average into the model, and the weights into its place. Called again, it puts both back."""
    for kept, weight in zip(average, trained_of(model)):
        before = weight.clone()
        weight.copy_(kept)
        kept.copy_(before)
'''
_STOP = """
if value == value and (top is None or value > top):
    top, waited = value, 0
else:
    waited += 1
if waited >= $patience:
    print(f"stopped early: no improvement for {waited} epochs")
    break
"""
_FP32 = """
if torch.cuda.is_available():  # convolutions in whole fp32 too
    torch.backends.cudnn.conv.fp32_precision = "ieee"
"""
_DRAW = """
draw = generator(SEED, "augment", epoch, step)
numbers = torch.rand(min(per_step, len(order)), NUMBERS_EACH, generator=draw)[: len(chosen)].to(inputs.device)
"""
_EVALUATE = '''
@torch.inference_mode()
def evaluate(model: nn.Module, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Mean loss over all samples, and $metric."""
    model.eval()
    total, $name = 0.0, 0.0
    for x, y in zip(torch.split(inputs, max(BATCH, 512)), torch.split(targets, max(BATCH, 512))):
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
    torch.manual_seed(seed_for(SEED, "weights"))
    model = build_model()
    $start
    $load
    model.to(arguments.device)
    torch.manual_seed(seed_for(SEED, "steps", 0))  # what is random in the steps, as dropout
    optimizer = build_optimizer(model)
    $before
    for epoch in range(arguments.epochs):
        loss = train_epoch(model, optimizer, train_x, train_y, epoch$plateau$average)
        words = f"epoch {epoch + 1}: train loss {loss:.6g}"
        if len(val_y):
            $swap
            val_loss, val_metric = evaluate(model, val_x, val_y)
            $swap
            words += f", val loss {val_loss:.6g}, val $metric {val_metric:.6g}"
        print(words)
        $after
    if arguments.save:
        $swap
        torch.save(model.state_dict(), arguments.save)
'''
_PROCESSORS = 'len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1'
_DEVICE = '"cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"'


def train(config: RunConfig) -> str:
    """``train_epoch(...)``."""
    changed = augment.changes(config)
    training = config.training
    clip = []
    if training.clip_value != "off":
        clip.append(f"nn.utils.clip_grad_value_(model.parameters(), {training.clip_value})")
    if training.clip_norm != "off":
        clip.append(f"nn.utils.clip_grad_norm_(model.parameters(), {training.clip_norm})")
    alone = training.accumulation == 1
    plateau = kind_of(type(config.schedule)) == "plateau"
    return filled(
        _TRAIN,
        plateau=", plateau: float" if plateau else "",
        times=" * plateau" if plateau else "",
        epoch_steps="len(order) // per_step" if training.drop_last else "math.ceil(len(order) / per_step)",
        seen="(epoch_steps * per_step)" if training.drop_last else "len(order)",
        backward="loss.backward()" if alone else "(loss * (len(part) / len(chosen))).backward()",
        clip="\n".join(clip),
        average=", average: list[Tensor]" if training.ema != "off" else "",
        follow=filled(_FOLLOW, memory=training.ema) if training.ema != "off" else "",
        draw=filled(_DRAW) if changed else "",
        part="part, drawn" if changed else "part",
        parts="zip(torch.split(chosen, BATCH), torch.split(numbers, BATCH))"
        if changed
        else "torch.split(chosen, BATCH)",
        ready="augment(inputs[part], drawn)" if changed else "scale(inputs[part])",
    )


def evaluate(config: RunConfig, source: Source) -> str:
    """``evaluate(...)``, and what puts an average of the weights into the network where one is kept."""
    task = source.task
    metric, name, count = _COUNTS[task.kind]
    facts = {"classes": len(task.classes), "stds": list(task.stds)}
    code = filled(_EVALUATE, metric=metric, name=name, count=filled(count, **facts))
    return f"{filled(_SWAP)}\n\n\n{code}" if config.training.ema != "off" else code


def main(config: RunConfig, source: Source) -> str:
    """``main()``. Raises RefusedError."""
    wanted, threads = config.hardware.device, config.hardware.threads
    lines = [f"torch.set_num_threads({threads if threads != 'auto' else _PROCESSORS})"]
    if config.training.deterministic:
        lines.append("torch.use_deterministic_algorithms(True, warn_only=True)")
    if wanted != "cpu":
        lines.append(filled(_FP32))
    falling = schedule.plateau(config)
    patience = config.training.early_stopping
    averaged = config.training.ema != "off"
    before = ["plateau, best, bad, cooling = 1.0, -math.inf, 0, 0"] if falling else []
    before += ["top, waited = None, 0"] if patience != "off" else []
    before += ["average = [weight.clone() for weight in trained_of(model)]"] if averaged else []
    after = [falling] if falling else []
    after += [filled(_STOP, patience=patience)] if patience != "off" else []
    after = [schedule.judged(config, source), *after] if after else []
    return filled(
        _MAIN,
        device=_DEVICE if wanted == "auto" else repr(wanted),
        threads="\n".join(lines),
        start="start_weights(model)" if models.starts(config) else "",
        load="load_weights(model)" if pretrained.loads(config.model) else "",
        before="\n".join(before),
        plateau=", plateau" if falling else "",
        average=", average" if averaged else "",
        swap="swap(model, average)" if averaged else "",
        metric="accuracy" if source.task.has_classes else "mae",
        after="\n".join(after),
    )
