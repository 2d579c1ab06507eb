"""Several processes that train as one: the same global batch, the same draws, the same gradient.

Lightning Fabric starts the processes and moves tensors between them. The networks are not wrapped: an ascent
makes many passes per update, and only the gradient of the update has to be shared.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed
from torch import Tensor, nn

from benchmark.environment import check_shared_memory
from benchmark.errors import BadInput, first_line
from benchmark.noise import BatchNoise, Noise
from benchmark.training import launch

if TYPE_CHECKING:
    from lightning_fabric import Fabric


def check_processes(devices: int, num_nodes: int) -> None:
    """Raise `BadInput` unless at least one process on at least one machine is asked for."""
    for option, number in (("devices", devices), ("num-nodes", num_nodes)):
        if number < 1:
            raise BadInput(f"--{option} must be 1 or more, not {number}")


def make_fabric(
    device: torch.device, precision: str, devices: int = 1, num_nodes: int = 1, shared: int = 0
) -> Fabric:
    """Fabric for `devices` processes on each of `num_nodes` machines.

    Several machines are started by torchrun or SLURM, which Fabric recognises; several processes on this one
    by Fabric itself, which hands them the `shared` bytes of the data.

    Raises:
        BadInput: there are not that many devices, or not so much memory that processes can share.
    """
    check_processes(devices, num_nodes)
    # Takes seconds to import, and a run that is already finished never comes here.
    from lightning_fabric import Fabric
    from lightning_fabric.plugins.environments import LightningEnvironment

    # It names the precision whenever it is bfloat16; warnings still come through.
    logging.getLogger("lightning_fabric.utilities.rank_zero").setLevel(logging.WARNING)
    if devices > 1 and device.index is not None:
        raise BadInput(
            f"--device {device} names one {device.type}, and --devices {devices} asks for {devices}; "
            f"write --device {device.type}"
        )
    if device.type == "cuda" and devices > torch.cuda.device_count():
        raise BadInput(f"--devices {devices}: this machine has {torch.cuda.device_count()} GPUs")
    started_outside = launch.is_one_of_many(devices, num_nodes)
    alone = devices * num_nodes == 1
    if not alone and not started_outside:
        check_shared_memory(f"--devices {devices}", shared)
    which: Any = [device.index or 0] if alone and device.type == "cuda" else devices
    try:
        return Fabric(
            accelerator=device.type,
            devices=which,
            num_nodes=num_nodes,
            strategy="auto" if alone else "ddp" if started_outside else "ddp_spawn",
            precision="bf16-mixed" if precision == "bf16" else "32-true",
            # Else Fabric takes a scheduler's variables for its own even where this process is the only one.
            plugins=None if started_outside else LightningEnvironment(),
        )
    except (ValueError, RuntimeError, KeyError) as error:
        raise BadInput(
            f"--devices {devices} --num-nodes {num_nodes} can't be had as this was started: {first_line(error)}"
        ) from error


class BatchShard:
    """The share of one process in every global batch."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric, self.rank, self.size = fabric, fabric.global_rank, fabric.world_size

    def rows(self, whole: Tensor) -> Tensor:
        """This process's rows of a tensor of the global batch."""
        return whole if self.size == 1 else whole[self.rank :: self.size]

    def noise(self, size: int, generator: torch.Generator) -> Noise:
        """This process's rows of draws for a global batch of `size` images."""
        whole = BatchNoise(size, generator)
        return whole if self.size == 1 else PartialNoise(whole, self)

    def mean(self, tensors: Iterable[Tensor | None]) -> None:
        """Replace each tensor by its mean over the processes."""
        present = [tensor for tensor in tensors if tensor is not None]
        if self.size == 1 or not present:
            return
        flat = torch.cat([tensor.flatten() for tensor in present])
        torch.distributed.all_reduce(flat)
        flat /= self.size
        for tensor, part in zip(present, flat.split([tensor.numel() for tensor in present]), strict=True):
            tensor.copy_(part.view_as(tensor))


class PartialNoise(Noise):
    """Draws for the global batch of which only this process's rows are handed out."""

    def __init__(self, whole: Noise, shard: BatchShard) -> None:
        self.whole, self.shard = whole, shard

    def uniform(self, *shape: int) -> Tensor:
        return self.shard.rows(self.whole.uniform(*shape))

    def normal(self, *shape: int) -> Tensor:
        return self.shard.rows(self.whole.normal(*shape))

    def integers(self, low: int, high: int, *shape: int) -> Tensor:
        return self.shard.rows(self.whole.integers(low, high, *shape))

    def seed(self) -> int:
        return self.whole.seed()

    def select(self, rows: Tensor) -> Noise:
        raise TypeError("training attacks whole batches; rows of one process's part are never drawn for alone")


class _Sum(torch.autograd.Function):
    """The sum of a tensor over the processes, through which gradients flow back to all of them."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        tensor = tensor.clone()
        torch.distributed.all_reduce(tensor)
        return tensor

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].clone()
        torch.distributed.all_reduce(gradient)
        return gradient


def share_batch_norm(network: nn.Module) -> nn.Module:
    """Let the network's batch norms take their statistics over the global batch; its state stays as it is.

    On NVIDIA's GPUs by torch's own kernels, which know no other devices.
    """
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            if module.weight is not None and module.weight.is_cuda:
                module.__class__ = nn.SyncBatchNorm  # type: ignore[assignment]
                module.process_group = None  # type: ignore[assignment]  # all of them
            else:
                module.__class__ = SharedBatchNorm2d
    return network


def own_batch_norm(network: nn.Module) -> nn.Module:
    """Undo `share_batch_norm`; in eval mode it makes no difference."""
    for module in network.modules():
        if type(module) in (SharedBatchNorm2d, nn.SyncBatchNorm):
            module.__class__ = nn.BatchNorm2d
    return network


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm over all processes, on any device."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        values = x.to(torch.promote_types(x.dtype, torch.float32))
        count = torch.full((1,), float(x.numel() // x.shape[1]), device=x.device)
        sums = _Sum.apply(torch.cat([values.sum((0, 2, 3)), values.square().sum((0, 2, 3)), count]))
        total, squares, n = sums[: x.shape[1]], sums[x.shape[1] : -1], sums[-1]
        mean = total / n
        variance = (squares / n - mean.square()).clamp_min(0)
        with torch.no_grad():
            for running, value in ((self.running_mean, mean), (self.running_var, variance * n / (n - 1))):
                if running is not None and self.momentum is not None:
                    running.lerp_(value, self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (values * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]).to(x.dtype)
