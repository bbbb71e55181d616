"""Where randomness comes from. Every stream is its own function of the seed, so that none depends on how another is used."""

from __future__ import annotations

import hashlib
import os
import random
from typing import cast

import numpy as np
import torch

from workbench.engine.runtime.state_types import RandomState


def derive_seed(seed: int, *parts: object) -> int:
    """A seed of 63 bits for one purpose: the same for the same parts, unrelated for others."""
    text = repr((seed, *parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") >> 1


def seed_everything(seed: int, *parts: object) -> None:
    """Seeds Python, NumPy and torch on every device with :func:`derive_seed`."""
    value = derive_seed(seed, *parts)
    random.seed(value)
    np.random.seed(value % 2**32)  # the old global stream: the user's own code may draw from it
    torch.manual_seed(value)


def generator(seed: int, *parts: object) -> torch.Generator:
    """A CPU generator of its own, seeded with :func:`derive_seed`."""
    return torch.Generator().manual_seed(derive_seed(seed, *parts))


def set_deterministic(wanted: bool) -> None:
    """Asks torch for algorithms that give the same bits each time, where it has them (only a GPU can lack them)."""
    if wanted and torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if wanted != torch.are_deterministic_algorithms_enabled():  # the call alone imports torch's compiler: seconds
        torch.use_deterministic_algorithms(wanted, warn_only=True)
    torch.backends.cudnn.deterministic = wanted
    torch.backends.cudnn.benchmark = not wanted


def random_states(device: torch.device) -> RandomState:
    """The state of every random stream of this process, fit for ``torch.load(weights_only=True)``."""
    name, keys, *rest = np.random.get_state()
    numpy = (str(name), torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest)
    states: RandomState = {"python": random.getstate(), "numpy": numpy, "cpu": torch.get_rng_state()}
    own = device_state(device)
    return states if own is None else cast("RandomState", {**states, device.type: own})


def device_state(device: torch.device) -> torch.Tensor | None:
    """The state of a device's own stream; None for the CPU."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else None


def restore_device(state: torch.Tensor | None, device: torch.device) -> None:
    """Puts back what :func:`device_state` gave."""
    if state is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    elif state is not None and device.type == "mps":
        torch.mps.set_rng_state(state)


def restore_random_states(states: RandomState, device: torch.device) -> None:
    """Puts back what :func:`random_states` gave."""
    version, inner, gauss = states["python"]
    random.setstate((version, tuple(inner), gauss))
    if "numpy" in states:
        name, keys, *rest = states["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states["cpu"])
    own = {"cuda": states.get("cuda"), "mps": states.get("mps")}.get(device.type)
    restore_device(own, device)
