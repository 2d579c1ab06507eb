"""Which attacks draw from their noise, and that results of other draws are never taken for theirs."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from attack_toys import CHEAP, EVERY, Net, images, predictions, threat
from evaluation_toys import save, write_suite

from benchmark import evaluate
from benchmark.attacks import Attack, PreparedClassifier, base, make_attack
from benchmark.attacks.corruption import CORRUPTIONS
from benchmark.errors import BadInput
from benchmark.evaluation.suite import suite_item
from benchmark.ledger import Ledger
from benchmark.noise import VERSION, ExampleNoise

#: Beside what every attack does by default.
OTHERWISE = [
    *(("pgd", norm, {"start": start}) for norm in ("linf", "l2", "l1") for start in ("zero", "random")),
    *(("fmn", norm, {"start": start}) for norm in ("linf", "l0") for start in ("zero", "boundary")),
    ("spatial", "spatial", {"tries": 2}),
    *(("corruption", "corruption", {"corruption": kind}) for kind in CORRUPTIONS),
    ("foolbox.attacks:LinfPGD", "linf", {"steps": 1}),
]


class Watched(ExampleNoise):
    """Notes whether anything but a seed was drawn, by whoever was chosen or forked from it too."""

    used: list[str]

    def _draw(self, kind, shape):
        self.used.append(str(kind))
        return super()._draw(kind, shape)

    def select(self, rows):
        return self._like(super().select(rows))

    def fork(self):
        return self._like(super().fork())

    def _like(self, other):
        twin = watched(self.used)
        twin.__dict__.update(other.__dict__)
        return twin


def watched(used: list[str]) -> Watched:
    noise = Watched(0, range(4))
    noise.used = used
    return noise


@pytest.mark.parametrize(("name", "norm", "parameters"), [*((name, norm, {}) for name, norm in EVERY), *OTHERWISE])
def test_an_attack_says_whether_it_draws(name, norm, parameters):
    attack = make_attack(name, {**CHEAP.get(name, {}), **parameters})
    shape = (3, 16, 16) if norm == "corruption" else (1, 8, 8)
    x, net, used = images(4, shape), Net(shape, 5), []
    attack(PreparedClassifier(net, 5), x, predictions(net, x), threat(norm), watched(used))
    assert attack.uses_noise(norm) == bool(used)
    assert ("noise" in attack.told(norm)) == bool(used)
    assert "noise" not in attack.identity()


def test_an_attack_that_does_not_say_is_taken_to_draw():
    assert Attack.uses_noise(make_attack("fgsm"), "linf")


SUITE = """\
  - {attack: fgsm, norm: linf}
  - {attack: pgd, norm: linf, parameters: {steps: 1}}
"""


def test_results_of_other_draws_are_neither_taken_for_new_ones_nor_mixed_with_them(tmp_path, monkeypatch):
    told = {"suite": write_suite(tmp_path, SUITE, images=4), "results": tmp_path / "results", "progress": False}
    network = save(tmp_path)

    def records() -> dict[str, set[str]]:
        (made,) = evaluate(network, **told)
        assert not made.failures
        return {outcome.label: set(outcome.records) for outcome in made.outcomes}

    new = records()
    assert records() == new
    monkeypatch.setattr(base, "VERSION", VERSION - 1)
    old = records()
    assert old["fgsm-linf"] == new["fgsm-linf"]
    assert not old["pgd-linf"] & new["pgd-linf"]
    found = Ledger.open(tmp_path / "results").evaluations()
    assert len({one.suite["digest"] for one in found}) == len(found) == 2
    monkeypatch.undo()
    assert records() == new
    for fgsm, pgd in (one.suite["items"] for one in found):
        assert suite_item(fgsm).attack == make_attack("fgsm")
        is_ours = pgd["attack"]["noise"] == VERSION
        with nullcontext() if is_ours else pytest.raises(BadInput, match="another version"):
            suite_item(pgd)
