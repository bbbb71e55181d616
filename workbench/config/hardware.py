"""Where a run is computed and in what precision."""

from __future__ import annotations

from typing import Literal

from workbench.config.fields import Section, setting


class Hardware(Section):
    """Device, processes, precision and threads."""

    device: str = setting(
        "auto",
        title="Device",
        help="Auto takes CUDA, then MPS (Apple), then the CPU. A single GPU is named cuda:0, cuda:1 and so on.",
        pattern=r"^(auto|cpu|mps|cuda(:[0-9]{1,3})?)$",
    )
    processes: Literal["auto"] | int = setting(
        "auto",
        title="Processes",
        help="Processes that train together, one per GPU (DistributedDataParallel). Auto uses every GPU when several exist, "
        "else one process.",
        ge=1,
        le=1024,
        advanced=True,
    )
    parallel: Literal["ddp", "data-parallel"] = setting(
        "ddp",
        title="Several GPUs",
        help="DistributedDataParallel runs one process per GPU. DataParallel drives all GPUs from one process: it copies the "
        "network at every step and waits for Python's lock, so it is slower and leaves the first GPU fuller than the others.",
        labels={"ddp": "DistributedDataParallel", "data-parallel": "DataParallel"},
        advanced=True,
    )
    precision: Literal["fp32", "tf32", "bf16", "fp16"] = setting(
        "fp32",
        title="Precision",
        help="fp32 is exact everywhere. tf32 is faster on NVIDIA GPUs from Ampere on. bf16 and fp16 halve memory; "
        "fp16 scales the loss and needs CUDA.",
    )
    compile: bool = setting(
        False,
        title="Compile",
        help="The network is compiled by torch.compile before the first step. That takes seconds to minutes, needs a C++ "
        "compiler on the CPU, and can make each step faster.",
        advanced=True,
    )
    threads: Literal["auto"] | int = setting(
        "auto",
        title="CPU threads",
        help="Threads that one process computes with on the CPU. Auto shares the processors among the processes.",
        ge=1,
        le=1024,
        advanced=True,
    )
