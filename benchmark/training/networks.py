"""The networks of a run as they begin: built from its seed, given what weights there are, laid out for the device."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from benchmark.models import build
from benchmark.training.parallel import share_batch_norm
from benchmark.training.plan import Plan
from benchmark.training.seeds import derived_seed


def new_networks(plan: Plan, device: torch.device) -> list[nn.Module]:
    """Those that learn, in the order of the cohort."""
    return [_new_network(plan, n).to(device) for n in range(len(plan.bound.cohort.members))]


def lay_out(networks: Iterable[nn.Module], processes: int) -> None:
    """Put them into the layout that is fastest; on several processes batch norms see the batch of all."""
    for module in networks:
        module.to(memory_format=torch.channels_last)
        if processes > 1:
            share_batch_norm(module)


def _new_network(plan: Plan, n: int) -> nn.Module:
    data, initial = plan.dataset, plan.initial_of(n)
    mean, std = plan.normalization(n)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(plan.seed, "weights", n))
        network = build(plan.architecture, num_classes=data.num_classes, shape=data.shape, mean=mean, std=std)
    if initial:  # which lacks at most the last layer, see `fitted`
        network.load_state_dict(initial.state, strict=False)
    return network
