"""What is sent to other machines and comes home, with pickles that go no further than this process."""

from __future__ import annotations

import dataclasses
import pickle
import sys
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from evaluation_toys import evaluated
from test_merge import content
from torch import nn

from benchmark.data import load
from benchmark.engines import Means
from benchmark.engines.here import Here, events
from benchmark.engines.on_ray import OnRay
from benchmark.errors import BadInput
from benchmark.evaluation import engine as evaluation_engine
from benchmark.evaluation import plan, shipping
from benchmark.evaluation.jobs import Done
from benchmark.ledger import Ledger

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


@pytest.mark.parametrize("mode", ["worst-case", "complete"])
def test_what_is_known_goes_along_and_does_not_come_home_again(tmp_path, elsewhere, monkeypatch, mode):
    monkeypatch.setattr(plan, "SHARD", 10)
    places = []

    def received(shipment, folder):
        places.extend(shipment.files)
        return shipping.receive(shipment, folder)

    monkeypatch.setattr(evaluation_engine, "receive", received)
    elsewhere()
    (first,) = evaluated(tmp_path, LINES, images=20, mode=mode, device="cpu")
    assert len(places) == len(set(places)) >= 4
    (manifest,) = (tmp_path / "results/evaluations").iterdir()
    manifest.unlink()
    places.clear()
    monkeypatch.setattr("benchmark.evaluation.run_job._attack", None)
    (again,) = evaluated(tmp_path, LINES, images=20, mode=mode, device="cpu")
    assert again.id == first.id
    assert not places


def test_where_the_folder_is_seen_nothing_has_to_come_home(tmp_path, monkeypatch):
    monkeypatch.setattr(Means, "open", lambda *_, **__: Posted(lambda: None))
    monkeypatch.setattr(evaluation_engine, "receive", None)
    (found,) = evaluated(tmp_path, LINES, images=20, device="cpu")
    assert not found.failures


def test_what_is_damaged_is_said_by_the_path_that_it_has_here(tmp_path, elsewhere, capsys):
    elsewhere()
    evaluated(tmp_path, LINES, images=20, device="cpu")
    (manifest,) = (tmp_path / "results/evaluations").iterdir()
    manifest.unlink()
    damaged = sorted((tmp_path / "results/records").rglob("*.safetensors"))[0]
    damaged.write_bytes(b"damaged")
    evaluated(tmp_path, LINES, images=20, device="cpu", progress=True)
    assert f"damaged, and recomputed: {damaged}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "place", ["../outside", "records/../../outside", "/outside", "format.json", "records/../format.json"]
)
def test_what_comes_home_is_put_nowhere_but_into_the_ledger(tmp_path, place):
    ledger = Ledger.open(tmp_path / "results", create=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shipment = shipping.Shipment(Done("pgd", 0, "0" * 64, None, False), {place: b"anything"})
    with pytest.raises(BadInput, match="has no place in"):
        shipping.receive(shipment, ledger.folder)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_each_network_and_each_set_of_images_is_sent_once(monkeypatch):
    sent = []
    monkeypatch.setattr(shipping, "_packed_network", lambda target: target.source.encode())
    monkeypatch.setattr(shipping, "_packed_images", lambda target: target.dataset.encode())
    freight = shipping.Freight(lambda content: sent.append(content) or Packed(content))
    for source, dataset, data, classes in (
        ("a.pt", "x", "1", 10),
        ("a.pt", "x", "1", 10),
        ("b.pt", "x", "1", 10),
        ("b.pt", "x", "2", 10),
        ("b.pt", "x", "2", 11),
        ("b.pt", "y", "2", 11),
    ):
        target = SimpleNamespace(source=source, dataset=dataset, data=data, classes=classes)
        assert [call() for call in freight.of(target)] == [source.encode(), dataset.encode()]
    assert sent == [b"a.pt", b"x", b"b.pt", b"x", b"x", b"y"]


def test_of_the_data_only_what_is_attacked_is_sent(monkeypatch):
    monkeypatch.setattr(shipping, "images_of", lambda target: load("digits"))
    sent, whole = pickle.loads(shipping._packed_images(SimpleNamespace())), load("digits")
    assert len(sent.test.labels) == len(whole.test.labels)
    assert len(sent.train.labels) == len(sent.validation.labels) == 0


def test_a_network_that_can_not_be_sent_is_looked_for_by_its_name(monkeypatch):
    network = nn.Flatten()
    monkeypatch.setattr(shipping.opening, "open_network", lambda source, **_: network)
    target = SimpleNamespace(source="a", trust_remote_code=False)
    assert isinstance(pickle.loads(shipping._packed_network(target)), nn.Flatten)
    monkeypatch.setattr(shipping.objects, "obstacle", lambda network: "it is of the script itself")
    assert shipping._packed_network(target) == b""
