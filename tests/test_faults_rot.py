"""A flipped bit in a checkpoint, a training state or an evaluation is found when it is read, and named."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from evaluation_toys import THREE_NORMS, save, trained, write_suite

from benchmark.errors import BadInput
from benchmark.evaluation import evaluate
from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.training.state import load_state, save_state


def flipped(path: Path, count: int):
    """The file with one bit flipped, `count` times; whole again at the end."""
    whole, draw = path.read_bytes(), random.Random(count)
    for _ in range(count):
        content = bytearray(whole)
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        yield
    path.write_bytes(whole)


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
@pytest.mark.parametrize("count", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_a_rotten_checkpoint_is_never_another_network(tmp_path, kind, count):
    path = save_checkpoint(tmp_path / f"toy.{kind}", trained())
    found = 0
    for _ in flipped(path, count):
        try:
            assert load_checkpoint(path).digest == trained().digest  # padding may change without harm
        except BadInput as error:
            assert str(path) in str(error)  # noqa: PT017 (both ends are right)
            found += 1
    assert found > 0.8 * count
    assert load_checkpoint(path).digest == trained().digest


@pytest.mark.parametrize("count", [40, pytest.param(600, marks=pytest.mark.slow)])
def test_a_rotten_training_state_is_never_resumed_from(tmp_path, count):
    path, content = tmp_path / "state.pt", {"weights": torch.arange(20_000.0), "epoch": 2}
    save_state(path, {"seed": 0}, content)
    found = 0
    for _ in flipped(path, count):
        try:
            state = load_state(path, {"seed": 0})
            assert torch.equal(state["weights"], content["weights"])
            assert state["epoch"] == 2
        except BadInput as error:
            assert str(path) in str(error)  # noqa: PT017
            found += 1
    assert found > 0.8 * count


def test_a_rotten_evaluation_is_named_when_it_is_made_again(tmp_path, capsys):
    network, suite, results = (
        save(tmp_path),
        write_suite(tmp_path, THREE_NORMS.splitlines(True)[0]),
        tmp_path / "results",
    )
    evaluate(network, suite=suite, results=results, precision="fp32", progress=False)
    (path,) = (results / "evaluations").glob("*.json")
    whole = path.read_text()
    path.write_text(json.dumps(json.loads(whole) | {"seed": 7}))
    evaluate(network, suite=suite, results=results, precision="fp32")
    assert str(path) in capsys.readouterr().err
    assert path.read_text() == whole
