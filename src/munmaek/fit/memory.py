"""The state of an optimiser and of the random generators, as tensors of a checkpoint."""

from typing import Any, cast

import torch
from torch import Tensor

from munmaek.fit.sharding import divided_like, whole

__all__ = ["generators", "load_generators", "load_moments", "moments"]


def moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return what the optimiser remembers of each parameter, under ``moment.number.name``."""
    state = cast("dict[int, dict[str, Any]]", optimiser.state_dict()["state"])
    return {
        f"moment.{number}.{name}": whole(tensor)
        for number, values in state.items()
        for name, tensor in values.items()
        if isinstance(tensor, Tensor)
    }


def load_moments(optimiser: torch.optim.Optimizer, tensors: Any) -> None:
    """Put what ``moments`` gave back into the optimiser; other tensors are passed over."""
    state: dict[int, dict[str, Tensor]] = {}
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    for key, tensor in cast("dict[str, Tensor]", tensors).items():
        kind, _, rest = key.partition(".")
        if kind == "moment":
            number, _, name = rest.partition(".")
            model = parameters[int(number)]
            state.setdefault(int(number), {})[name] = divided_like(tensor, model)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def generators(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's global generators, under ``random.kind``."""
    out = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        out["random.cuda"] = torch.cuda.get_rng_state(device)
    return out


def load_generators(device: torch.device, tensors: Any) -> None:
    """Put what ``generators`` gave back into torch's global generators."""
    values = cast("dict[str, Tensor]", tensors)
    torch.set_rng_state(values["random.cpu"])
    if device.type == "cuda" and "random.cuda" in values:
        torch.cuda.set_rng_state(values["random.cuda"], device)
