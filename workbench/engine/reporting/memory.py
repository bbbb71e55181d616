"""How much memory a run takes, and how much there is."""

from __future__ import annotations

import multiprocessing

import psutil
import torch

from workbench.engine.runtime.devices import cpu_name
from workbench.runs.events import DeviceMemory


def sample(device: torch.device) -> DeviceMemory:
    """Memory of the device of this process, in bytes. On the CPU, *allocated* is what the process and its children hold."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return DeviceMemory(
            name=f"GPU {device.index or 0} {torch.cuda.get_device_name(device)}",
            allocated=torch.cuda.memory_allocated(device),
            reserved=torch.cuda.memory_reserved(device),
            used=total - free,
            total=total,
        )
    whole = psutil.virtual_memory()
    if device.type == "mps":
        return DeviceMemory(
            name="Apple GPU",
            allocated=torch.mps.current_allocated_memory(),
            reserved=torch.mps.driver_allocated_memory(),
            used=whole.total - whole.available,
            total=torch.mps.recommended_max_memory(),
        )
    held = process_memory()
    return DeviceMemory(
        name=f"CPU {cpu_name()}", allocated=held, reserved=held, used=whole.total - whole.available, total=whole.total
    )


def process_memory() -> int:
    """Main memory of this process and its loader workers, in bytes.

    The workers are asked for by name: looking through all processes of the machine would take longer than many a step.
    """
    held = int(psutil.Process().memory_info().rss)
    for child in multiprocessing.active_children():
        try:
            held += int(psutil.Process(child.pid).memory_info().rss)
        except psutil.Error:
            continue
    return held


def main_memory() -> int:
    """Main memory of the machine, in bytes."""
    return int(psutil.virtual_memory().total)


def main_memory_left() -> int:
    """Bytes of main memory that programs can still have."""
    return int(psutil.virtual_memory().available)
