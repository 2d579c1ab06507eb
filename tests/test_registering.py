"""Things of one's own under names, in a notebook: cells that may be run again."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch

import benchmark
from benchmark.api import Inner, Method, losses, objectives, single
from benchmark.attacks import ATTACKS, make_attack
from benchmark.errors import BadInput, Notice
from benchmark.methods.table import METHODS
from benchmark.own.constants import constants_digest

CELL = """
import benchmark
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from benchmark.api import Attack, Inner, Method, losses, objectives, single

SHARE = {share}

@benchmark.register_attack
@dataclass(frozen=True)
class Shift(Attack):
    name: ClassVar[str] = "cell-shift"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + SHARE * threat.epsilon)

def ones(batch):
    return losses.ce(batch.net.clean, batch.y) * SHARE

benchmark.register_method("cell-method", Method("Cell", "Me", single, partial(Inner, objectives.ce), ones))
"""


def run(share: float) -> None:
    """A notebook's cell: its code belongs to `__main__`, and to no file."""
    exec(compile(CELL.format(share=share), "<cell>", "exec", dont_inherit=True), {"__name__": "__main__"})


def test_a_cell_may_be_run_again_and_its_results_are_told_apart() -> None:
    run(1.0)
    first = make_attack("cell-shift").told("linf")
    run(1.0)
    assert make_attack("cell-shift").told("linf") == first
    run(0.5)
    assert make_attack("cell-shift").told("linf")["own_code"] != first["own_code"]


def test_a_registered_attack_is_evaluated_in_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(1.0)
    net = benchmark.new_model("small-cnn")
    suite = {"images": 4, "attacks": [{"attack": "cell-shift", "norm": "linf", "epsilon": 0.1}]}
    with pytest.warns(Notice, match="everything runs in this process: the attack cell-shift can't be sent"):
        (done,) = benchmark.evaluate(
            net, dataset="digits", suite=suite, device="cpu", workers=2, progress=False, name="net"
        )
    assert len(done.outcomes) == 1


def test_names_that_are_not_free_and_things_that_are_none() -> None:
    with pytest.raises(BadInput, match="is there already, and not of your own"):
        benchmark.register_attack("pgd", ATTACKS.get("mim"))
    with pytest.raises(BadInput, match="is no name for attacks"):
        benchmark.register_attack("a b", ATTACKS.get("mim"))
    with pytest.raises(BadInput, match="is no subclass"):
        benchmark.register_attack(lambda: None)
    with pytest.raises(BadInput, match="is no Method"):
        benchmark.register_method("x", 3)
    with pytest.raises(BadInput, match="say one first"):
        benchmark.register_method(METHODS.get("at"))


def test_data_of_a_cell_is_found_by_its_name() -> None:
    data = benchmark.Dataset.from_arrays(torch.rand(8, 1, 8, 8), torch.arange(8) % 2)
    benchmark.register_dataset("cell-data", data)
    from benchmark.data import load

    assert load("cell-data").name == "cell-data"


def test_a_column_of_another_package_loads_no_torch() -> None:
    code = "import sys; from benchmark.api import Column, Entry, kinds; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_plain_values_of_a_base_class_belong_to_a_thing():
    """Both cells read alike below the base, whose number alone was edited."""
    weak, strong = (type("Base", (), {"__module__": __name__, "SHARE": share}) for share in (0.5, 1.0))
    one, other = (type("Shift", (base,), {"__module__": __name__}) for base in (weak, strong))
    assert constants_digest(one) != constants_digest(other)


@pytest.mark.parametrize("part", ["cohort", "inner"])
def test_a_part_itself_in_place_of_what_makes_it_is_said_at_once(part):
    """Else it fails in the middle of whatever asks for the method's options first."""
    parts = {"cohort": single, "inner": partial(Inner, objectives.ce)}
    made = parts[part]()
    with pytest.raises(BadInput, match=rf"'Cell': {part} is {type(made).__name__} itself; give the function"):
        Method("Cell", "Me", **(parts | {part: made}), outer=losses.ce)
