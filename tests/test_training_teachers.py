"""Teachers come from anywhere that networks come from, are tried before training, and stay as they are."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from benchmark import cli
from benchmark.errors import BadInput
from benchmark.methods.table import METHODS
from benchmark.models import load_checkpoint, load_model
from benchmark.reporting.reproduce import training_command
from benchmark.training import teachers, train
from benchmark.training.step import StepNetworks

CODE = """
import torch
from torch import nn

print("the teacher's code ran")
torch.manual_seed(0)
NETWORK = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 10))

def make():
    return NETWORK
def seven_classes():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7))
def large_colour_images():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10))
def restless():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10), Restless())
class Restless(nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)
"""

SHORT = {"epochs": 1, "batch_size": 256, "validation.steps": 1, "threats.linf.steps": 1}
FAST = {"set": SHORT, "device": "cpu", "precision": "fp32", "progress": False}


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "my_teachers.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("went to the network"))
    yield
    sys.modules.pop("my_teachers", None)


@pytest.mark.parametrize("method", ["ard", "mmard"])
def test_a_network_of_ones_own_teaches_and_stays_as_it_is(method, tmp_path):
    source = "python:my_teachers:make"
    network = load_model(source, trust_remote_code=True).model()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    (path,) = train(method, teacher=[source], trust_remote_code=True, out=tmp_path / "zoo", **FAST)
    assert network.state_dict().keys() == before.keys()
    assert "network.1.running_mean" in before
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), key
    checkpoint = load_checkpoint(path)
    digest = load_model(source, trust_remote_code=True).digest
    assert checkpoint.extra["lineage"] == [{"role": "teacher", "source": source, "digest": digest}]
    command = training_command({**vars(checkpoint), "extra": checkpoint.extra})
    assert f"--teacher {source} --trust-remote-code" in command


@pytest.mark.slow
def test_several_processes_find_the_teachers_code(tmp_path):
    """In one step: its loss is that of the networks as they begin, so that nothing was blown up that was rounded."""
    options = {
        **FAST,
        "set": {**SHORT, "batch_size": 1200},
        "teacher": ["python:my_teachers:make"],
        "trust_remote_code": True,
    }
    one, two = (load_checkpoint(train("ard", out=tmp_path / str(n), devices=n, **options)[0]) for n in (1, 2))
    assert two.extra["lineage"] == one.extra["lineage"]
    assert two.history[0]["loss"] == pytest.approx(one.history[0]["loss"], rel=1e-5)


def test_a_checkpoint_teaches_under_its_name_and_digest(tmp_path):
    (teacher,) = train("natural", name="natural", out=tmp_path / "zoo", **FAST)
    (path,) = train("rslad", teacher=[teacher], out=tmp_path / "zoo", **FAST)
    lineage = [{"role": "teacher", "source": "natural", "digest": load_checkpoint(teacher).digest}]
    assert load_checkpoint(path).extra["lineage"] == lineage


def test_another_teacher_is_another_run(tmp_path):
    options = {"teacher": ["python:my_teachers:make"], "trust_remote_code": True, "out": tmp_path, **FAST}
    (path,) = train("rslad", **options)
    before = load_checkpoint(path).digest
    (tmp_path / "my_teachers.py").write_text(CODE.replace("manual_seed(0)", "manual_seed(1)"))
    with pytest.raises(BadInput, match=r"is of another run: other teachers; it is not replaced"):
        train("rslad", **options)
    assert train("rslad", **options, overwrite=True) == [path]
    assert load_checkpoint(path).digest != before


@pytest.mark.parametrize(
    ("source", "trust_remote_code", "words"),
    [
        ("python:my_teachers:make", False, ["--trust-remote-code", "my_teachers"]),
        ("python:my_teachers:seven_classes", True, ["seven_classes", "digits", "7"]),
        ("python:my_teachers:large_colour_images", True, ["large_colour_images", "does not fit digits"]),
        ("python:my_teachers:restless", True, ["restless", "randomness"]),
        ("torchvision:resnet18", False, ["torchvision:resnet18", "--download"]),
        ("robustbnch:X", False, ["unknown model source", "robustbench"]),
        ("nowhere.pt", False, ["nowhere.pt"]),
    ],
)
def test_what_can_not_teach_is_refused_before_training(source, trust_remote_code, words, tmp_path, capsys):
    with pytest.raises(BadInput) as caught:
        train("ard", teacher=[source], trust_remote_code=trust_remote_code, out=tmp_path / "zoo", **FAST)
    for word in words:
        assert word in str(caught.value)
    assert not (tmp_path / "zoo").exists()
    assert trust_remote_code or "ran" not in capsys.readouterr().out


def test_the_command_line_passes_on_what_it_is_allowed(monkeypatch, tmp_path):
    asked = []

    def open_network(source, **options):
        asked.append((source, options))
        raise BadInput("that is all")

    monkeypatch.setattr(teachers, "load_model", open_network)
    with pytest.raises(SystemExit) as stopped:
        cli.main(
            [
                "train",
                "--method",
                "ard",
                "--teacher",
                "timm:a/b.c",
                "--download",
                "--trust-remote-code",
                "--out",
                "zoo",
            ]
        )
    assert stopped.value.code == 2
    assert asked == [("timm:a/b.c", {"download": True, "trust_remote_code": True})]


def test_a_teacher_that_seeds_the_generators_leaves_the_students_theirs():
    class Seeding(nn.Module):
        def forward(self, x):
            torch.manual_seed(0)
            return x.flatten(1)[:, :3]

    students = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    players = StepNetworks(METHODS.get("ard").bind({}, "ard"), [students], [Seeding()], {})
    x, y = torch.rand(5, 1, 2, 2), torch.zeros(5, dtype=torch.int64)
    state = torch.get_rng_state()
    assert players.batch(x, y, [None], 0.0, {}).teacher.clean.shape == (5, 3)
    assert torch.equal(torch.get_rng_state(), state)
