"""What is sent to other machines and comes home, with pickles that go no further than this process."""

from __future__ import annotations

import dataclasses
import pickle
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from evaluation_toys import evaluated
from test_merge import content

from benchmark.engines import Means
from benchmark.engines.here import Here, events
from benchmark.engines.on_ray import OnRay
from benchmark.errors import BadInput
from benchmark.evaluation import engine as evaluation_engine
from benchmark.evaluation import plan, shipping

LINES = "  - {attack: fgsm, norm: linf}\n  - {attack: pgd, norm: linf, parameters: {steps: 2}}\n"

OWN = """
from dataclasses import dataclass
from typing import ClassVar

from benchmark.api import Attack
from helpers import SHARE


@dataclass(frozen=True)
class Shift(Attack):
    name: ClassVar[str] = "shift"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + SHARE * threat.epsilon)
"""


@contextmanager
def unseen(*given):
    """Tasks for machines that don't see the ledger's folder."""
    with shipping.remote_tasks(*given) as tasks:
        yield [dataclasses.replace(task, mark=Path("/nowhere/at/all")) for task in tasks]


@dataclasses.dataclass(frozen=True)
class Packed:
    """Bytes that are called for."""

    content: bytes

    def __call__(self) -> bytes:
        return self.content


class Posted(Here, OnRay):
    """Takes each task from its pickle.

    Args:
        on_the_way: called when a task is packed and not yet unpacked.
    """

    def __init__(self, on_the_way) -> None:
        Here.__init__(self)
        self.on_the_way = on_the_way

    def keep(self, content: bytes) -> Packed:
        return Packed(content)

    def begin(self, position, task, given_up) -> None:
        packed = pickle.dumps(task)
        self.on_the_way()
        self._position, self._events, self._is_busy = position, events(pickle.loads(packed), given_up), True


@pytest.fixture
def elsewhere(monkeypatch):
    """Makes an engine that gets to work on a machine that sees no folder of ours."""

    def use(on_the_way=lambda: None) -> None:
        monkeypatch.setattr(Means, "open", lambda *_, **__: Posted(on_the_way))
        monkeypatch.setattr(evaluation_engine, "remote_tasks", unseen)

    return use


@pytest.fixture
def mine(tmp_path, monkeypatch) -> str:
    """The line of an attack of one's own, whose file imports another one; no other test finds that."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    monkeypatch.delitem(sys.modules, "helpers", raising=False)
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "helpers.py").write_text("SHARE = 1.0\n")
    return f"  - {{attack: '{tmp_path}/mine.py:Shift', norm: linf}}\n"


@pytest.mark.parametrize("mode", ["worst-case", "complete"])
def test_records_come_home(tmp_path, mine, elsewhere, monkeypatch, mode):
    monkeypatch.setattr(plan, "SHARD", 10)
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (found,) = evaluated(
            tmp_path / name, LINES + mine, images=20, mode=mode, device="cpu", trust_remote_code=True
        )
        assert not found.failures
        elsewhere()
    assert content(tmp_path / "here/results") == content(tmp_path / "there/results")
    assert not list((tmp_path / "there/results").glob(".*"))


def test_a_machine_without_our_own_code_says_so_in_a_sentence(tmp_path, mine, elsewhere):
    def leave():
        for file in ("mine.py", "helpers.py"):
            (tmp_path / file).unlink(missing_ok=True)
        for name in [name for name in sys.modules if name.startswith("file:") or name == "helpers"]:
            del sys.modules[name]

    elsewhere(leave)
    with pytest.raises(BadInput, match=r"code of your own can't be imported on the machine .* in the same place on"):
        evaluated(tmp_path, mine, images=20, device="cpu", trust_remote_code=True)
    assert not list((tmp_path / "results").rglob("*.safetensors"))
