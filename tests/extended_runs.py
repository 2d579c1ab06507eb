"""Runs of a toy network that more epochs may follow, and what it is for two of them to be the same."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache

import torch
from synthetic_training import FAST
from torch import nn

from benchmark.data import Dataset
from benchmark.models import ARCHITECTURES, load_checkpoint
from benchmark.models.checkpoint import Checkpoint
from benchmark.training import train
from benchmark.training.report import Reporter
from benchmark.training.request import make_plan

STEPS = {f"threats.{norm}.steps": 1 for norm in ("linf", "l2", "l1")}
SHORT = {"batch_size": 32, "schedule": "constant", **STEPS}
SHORT |= {f"validation.{key}": value for key, value in {"images": 8, "steps": 1, "every": 1}.items()}


@contextmanager
def toy_network():
    """Within this context there is an architecture of a few weights, "toy"."""

    def toy(num_classes, shape):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(shape[1] * shape[2], 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, num_classes)
        )

    with ARCHITECTURES.lent("toy", toy):
        yield


@cache
def few():
    """Eighty images."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand((80, 1, 8, 8), generator=generator), torch.arange(80) % 4
    return Dataset.from_arrays(x[:8], y[:8], name="few", classes=4, scale="digits", train=(x, y))


def fit_in(place, epochs, settings=None, method="at", name="mine", folder="zoo", **options):
    """Train the toy network for so many epochs, in a folder of `place`."""
    settings = {**SHORT, "epochs": epochs, **(settings or {})}
    usual = {"dataset": few(), "arch": "toy", "out": place / folder, "name": name, **FAST}
    return train(method, set=settings, **{**usual, **options})


def planned(epochs, settings=None, method="at", **options):
    """The plan of such a training."""
    settings = {**SHORT, "epochs": epochs, **(settings or {})}
    usual = {"recipe": "quick", "seed": 0, "name": "mine", "device": "cpu", "precision": "fp32"}
    return make_plan(method, dataset=few(), arch="toy", set=settings, **{**usual, **options})


def interrupt(monkeypatch, after):
    """What raises once so many steps have been made."""
    made = []

    def die(self):
        made.append(1)
        if len(made) > after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Reporter, "step", die)


def all_but_time(checkpoint: Checkpoint) -> dict:
    """All that a file says, without how long anything took."""
    timed = ("seconds", "images_per_second")
    said = {**vars(checkpoint), "state": None}
    said["history"] = [{key: value for key, value in row.items() if key not in timed} for row in checkpoint.history]
    said["extra"] = {key: value for key, value in checkpoint.extra.items() if key not in timed}
    return said


def assert_same_files(one, other):
    assert len(one) == len(other)
    for selected, again in zip(one, other, strict=True):
        for path, twin in ((selected, again), *[(p.parent / "last" / p.name for p in (selected, again))]):
            left, right = load_checkpoint(path), load_checkpoint(twin)
            assert all_but_time(left) == all_but_time(right)
            assert left.state.keys() == right.state.keys()
            assert all(torch.equal(left.state[key], right.state[key]) for key in left.state)
            assert left.digest == right.digest


def assert_same_state(one, other):
    """That the tensors and plain values of two states are the same, but for the time."""
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds", "images_per_second"}:
            assert_same_state(one[key], other[key])
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same_state(left, right)
    else:
        assert one == other
