"""Which device and which precision to compute in, and what to call the machine in a report."""

from __future__ import annotations

import contextlib
import platform
from pathlib import Path

import torch

from benchmark.errors import BadInput, first_line, unknown

PRECISIONS = ("auto", "fp32", "tf32", "bf16")


def resolve_device(name: str = "auto") -> torch.device:
    """The device called `name`; "auto" is the first GPU if there is one, else the CPU.

    Raises:
        BadInput: no such device here, or it can't compute.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        if device.type == "cpu" and device.index:  # which torch takes for the only one
            raise ValueError("there is one device cpu, whatever the number of processors")
        torch.zeros(1, device=device).add_(1).item()  # a driver or a build that is too old fails here
    except (RuntimeError, AssertionError, ValueError) as error:
        raise BadInput(
            f"device {name!r} can't be used here ({first_line(error)}); try --device auto or cpu"
        ) from error
    return device


def resolve_precision(name: str, device: torch.device) -> str:
    """ "fp32", "tf32" or "bf16"; "auto" is bf16 where the hardware multiplies bfloat16 matrices natively.

    Raises:
        BadInput: unknown name, or TF32 on a device that has none.
    """
    if name not in PRECISIONS:
        raise unknown("precision", name, PRECISIONS)
    if name == "tf32" and not has_tf32(device):
        raise BadInput(f"{device} has no TF32, which NVIDIA's GPUs have from the A100 on; take fp32 or bf16")
    if name != "auto":
        return name
    return "bf16" if has_bf16(device) else "fp32"


def has_tf32(device: torch.device) -> bool:
    """Whether the device may multiply float32 numbers in TF32; a CPU does not, whatever is asked of it."""
    if device.type == "cuda":
        return torch.version.hip is None and torch.cuda.get_device_capability(device) >= (8, 0)
    return device.type != "cpu"


def has_bf16(device: torch.device) -> bool:
    """Whether bfloat16 products run on the device's own units instead of being emulated."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type != "cpu":
        return False
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def describe(device: torch.device) -> str:
    """The device in words, e.g. "NVIDIA H200" or "AMD EPYC, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{_cpu_name()}, {threads} thread{'s' * (threads != 1)}"


def _cpu_name() -> str:
    with contextlib.suppress(OSError):  # not on every system, nor for everybody
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
