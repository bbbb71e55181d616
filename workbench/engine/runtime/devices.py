"""What the machine has to compute with, and which of it a run takes."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import psutil
import torch

from workbench.config.hardware import Hardware
from workbench.engine.runtime.failures import RefusedError


@dataclass(frozen=True)
class DeviceInfo:
    """A device a run can be computed on. ``memory`` in bytes."""

    id: str
    name: str
    memory: int
    precisions: tuple[str, ...]


def devices() -> tuple[DeviceInfo, ...]:
    """Every device torch can compute on: GPUs first, the CPU last."""
    available = [_cuda(index) for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    if torch.backends.mps.is_available():
        available.append(DeviceInfo("mps", "Apple GPU", psutil.virtual_memory().total, ("fp32", "bf16")))
    available.append(DeviceInfo("cpu", cpu_name(), psutil.virtual_memory().total, ("fp32", "bf16")))
    return tuple(available)


def choose(hardware: Hardware) -> str:
    """The device a configuration means. Raises RefusedError with the reason when it is not there."""
    wanted = hardware.device
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if wanted.startswith("cuda"):
        if not torch.cuda.is_available():
            why = "; ".join(warnings()) or "PyTorch finds none on this machine"
            raise RefusedError(f"no NVIDIA GPU can be used: {why}", "choose auto or cpu", "hardware.device")
        index = int(wanted.partition(":")[2] or 0)
        if index >= torch.cuda.device_count():
            has = f"this machine has {torch.cuda.device_count()}"
            hint = "choose a lower number: the first GPU is cuda:0"
            raise RefusedError(f"there is no GPU number {index}: {has}", hint, "hardware.device")
    if wanted == "mps" and not torch.backends.mps.is_available():
        raise RefusedError("no Apple GPU can be used on this machine", "choose auto or cpu", "hardware.device")
    return wanted


def check_precision(hardware: Hardware, device: str) -> None:
    """Raises RefusedError with the reason when ``device`` cannot compute in the precision asked for."""
    kind, precision = device.partition(":")[0], hardware.precision
    if precision in ("fp16", "tf32") and kind != "cuda":
        why = f"{precision} needs an NVIDIA GPU, and the run is on {kind}"
        raise RefusedError(why, "choose fp32 or bf16", "hardware.precision")
    if kind == "cuda" and precision in ("tf32", "bf16"):
        index = int(device.partition(":")[2] or 0)
        if torch.cuda.get_device_capability(index) < (8, 0):
            name = torch.cuda.get_device_name(index)
            raise RefusedError(f"{name} does not support {precision}", "choose fp32 or fp16", "hardware.precision")


def processes(hardware: Hardware, device: str) -> int:
    """How many processes train together. Raises RefusedError for more of them than GPUs."""
    gpus = torch.cuda.device_count() if device == "cuda" else 1
    if hardware.parallel == "data-parallel":
        return 1
    if hardware.processes == "auto":
        return max(gpus, 1) if hardware.device in ("auto", "cuda") and device == "cuda" else 1
    if device.startswith("cuda") and hardware.processes > gpus:
        why = f"{hardware.processes} processes need as many GPUs, and there are {gpus}"
        raise RefusedError(why, "choose auto", "hardware.processes")
    return hardware.processes


def describe(device: str) -> str:
    """The name of a device, as a person knows it."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(int(device.partition(":")[2] or 0))
    return "Apple GPU" if device == "mps" else f"CPU, {torch.get_num_threads()} threads"


def warnings() -> list[str]:
    """Why torch cannot use a GPU that is there, in sentences."""
    gpus = gpus_in_the_machine()
    if torch.cuda.is_available() or not gpus:
        return []
    names = ", ".join(gpus)
    if torch.version.cuda is None:
        return [f"{names} is there, but this PyTorch was built without CUDA: install a build with CUDA"]
    return [f"{names} is there, but PyTorch (CUDA {torch.version.cuda}) cannot use it: update the driver"]


def gpus_in_the_machine() -> list[str]:
    """Names of the NVIDIA GPUs the driver knows, whether torch can use them or not."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        count = pynvml.nvmlDeviceGetCount()
        return [str(pynvml.nvmlDeviceGetName(pynvml.nvmlDeviceGetHandleByIndex(index))) for index in range(count)]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def machine() -> dict[str, Any]:
    """The machine as plain data, for the device panel and the environment report."""
    return {
        "devices": [vars(device) | {"precisions": list(device.precisions)} for device in devices()],
        "chosen": choose(Hardware()),
        "torch": torch.__version__,
        "torchvision": metadata.version("torchvision"),  # not imported for it: that takes seconds
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cuda": torch.version.cuda,
        "cuda_available": torch.cuda.is_available(),
        "mps_available": torch.backends.mps.is_available(),
        "threads": available_cpus(),
        "warnings": warnings(),
    }


def available_cpus() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's name where the system gives it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        name = platform.processor()
    return name or "CPU"


def _cuda(index: int) -> DeviceInfo:
    properties = torch.cuda.get_device_properties(index)
    ampere = torch.cuda.get_device_capability(index) >= (8, 0)
    precisions = ("fp32", "tf32", "bf16", "fp16") if ampere else ("fp32", "fp16")
    return DeviceInfo(f"cuda:{index}", properties.name, properties.total_memory, precisions)
