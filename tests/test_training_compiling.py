"""--compile in training: what is compiled how, the same weights, and refusals; without a code generator."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import benchmark
from benchmark.arithmetic import _PRODUCTS
from benchmark.errors import BadInput
from benchmark.models import build
from benchmark.training.compiling import compile_all
from benchmark.training.parallel import SharedBatchNorm2d, make_fabric, own_batch_norm, share_batch_norm
from benchmark.training.report import Reporter
from benchmark.training.request import make_plan
from benchmark.training.snapshot import FoldedNetwork
from benchmark.training.trainer import Trainer

SHORT = {"epochs": 1, "batch_size": 16, "validation.images": 16, "validation.steps": 1, "threats.linf.steps": 2}


@pytest.fixture
def graphs(monkeypatch):
    """torch.compile as a captured graph is: what it returned is overwritten when it is called the next time."""
    asked, settings = [], set()

    def compile(module, **options):
        asked.append(options)
        returned = []

        def replayed(*args):
            settings.add((torch.get_deterministic_debug_mode(), *(each.fp32_precision for each in _PRODUCTS)))
            while returned:
                returned.pop().data.fill_(torch.nan)
            returned.append(module._call_impl(*args))
            return returned[-1]

        module._compiled_call_impl = replayed

    monkeypatch.setattr(nn.Module, "compile", compile)
    return SimpleNamespace(asked=asked, settings=settings)


def weights(method, folder, compile):
    options = {"arch": None, "recipe": "quick", "inner": None, "outer": None, "seed": 0, "device": "cpu"}
    plan = make_plan(method, dataset="digits", set=SHORT, teacher=[], precision="fp32", name=None, **options)
    plan = dataclasses.replace(plan, dataset=dataclasses.replace(plan.dataset, train=plan.dataset.train.first(32)))
    trainer = Trainer(plan, make_fabric(torch.device("cpu"), "fp32"), compile)
    with Reporter(plan.name, 1, trainer.steps, False, None) as report:
        trainer.fit(folder / f"{method}-{compile}", None, report)
    return [module.state_dict() for module in trainer.members]


@pytest.mark.parametrize("method", ["trades", "mat"])
def test_a_compiled_training_gives_the_same_weights_though_graphs_overwrite_what_they_return(
    method, graphs, tmp_path
):
    plain, compiled = (weights(method, tmp_path, compile) for compile in (False, True))
    for ours, theirs in zip(compiled, plain, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    members = len(plain)
    assert graphs.asked == [{}] * members + [{"mode": None, "dynamic": False}] * members


@pytest.mark.parametrize("deterministic", [False, True])
def test_what_is_tried_is_tried_with_the_settings_of_the_training(deterministic, graphs, tmp_path):
    """Of other settings torch makes other code: what was tried would not be what is trained with."""
    benchmark.train(
        "at",
        dataset="digits",
        set={**SHORT, "batch_size": 1024},
        deterministic=deterministic,
        compile=True,
        device="cpu",
        precision="fp32",
        out=tmp_path,
        progress=False,
    )
    ((mode, *precisions),) = graphs.settings
    assert mode == 2 * deterministic
    assert {*precisions} <= {"ieee", "none"}


def test_without_snapshots_it_is_known_before_the_training_whether_there_is_a_compiler(monkeypatch):
    def compile(module, **options):
        module._compiled_call_impl = lambda x: 1 / 0

    module, x = nn.Linear(2, 2), torch.rand(4, 2)[:, :, None, None]
    monkeypatch.setattr(nn.Module, "compile", compile)
    with pytest.raises(BadInput, match=r"can't be compiled here \(division by zero\); train without --compile"):
        compile_all([module], None, x, nullcontext)


def snapshot():
    return FoldedNetwork(build("small-cnn", num_classes=10, shape=(1, 8, 8), mean=(0.5,), std=(0.5,)), low=False)


@pytest.mark.parametrize(
    ("compiled", "told"),
    [
        (lambda module: lambda x: 1 / 0, r"can't be compiled here \(division by zero\); train without --compile"),
        (lambda module: lambda x: module._call_impl(x.flip(0)), "compute something else; train without --compile"),
    ],
)
def test_what_cannot_be_compiled_or_is_something_else_then_is_refused(compiled, told, monkeypatch):
    def compile(module, **options):
        module._compiled_call_impl = compiled(module)

    monkeypatch.setattr(nn.Module, "compile", compile)
    with pytest.raises(BadInput, match=told):
        compile_all([], [snapshot()], torch.rand(4, 1, 8, 8), nullcontext)


def test_batch_norms_on_gpus_are_torchs_own(monkeypatch):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
    x = torch.rand(3, 1, 8, 8)
    before, state = net(x), net.state_dict()
    assert type(share_batch_norm(net)[1]) is SharedBatchNorm2d
    own_batch_norm(net)
    monkeypatch.setattr(torch.Tensor, "is_cuda", property(lambda self: True))
    assert type(share_batch_norm(net)[1]) is nn.SyncBatchNorm
    monkeypatch.undo()
    assert torch.equal(net(x), before)
    assert net.state_dict().keys() == state.keys()
    assert type(own_batch_norm(net)[1]) is nn.BatchNorm2d
