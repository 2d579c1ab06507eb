"""Networks that do odd things get the number of the plain network they are, or a refusal that says what to change."""

from __future__ import annotations

import re
import sys
import warnings
from dataclasses import replace

import awkward_networks
import disguised_networks
import numpy as np
import pytest
import torch
from evaluation_toys import save, trained, write_suite
from torch import nn

import benchmark
from benchmark import cli
from benchmark.attacks import PreparedClassifier
from benchmark.errors import BadInput
from benchmark.models import ExternalModel

ATTACKS = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: l2, parameters: {steps: 3, relative_step_size: 0.5}}
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def evaluate(tmp_path):
    """Evaluates a network by name; gives the flags of its attacks and the evaluation."""

    def run(source: object, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scripting and the older forms of things are deprecated
            (found,) = benchmark.evaluate(
                source,  # type: ignore[arg-type]
                suite=write_suite(tmp_path, ATTACKS, images=50),
                results=tmp_path / "results",
                dataset="digits",
                progress=False,
                **{"precision": "fp32", **options},
            )
        assert not found.failures
        return np.stack([found.clean_errors, *(outcome.broken for outcome in found.outcomes)]), found

    return run


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The flags of the plain network."""
    folder = tmp_path_factory.mktemp("plain")
    (found,) = benchmark.evaluate(
        save(folder),
        suite=write_suite(folder, ATTACKS, images=50),
        results=folder / "results",
        precision="fp32",
        progress=False,
    )
    flags = np.stack([found.clean_errors, *(outcome.broken for outcome in found.outcomes)])
    assert all(0.1 < broken.mean() < 0.95 for broken in flags[1:])  # else any network would do
    return flags


@pytest.mark.parametrize("name", disguised_networks.SAME)
def test_in_any_disguise_it_gets_its_number(evaluate, expected, name):
    flags, found = evaluate(f"python:disguised_networks:{name}", trust_remote_code=True)
    assert (flags == expected).all()
    assert not [warning for warning in found.warnings if "the network" in warning]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", awkward_networks.REFUSED)
def test_what_can_not_be_given_a_number_is_refused(evaluate, name, precision):
    _, message = awkward_networks.REFUSED[name]
    with pytest.raises(BadInput, match=message) as caught:
        evaluate(f"python:awkward_networks:{name}", trust_remote_code=True, precision=precision)
    assert f"python:awkward_networks:{name}" in str(caught.value)


@pytest.mark.parametrize("name", awkward_networks.SAID)
def test_what_makes_attacks_weak_is_said(evaluate, name):
    _, message = awkward_networks.SAID[name]
    _, found = evaluate(f"python:awkward_networks:{name}", trust_remote_code=True)
    assert any(re.search(message, warning) for warning in found.warnings)


def test_a_network_in_half_precision_is_the_one_with_rounded_weights(evaluate, tmp_path):
    flags, _ = evaluate("python:awkward_networks:in_half_precision", trust_remote_code=True)
    rounded = {key: value.half().to(value.dtype) for key, value in trained().state.items()}
    plain, _ = evaluate(save(tmp_path, replace(trained(), name="rounded", state=rounded)))
    assert (flags == plain).all()


@pytest.mark.parametrize("network", [nn.Linear, 3, [lambda x: x]])
def test_what_is_no_network_is_refused_by_its_kind(evaluate, network):
    with pytest.raises(BadInput, match=r"a \w+ is no network; give a torch\.nn\.Module"):
        evaluate(network)


def test_the_command_line_ends_with_2_and_one_sentence(tmp_path, capsys):
    words = ("--trust-remote-code", "--dataset", "digits", "--suite", "smoke", "--results", str(tmp_path))
    with pytest.raises(SystemExit) as end:
        cli.main(["evaluate", "python:awkward_networks:a_tuple_of_two_alike", *words])
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert said.count("\n") == 1
    assert "returns a tuple" in said


def test_what_is_odd_is_said_before_the_attacks_and_below_the_table(tmp_path, capsys):
    words = ("--trust-remote-code", "--dataset", "digits", "--suite", str(write_suite(tmp_path, ATTACKS)))
    with pytest.raises(SystemExit) as end:
        cli.main(["evaluate", "python:awkward_networks:that_expects_bytes", *words, "--results", str(tmp_path / "r")])
    shown = capsys.readouterr()
    assert end.value.code == 0
    assert "from 0 to 255" in shown.err.splitlines()[0]
    assert "from 0 to 255" in shown.out


# Two networks are one in the ledger only if they compute the same.


def test_buffers_that_are_not_saved_tell_networks_apart():
    def shifted(by: float) -> str:
        network = nn.Flatten()
        network.register_buffer("shift", torch.full((10,), by), persistent=False)
        return ExternalModel("a", network).digest

    assert shifted(0.0) == shifted(0.0) != shifted(1.0)


def test_quantised_weights_tell_networks_apart():
    def quantised(by: float) -> str:
        layer = awkward_networks.drawn(nn.Linear, 8, 4)
        with torch.no_grad():
            layer.weight[0, 0] += by
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {nn.Linear}, dtype=torch.qint8)
            return ExternalModel("a", network).digest

    assert quantised(0.0) == quantised(0.0) != quantised(0.3)


def test_a_line_of_code_that_changes_tells_networks_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digests = []
    for factor in (1, 1, 2):
        (tmp_path / "changing.py").write_text(f"from torch import nn\nmake = nn.Flatten\nfactor = {factor}\n")
        digests.append(benchmark.load_model("python:changing:make", trust_remote_code=True).digest)
        sys.modules.pop("changing")
    assert digests[0] == digests[1] != digests[2]


# The prepared form of a network is that network.


@pytest.mark.parametrize("name", [name for name in disguised_networks.SAME if "compiled" not in name])
def test_the_search_sees_the_same_network_as_the_verdict(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = ExternalModel(name, disguised_networks.SAME[name]()).model()  # type: ignore[arg-type]
        x = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        prepared = PreparedClassifier(network, 10, probe=x[:2])
        with torch.no_grad():
            torch.testing.assert_close(prepared(x), network(x).float(), rtol=1e-4, atol=1e-4)


def test_plain_networks_are_still_fused():
    prepared = PreparedClassifier(disguised_networks.plain(), 10, probe=torch.rand(2, 1, 8, 8))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in prepared.networks["fp32"].modules())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("that_fails_on_one", "fails on float32 images 50 × 1 × 8 × 8 on cpu: division by zero"),
        ("nan_on_one", "depend on the other images of the batch when there are 50"),
    ],
)
def test_a_network_is_tried_on_as_many_images_as_it_will_be_judged_on(evaluate, name, message):
    with pytest.raises(BadInput, match=message):
        evaluate(f"python:awkward_networks:{name}", trust_remote_code=True)
