"""Every method learns: on the digits its loss falls and its networks withstand more than a naturally trained one."""

from __future__ import annotations

import pytest
from fixed_networks import fixed

from benchmark.models import load_checkpoint, save_checkpoint
from benchmark.training import METHODS, train

#: Two seconds of training; the last epoch alone is validated.
SETTINGS = {
    "epochs": 6,
    "lr": 0.05,
    "batch_size": 128,
    "validation.every": 6,
    "validation.steps": 5,
    "threats.linf.steps": 3,
    "threats.l2.steps": 3,
    "threats.l1.steps": 3,
}
#: The share of the held-out images that the fixed network "natural" gets right under attack, in each of the norms.
NATURAL_KEEPS = 0.21
#: These make no claim to withstand a white-box attack.
NATURAL = {"natural", "dd"}


def learn(method, folder, teachers=(), **settings):
    paths = train(
        method,
        out=folder,
        name=method,
        set={**SETTINGS, **settings},
        teacher=teachers,
        device="cpu",
        precision="fp32",
        progress=False,
    )
    return [load_checkpoint(path) for path in paths]


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """The paths of a natural and a robust teacher."""
    folder = tmp_path_factory.mktemp("zoo")
    roles = {"natural": fixed("natural"), "robust": fixed("at")}
    return {role: save_checkpoint(folder / f"{role}.pt", checkpoint) for role, checkpoint in roles.items()}


#: These take the longest, or are two others in one. In the quick tests mat, at-max, mat-nat-rob-offline, iad, and
#: trades beside at-awp stand in for them; what they are trained on, test_training_inner.py holds.
LONG = ("at-avg", "at-msd", "mat-avg", "mat-max", "mat-msd", "mat-nat-rob-online", "mat-rob-rob-offline")
LONG += ("trades-awp", "iad-2")


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in METHODS.names()]
)
def test_method_learns(method, tmp_path, teachers):
    bound = METHODS.get(method).bind({}, method)
    given = [teachers.get(role, teachers["robust"]) for role in bound.cohort.teachers]
    settings = {"temperature": 4} if method == "dd" else {}
    members = [member for member in bound.cohort.members if member.kept]
    for member, checkpoint in zip(members, learn(method, tmp_path, given, **settings), strict=True):
        first, last = checkpoint.history[0], checkpoint.history[-1]
        prefix = f"{member.name}." if member.name else ""
        assert last["loss"] < 0.8 * first["loss"]
        assert last[f"{prefix}clean"] > 0.75
        if member.attacked and method not in NATURAL:
            assert last[f"{prefix}robust"] > NATURAL_KEEPS + 0.1
