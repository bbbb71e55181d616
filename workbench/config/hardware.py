"""Where and in what precision a run is computed."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting


class Hardware(Section):
    """Device, processes, precision and threads."""

    device: str = setting(
        "auto",
        title="Device",
        help="Auto uses CUDA if available, else MPS (Apple), else the CPU. A single GPU is named cuda:0, cuda:1 and so on.",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
    )
    processes: Literal["auto"] | int = setting(
        "auto",
        title="Processes",
        help="Number of training processes, one per GPU (DistributedDataParallel). Auto uses all GPUs, or one process if "
        "there is at most one GPU.",
        ge=1,
        le=1024,
        advanced=True,
    )
    parallel: Literal["ddp", "data-parallel"] = setting(
        "ddp",
        title="Multi-GPU mode",
        help="DistributedDataParallel runs one process per GPU. DataParallel uses all GPUs from one process: it copies the "
        "model at every step and is limited by Python's global lock, so it is slower and uses more memory on the first GPU.",
        labels={"ddp": "DistributedDataParallel", "data-parallel": "DataParallel"},
        advanced=True,
    )
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = setting(
        "fp32",
        title="Precision",
        help="fp32 is the reference. tf32 is faster on NVIDIA GPUs from Ampere on. bf16 and fp16 need about half the memory; "
        "fp16 uses loss scaling and needs CUDA.",
    )
    compile: bool = setting(
        False,
        title="Compile",
        help="Compile the model with torch.compile before the first step. This takes seconds to minutes, needs a C++ "
        "compiler on the CPU, and can make each step faster.",
        advanced=True,
    )
    threads: Literal["auto"] | int = setting(
        "auto",
        title="CPU threads",
        help="CPU threads of each process. Auto divides the processors among the processes.",
        ge=1,
        le=1024,
        advanced=True,
    )
