"""TorchScript: a network in one file together with its code, which runs when it is asked."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmark.errors import BadInput, UnfitNetwork, reason
from benchmark.models.external import ExternalModel


def from_torchscript(name: str, download: bool, trust_remote_code: bool) -> ExternalModel:
    """FILE, what torch.jit.save wrote; it holds code that runs, so that it has to be trusted."""
    path = Path(name)
    if not path.is_file():
        raise BadInput(f"there is no file {name}; torchscript:FILE names what torch.jit.save wrote")
    if not trust_remote_code:
        raise BadInput(f"torchscript:{name} runs the code in the file; pass --trust-remote-code if you trust it")
    try:
        network = torch.jit.load(str(path), map_location="cpu")
    except Exception as error:  # torch raises all kinds of errors for a damaged file
        raise UnfitNetwork(f"torchscript:{name} can't be loaded: {reason(error)}") from error
    return ExternalModel(f"torchscript:{name}", network)
