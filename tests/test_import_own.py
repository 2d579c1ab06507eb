"""Importing weights of an architecture of one's own, and tensors of kinds that other programs save."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import torch
from evaluation_toys import write_suite
from fixed_networks import fixed
from torch import Tensor

import benchmark
from benchmark import cli, import_checkpoint
from benchmark.errors import BadInput

pytestmark = pytest.mark.usefixtures("one_thread")

ARCHITECTURE = """
from torch import nn

def flat(num_classes, shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], num_classes))
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(ARCHITECTURE)
    return tmp_path


def linear() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"1.weight": torch.randn(10, 64, generator=generator), "1.bias": torch.zeros(10)}


def run(words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(shlex.split(words))
    return int(caught.value.code or 0)


def test_an_architecture_of_ones_own_is_imported_evaluated_and_compared(tmp_path, capsys):
    for seed, name in enumerate(("one", "other")):
        state = {f"module.{key}": value + seed for key, value in linear().items()}
        torch.save({"net": state}, f"{name}.pth")
        command = f"import {name}.pth --arch mine.py:flat --dataset digits --normalization none"
        assert run(command) == 2
        assert "--trust-remote-code" in capsys.readouterr().err
        assert run(f"{command} --trust-remote-code") == 0
        assert capsys.readouterr().out.endswith(f"next: bench evaluate zoo/{name}.pt --trust-remote-code\n")
    assert run("export zoo/one.pt --keys benchmark") == 2
    assert "--trust-remote-code" in capsys.readouterr().err
    assert run("export zoo/one.pt --keys benchmark --trust-remote-code") == 0
    exported = torch.load("zoo/one-benchmark.pth", weights_only=True)
    assert all(torch.equal(exported[f"network.{key}"], value) for key, value in linear().items())
    found = benchmark.load_model("zoo/one.pt", trust_remote_code=True)
    assert found.architecture == "mine.py:flat"
    assert found.extra["own_code"]["mine.py:flat"]["file"] == "mine.py"
    x = torch.rand(3, 1, 8, 8)
    with pytest.raises(BadInput, match="--trust-remote-code"):
        benchmark.load_model("zoo/one.pt")
    torch.testing.assert_close(found.model()(x), x.flatten(1) @ linear()["1.weight"].T)

    suite = write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=10)
    trusted = {"trust_remote_code": True}
    networks = ["zoo/one.pt", "zoo/other.pt"]
    benchmark.evaluate(networks, suite=suite, precision="fp32", progress=False, **trusted)
    assert run("compare zoo/one.pt zoo/other.pt") == 2
    assert "--trust-remote-code" in capsys.readouterr().err
    assert run("compare zoo/one.pt zoo/other.pt --trust-remote-code") == 0
    assert benchmark.report(networks, **trusted).is_file()


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_weights_in_eight_bits_are_made_float32_and_that_is_said(kind, legacy):
    state = {
        key: value.to(kind) if value.is_floating_point() else value for key, value in fixed("natural").state.items()
    }
    torch.save(state, "a.pth", _use_new_zipfile_serialization=not legacy)
    found = import_checkpoint("a.pth", dataset="digits", normalization="none")
    assert any(f"weights in {str(kind).removeprefix('torch.')} were made float32" in said for said in found.said)
    for key, value in state.items():
        assert torch.equal(found.checkpoint.state[key], value.float() if value.is_floating_point() else value)


#: What torch.save keeps and no reader of ours makes: by name, what makes it of a weight.
KINDS = {
    "expanded": lambda value: value.flatten()[:1].expand(value.numel()).view_as(value) if value.dim() == 1 else value,
    "sparse": lambda value: value.to_sparse() if value.dim() == 2 else value,
    "quantised": lambda value: torch.quantize_per_tensor(value, 0.1, 0, torch.qint8) if value.dim() > 1 else value,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_tensors_that_are_not_read_are_named_and_never_left_out_in_silence(kind, legacy):
    state = dict(fixed("natural").state)
    changed = {key: KINDS[kind](value) if value.is_floating_point() else value for key, value in state.items()}
    torch.save(changed, "a.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(BadInput, match=r"not read here, such as .*quantised"):
        import_checkpoint("a.pth", dataset="digits", normalization="none")
    assert not Path("zoo").exists()


@pytest.mark.parametrize("extra", [torch.ones(3).to(torch.float8_e4m3fn), torch.ones(1).expand(3)])
def test_a_tensor_beside_the_weights_has_no_place_whatever_its_kind(extra):
    torch.save({**fixed("natural").state, "scale.weight": extra}, "a.pth")
    with pytest.raises(BadInput, match=r"'scale\.weight'"):
        import_checkpoint("a.pth", dataset="digits", normalization="none")
    import_checkpoint("a.pth", dataset="digits", normalization="none", drop=["scale"])


def test_a_number_is_a_mean_and_nonsense_is_refused():
    torch.save(fixed("natural").state, "a.pth")
    found = import_checkpoint("a.pth", dataset="digits", mean=0.3, std=torch.tensor([0.4]))
    assert (found.checkpoint.mean, found.checkpoint.std) == (pytest.approx((0.3,)), pytest.approx((0.4,)))
    for nonsense in (object(), [None], [[1.0, 2.0], [3.0]], {}):
        with pytest.raises(BadInput, match="--mean"):
            import_checkpoint("a.pth", dataset="digits", mean=nonsense, std=1)


def test_commands_that_go_on_repeat_how_many_images_and_where():
    torch.save(fixed("natural").state, "a.pth")
    with pytest.raises(BadInput) as caught:
        import_checkpoint("a.pth", dataset="digits", n=50, device="cpu", zoo="elsewhere")
    offered = [line for line in str(caught.value).splitlines() if "bench import" in line]
    assert offered
    assert all("--zoo elsewhere --n 50 --device cpu" in line for line in offered)
