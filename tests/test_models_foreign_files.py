"""Whoever brings another program's file is told a way to its network, and the way leads there."""

from __future__ import annotations

import argparse
import re
import shlex
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from benchmark.errors import BadInput
from benchmark.models import load_model


def layer() -> nn.Module:
    torch.manual_seed(3)
    return nn.Linear(4, 2)


def state() -> dict[str, torch.Tensor]:
    return layer().state_dict()


def scripted(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(layer()).save(path)


FILES = {
    "nested.pth": lambda path: torch.save({"state_dict": state(), "epoch": 3}, path),
    "scalar.pth": lambda path: torch.save({"state_dict": state(), "acc": np.float64(0.5)}, path),
    "arguments.pth": lambda path: torch.save({"state_dict": state(), "args": argparse.Namespace(lr=0.1)}, path),
    "legacy.pth": lambda path: torch.save({"state_dict": state()}, path, _use_new_zipfile_serialization=False),
    "state.pth": lambda path: torch.save(state(), path),
    "whole.pth": lambda path: torch.save(layer(), path),
    "weights.safetensors": lambda path: save_file(state(), path),
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("file", FILES)
def test_the_way_that_is_told_leads_to_the_network(place, file):
    FILES[file](file)
    with pytest.raises(BadInput) as caught:
        load_model(file)
    told = str(caught.value)
    assert len(told) < 600
    assert "never writes" not in told
    found = re.search(
        r"write a module mine\.py with (def make\(\): .*) - and name it as (\S+) --trust-remote-code$", told
    )
    assert found, told
    body, source = found.groups()
    name = f"mine_{Path(file).stem}"
    (place / f"{name}.py").write_text(
        "import torch, safetensors.torch\nMyNetwork = lambda: torch.nn.Linear(4, 2)\n" + body + "\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = load_model(source.replace("mine", name), trust_remote_code=True).model()
    x = torch.rand(3, 4)
    torch.testing.assert_close(network(x), layer()(x))


@pytest.mark.parametrize("file", FILES)
def test_trust_is_asked_for_where_code_may_run(file):
    FILES[file](file)
    with pytest.raises(BadInput) as caught:
        load_model(file)
    runs_code = file in ("scalar.pth", "arguments.pth", "whole.pth")
    assert ("if you trust where it is from" in str(caught.value)) is runs_code
    assert ("weights_only=False" in str(caught.value)) is runs_code


def test_torchscript_has_a_source_of_its_own(place):
    scripted("script.pt")
    with pytest.raises(BadInput) as caught:
        load_model("script.pt")
    found = re.search(r"if you trust .*: bench evaluate (\S+) --trust-remote-code$", str(caught.value))
    assert found, caught.value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = load_model(found[1], trust_remote_code=True).model()
    x = torch.rand(3, 4)
    torch.testing.assert_close(network(x), layer()(x))


def test_a_path_that_needs_quoting_is_quoted(place):
    folder = place / 'a "b" é'
    folder.mkdir()
    torch.save(state(), folder / "x.pth")
    with pytest.raises(BadInput) as caught:
        load_model(folder / "x.pth")
    assert r"a \"b\" é/x.pth" in str(caught.value)
    assert shlex.split("'" + str(caught.value).rpartition(" - and")[0].rpartition("make(): ")[2] + "'")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x03\x04" + bytes(100), b"junk" * 100, b"\x89HDF\r\n"])
def test_what_is_no_file_of_pytorch_has_no_such_way(place, content):
    (place / "a.pt").write_bytes(content)
    with pytest.raises(BadInput) as caught:
        load_model(place / "a.pt")
    assert "mine.py" not in str(caught.value)
