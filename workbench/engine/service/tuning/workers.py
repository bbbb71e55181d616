"""One trial of the search for a number of loader workers."""

from __future__ import annotations

import torch

from workbench.config.run import RunConfig
from workbench.engine import data
from workbench.engine.data import loader
from workbench.engine.runtime.failures import RefusedError
from workbench.engine.service.tuning.throughput import throughput
from workbench.runs.service.tuning import WorkersTrial

RESIDENT = "the samples are resident: they lie in memory whole, and no worker reads them"


def trial(config: RunConfig, device: torch.device) -> WorkersTrial:
    """Throughput with the configuration's loader workers. Raises RefusedError where data is resident and has none."""
    source = data.load(config.dataset)
    if loader.is_resident(config, source, device):
        raise RefusedError(
            RESIDENT, "nothing has to be set; choose streamed to measure it all the same", "dataset.loading"
        )
    workers = config.dataset.workers
    assert workers != "auto", "a trial is of a certain number"
    return WorkersTrial(workers=workers, samples_per_second=throughput(config, source, device))
