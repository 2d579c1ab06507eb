"""Every method learns: on the digits its loss falls and its networks withstand more than a naturally trained one."""

from __future__ import annotations

import pytest

from benchmark.models import load_checkpoint
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
def zoo(tmp_path_factory):
    """The paths of a natural and a robust teacher, and what natural training keeps in each norm."""
    folder = tmp_path_factory.mktemp("zoo")
    norms = ("l1", "l2", "linf")
    kept = {norm: learn("natural", folder / norm, norms=[norm])[0].history[-1]["robust"] for norm in norms}
    learn("at", folder)
    learn("natural", folder / "warm", temperature=4)
    return {
        "natural": folder / "linf/natural.pt",
        "robust": folder / "at.pt",
        "warm": folder / "warm/natural.pt",
        "kept": kept,
    }


@pytest.mark.parametrize("method", METHODS.names())
def test_method_learns(method, tmp_path, zoo):
    bound = METHODS.get(method).bind({}, method)
    teachers = [zoo.get(role, zoo["robust"]) for role in bound.cohort.teachers]
    settings = {}
    if method == "dd":
        teachers, settings = [zoo["warm"]], {"temperature": 4}
    members = [member for member in bound.cohort.members if member.kept]
    for member, checkpoint in zip(members, learn(method, tmp_path, teachers, **settings), strict=True):
        first, last = checkpoint.history[0], checkpoint.history[-1]
        prefix = f"{member.name}." if member.name else ""
        assert last["loss"] < 0.8 * first["loss"]
        assert last[f"{prefix}clean"] > 0.75
        if member.attacked and method not in NATURAL:
            norms = (member.norm,) if member.norm else bound.inner.norms
            natural = sum(zoo["kept"][norm] for norm in norms) / len(norms)
            assert last[f"{prefix}robust"] > natural + 0.1, f"{last} beside {natural:.3f} by natural training"
