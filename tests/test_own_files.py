"""`FILE.py:NAME`: attacks, methods, losses, architectures, data and suites of one's own, from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import benchmark
from benchmark.attacks import ATTACKS, make_attack
from benchmark.cli import main
from benchmark.errors import BadInput
from benchmark.models import load_checkpoint
from benchmark.own import files
from benchmark.own.trust import trusting

MINE = '''
"""Things of one's own."""
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmark.api import Attack, Batch, Dataset, Fraction, Inner, Method, Split, losses, objectives, single
from helpers import SHARE

print("hello from the file")


@dataclass(frozen=True)
class Shift(Attack):
    """Moves every pixel towards white."""

    share: Fraction = SHARE
    name: ClassVar[str] = "shift"
    kind: ClassVar[str] = "fixed-budget"
    norms: ClassVar[tuple[str, ...]] = ("linf",)
    gradient_free: ClassVar[bool] = True

    def __call__(self, classifier, x, y, threat, noise):
        return threat.project(x, x + self.share * threat.epsilon)


def paired(batch: Batch, lam: float = 1.0) -> Tensor:
    h = batch.net
    return losses.ce(h.adversarial, batch.y) + lam * (h.clean - h.adversarial).square().mean()


def climb(target):
    return lambda logits, y, x: cross_entropy(logits, y, reduction="none")


def each(logits, y):
    return cross_entropy(logits, y, reduction="none")


def total(logits, y):
    return cross_entropy(logits, y)


MY_AT = Method("My adversarial training", "Me 2027", single, partial(Inner, objectives.ce), paired)


def tiny(num_classes, shape):
    channels, height, width = shape
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * height * width, num_classes))


def stripes(root, download):
    """Bright rows and columns."""
    generator = torch.Generator().manual_seed(0)

    def split(images):
        labels = torch.arange(images) % 2
        pixels = torch.rand(images, 1, 8, 8, generator=generator) / 2
        pixels[labels == 0, :, 3, :] += 0.5
        pixels[labels == 1, :, :, 3] += 0.5
        return Split(pixels, labels)

    return Dataset("stripes", 2, (1, 8, 8), ("row", "column"), split(64), split(16), split(32), scale="digits")


SUITE = {"images": 8, "attacks": [{"attack": __file__ + ":Shift", "norm": "linf", "epsilon": 0.15, "label": "shift"}]}
NUMBER = 3
'''


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(MINE)
    Path("helpers.py").write_text("SHARE = 1.0\n")
    return tmp_path


@pytest.fixture
def trusted(home: Path) -> Any:
    with trusting(True):
        yield home


def test_a_file_is_run_only_if_it_is_trusted(home: Path) -> None:
    Path("bad.py").write_text("open('ran', 'w')\n")
    with pytest.raises(BadInput, match=r"runs code of the file bad\.py; pass --trust-remote-code"):
        make_attack("bad.py:X")
    for ask in (
        lambda: benchmark.train("bad.py:X"),
        lambda: benchmark.train("at", arch="bad.py:X"),
        lambda: benchmark.train("at", inner="bad.py:X"),
        lambda: benchmark.train("at", outer="bad.py:X"),
        lambda: benchmark.train("at", dataset="bad.py:X"),
        lambda: benchmark.train("at", recipe="bad.py:X"),
        lambda: benchmark.train("at", set={"loss": "bad.py:X"}),
        lambda: benchmark.show("bad.py:X"),
        lambda: benchmark.sweep(method=["bad.py:X", "at"]),
        lambda: benchmark.paper("bad.py:X"),
        lambda: benchmark.attack(torch.nn.Linear(1, 2), torch.rand(1, 1, 1, 1), torch.zeros(1).long(), "bad.py:X"),
    ):
        with pytest.raises(BadInput, match="--trust-remote-code"):
            ask()
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    ("content", "name", "told"),
    [
        ("", "", "names none; it offers no attack"),
        ("x = (", "X", r"wrong\.py:1 fails when it is imported: SyntaxError"),
        ("\nraise RuntimeError('no')", "X", r"wrong\.py:2 fails when it is imported: RuntimeError: no"),
        ("import sys\nsys.exit(3)", "X", r"wrong\.py:2 fails when it is imported: SystemExit: 3"),
        ("import nowhere_at_all", "X", "ModuleNotFoundError"),
        ("X = 3", "X", "is no subclass"),
        ("def X(): pass", "X", "is no subclass"),
        (MINE + "X = Shift()", "X", "is no subclass"),
        (MINE, "My Attack", "unknown attack of wrong.py 'My Attack'; known: Shift"),
        (MINE, "shift", r"did you mean Shift\?"),
        (MINE, "", "names none; it offers wrong.py:Shift"),
    ],
)
def test_one_error_says_what_is_wrong_with_a_file(trusted: Path, content: str, name: str, told: str) -> None:
    Path("wrong.py").write_text(content)
    with pytest.raises(BadInput, match=told):
        make_attack(f"wrong.py:{name}" if name else "wrong.py")


def test_a_missing_file_and_a_folder_are_named(trusted: Path) -> None:
    Path("folder.py").mkdir()
    with pytest.raises(BadInput, match="there is no such file"):
        make_attack("nowhere.py:X")
    with pytest.raises(BadInput, match="it is a folder"):
        make_attack("folder.py:X")


def test_every_way_to_write_a_path(trusted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(trusted))
    spaced = trusted / "my folder" / "an attack.v2.py"
    spaced.parent.mkdir()
    spaced.write_text(MINE)
    (spaced.parent / "helpers.py").write_text("SHARE = 1.0\n")
    for place in (
        "mine.py",
        "./mine.py",
        "~/mine.py",
        str(trusted / "mine.py"),
        str(spaced),
        "my folder/an attack.v2.py",
    ):
        assert make_attack(f"{place}:Shift").share == 1.0  # type: ignore[attr-defined]
    assert files.split(r"C:\work\mine.py:Shift")[:2] == (r"C:\work\mine.py", "Shift")
    assert files.shown(r"C:\work\mine.py:Shift") == "mine.py:Shift"
    assert not any(map(files.is_spec, ("foolbox.attacks:LinfPGD", "python:mine:make", "mine.pyc", "mine.py:a:b")))


def test_where_a_file_lies_is_no_part_of_what_it_is_but_its_content_is(trusted: Path) -> None:
    other = trusted / "other"
    other.mkdir()
    for name in ("mine.py", "helpers.py"):
        (other / name).write_text(Path(name).read_text())
    here, there = make_attack("mine.py:Shift").told("linf"), make_attack("other/mine.py:Shift").told("linf")
    assert here == there
    assert here["name"] == "mine.py:Shift"
    Path("mine.py").write_text(MINE + "# edited\n")
    assert make_attack("mine.py:Shift").told("linf") != here
    Path("mine.py").write_text(MINE)
    assert make_attack("mine.py:Shift").told("linf") == here
    Path("helpers.py").write_text("SHARE = 0.5\n")
    edited = make_attack("mine.py:Shift")
    assert edited.told("linf")["own_code"] != here["own_code"]
    assert edited.share == 0.5  # type: ignore[attr-defined]


def test_what_a_file_prints_does_not_stand_in_the_answer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", "mine.py:Shift", "--json", "--trust-remote-code"])
    shown = capsys.readouterr()
    assert json.loads(shown.out)["name"] == "mine.py:Shift"
    assert "hello from the file" in shown.err


@pytest.mark.parametrize(
    ("name", "kind"), [("MY_AT", "method"), ("tiny", "architecture"), ("SUITE", "suite"), ("Shift", "attack")]
)
def test_show_tells_what_a_thing_of_a_file_is(home: Path, name: str, kind: str) -> None:
    kinds = {"method": "methods", "architecture": "architectures", "suite": "suites", "attack": "attacks"}
    card = benchmark.show(f"mine.py:{name}", kind=kinds[kind], trust_remote_code=True)
    assert card["kind"] == ("fixed-budget" if kind == "attack" else kind)
    assert (card["file"], len(card["sha256"])) == ("mine.py", 64)


def test_a_network_of_ones_own_is_trained_evaluated_and_reported(home: Path) -> None:
    options: dict[str, Any] = {"set": {"epochs": 1}, "device": "cpu", "progress": False, "trust_remote_code": True}
    own = {"arch": "mine.py:tiny", "dataset": "mine.py:stripes"}
    (path,) = benchmark.train("mine.py:MY_AT", **own, **options)
    found = load_checkpoint_trusted(path)
    assert (found.method, found.extra["title"]) == ("mine.py:MY_AT", "My adversarial training")
    assert {*found.extra["own_code"]} == {"mine.py:MY_AT", "mine.py:tiny", "mine.py:stripes"}  # type: ignore[misc]
    before = path.stat().st_mtime_ns
    benchmark.train("mine.py:MY_AT", **own, **options)
    assert path.stat().st_mtime_ns == before

    with pytest.raises(BadInput, match=r"mine\.py.*--trust-remote-code"):
        benchmark.evaluate(path, suite="smoke", n=8, device="cpu")
    (done,) = benchmark.evaluate(path, suite="mine.py:SUITE", device="cpu", progress=False, trust_remote_code=True)
    (attack,) = [item["attack"] for item in done.suite["items"]]
    assert (attack["name"], len(attack["own_code"])) == ("mine.py:Shift", 64)
    page = benchmark.report()
    assert "My adversarial training" in page.read_text() or "mine.py:MY_AT" in page.read_text()

    Path("mine.py").write_text(MINE + "\nMORE = 1\n")
    with pytest.raises(BadInput, match=r"another version of mine\.py"):
        benchmark.train("mine.py:MY_AT", **own, **options)


def load_checkpoint_trusted(path: Path) -> Any:
    with trusting(True):
        return load_checkpoint(path)


def test_losses_and_objectives_of_a_file(trusted: Path) -> None:
    options: dict[str, Any] = {"device": "cpu", "progress": False, "trust_remote_code": True}
    few = {"epochs": 1, "loss": "mine.py:each"}
    (path,) = benchmark.train("at", arch="mine.py:tiny", inner="mine.py:climb", set=few, **options)
    said = load_checkpoint(path).extra
    assert str(said["settings"]["loss"]).startswith("mine.py:each@")  # type: ignore[index, call-overload]
    assert said["inner"] == "mine.py:climb"
    assert set(said["own_code"]) == {"mine.py:tiny", "mine.py:climb", "mine.py:each"}  # type: ignore[call-overload]
    pgd = make_attack("pgd", {"loss": "mine.py:each", "steps": 2})
    assert "mine.py:each@" in json.dumps(pgd.identity())
    x = torch.rand(4, 1, 8, 8)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
    y = model(x).argmax(1)
    assert benchmark.attack(model, x, y, pgd, norm="linf", epsilon=0.3).images.shape == x.shape
    scalar = make_attack("pgd", {"loss": "mine.py:total", "steps": 2})
    with pytest.raises(BadInput, match="one number for each"):
        benchmark.attack(model, x, y, scalar, norm="linf", epsilon=0.3)
    with pytest.raises(BadInput, match="is the class Shift, not a function"):
        make_attack("pgd", {"loss": "mine.py:Shift"})
    with pytest.raises(BadInput, match="is no Method but of type int"):
        benchmark.train("mine.py:NUMBER", **options)


def test_an_attack_of_a_file_can_be_sent_to_another_process(trusted: Path) -> None:
    import pickle

    from benchmark.attacks import check_current

    attack = pickle.loads(pickle.dumps(make_attack("mine.py:Shift")))
    assert attack.told("linf") == make_attack("mine.py:Shift").told("linf")
    check_current(attack)
    Path("mine.py").write_text(MINE + "# edited\n")
    with pytest.raises(BadInput, match="has changed since this began"):
        check_current(attack)
    assert "mine.py:Shift" not in ATTACKS.names()
