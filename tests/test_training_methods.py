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


#: The others train for seconds in the slow tests. In the quick ones each has a sibling here, which learns by the same
#: parts; beside that `test_training_outer.py` and `test_training_inner.py` hold what each minimises and is trained on
#: against worked numbers, and `second_device_checks.py` takes two steps of every method.
SIBLINGS = {
    **dict.fromkeys(("at-l2", "at-l1"), "at"),
    **dict.fromkeys(("at-avg", "at-msd", "sat-stochastic"), "at-max"),
    **dict.fromkeys(("mat-avg", "mat-max", "mat-msd", "mat-rob-rob-offline"), "mat"),
    **dict.fromkeys(("mat-nat-rob-online", "mat-nat-rob-offline", "cat"), "mat"),
    **dict.fromkeys(("ard", "iad", "iad-2", "mtard", "mmard", "dd"), "rslad"),
    "trades-awp": "at-awp",
    "alp": "trades",
}


def test_what_is_left_to_the_slow_tests_has_a_quick_sibling():
    assert set(SIBLINGS) <= set(METHODS.names())
    assert set(SIBLINGS.values()) <= set(METHODS.names()) - set(SIBLINGS)


@pytest.mark.parametrize(
    "method", [pytest.param(name, marks=pytest.mark.slow) if name in SIBLINGS else name for name in METHODS.names()]
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
