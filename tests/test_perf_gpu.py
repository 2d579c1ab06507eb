"""What is measured on a lent GPU in one call: counted on a processor, and begun again where it stopped."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

PERF = Path(__file__).parents[1] / "perf"


def script(name, monkeypatch):
    spec = importlib.util.spec_from_file_location(f"perf_{name}", PERF / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_launches_and_waits_are_counted_gradients_included(monkeypatch):
    launches = script("launches", monkeypatch)
    layer, x = torch.nn.Linear(3, 2), torch.rand(4, 3)

    def step():
        layer(x).square().sum().backward()

    def asks():
        float((x > 0.5)[0, 0])
        x[x > 2]
        x.clone()[x > 0.5] = 0.0  # filled, whatever they are: nothing is asked

    assert launches.counted(step).waits == 0
    assert launches.counted(step).launches >= 6
    assert launches.counted(asks).waits == 2
    assert launches.counted(lambda: x.view(12).t()).launches == 0
    each, waits = launches.per_step(lambda steps: [x.sum().item() for _ in range(steps)])
    assert (each, waits) == (2.0, 1.0) or (each, waits) == (1.0, 1.0)


def test_what_lies_with_the_host_is_no_wait_of_the_device(monkeypatch):
    launches = script("launches", monkeypatch)
    on_device, on_host = torch.ones(3, device="meta"), torch.ones(3) > 0

    def program():
        on_device.add_(1)
        on_host.all().item()
        on_host.nonzero()

    assert launches.counted(program, "meta").waits == 0
    assert launches.counted(program, "cpu").waits == 2


def test_convolutions_are_said_to_be_tuned_only_where_they_can_be(monkeypatch):
    monkeypatch.syspath_prepend(str(PERF))
    parts = script("gpu_parts", monkeypatch)
    line, counts = SimpleNamespace(seconds=1, peer_seconds=1, ratio=1), SimpleNamespace(launches=1, waits=0)
    monkeypatch.setattr(parts, "compare", lambda *_, **__: line)
    monkeypatch.setattr(parts, "counted", lambda *_: counts)
    assert [line["cudnn_benchmark"] for line in parts.steps(parts.Sizes.tiny("cpu"))] == [
        False
    ] * 2  # of AT and of MAT


@pytest.mark.slow
def test_a_part_is_measured_once_and_a_call_that_was_interrupted_goes_on(tmp_path):
    command = [sys.executable, PERF / "gpu.py", "--out", tmp_path, "--device", "cpu", "--tiny", "--only", "machine"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert "measured in" in first
    assert "there already" in second
    table = (tmp_path / "machine.csv").read_text()
    assert "TFLOP/s" in table
    assert "a number that is asked for" in table
    out_of_time = subprocess.run([*command[:-1], "training", "--seconds", "0"], capture_output=True, text=True)
    assert out_of_time.returncode == 1
    assert "no time left" in out_of_time.stdout
