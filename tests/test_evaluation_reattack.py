"""`bench verify --reattack` attacks once more what the records call robust."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from evaluation_toys import Misbehaving, save, with_last_layer, write_suite
from forged_results import FAR, STRONG, Folder, bench_of, broken
from torch import Tensor

from benchmark.attacks import ATTACKS
from benchmark.errors import BadInput
from benchmark.evaluation import load_suite, transfer
from benchmark.evaluation.reattack import ROUNDING, SELDOM, Again
from benchmark.evaluation.suite import suite_item
from benchmark.evaluation.verification import verify
from benchmark.suites.files import SUITES, suite_scales

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, STRONG + FAR)


def test_what_was_hidden_together_with_its_images_is_found_by_attacking_again(folder: Folder) -> None:
    rows = broken(folder, "strong")
    folder.forge("strong", rows, broken=False, distance=np.inf)
    folder.images("strong").unlink()
    folder.sample_images("strong").unlink()
    again = folder.verify(reattack=1000, seed=3)["strong"].again
    record = folder.record("strong")
    robust = set(np.flatnonzero(record.evaluated & ~record.broken))
    assert (again.robust, again.tried, again.seed, again.problem) == (len(robust), len(robust), 3, "")
    # The attack starts at random points: most of what it broke from some it breaks from others.
    assert set(again.fell) <= robust
    assert len(set(again.fell) & set(rows)) >= len(rows) / 2
    assert set(again.denied) <= set(again.fell) & set(rows)
    assert again.is_exact
    assert again.refutes
    code, out, _ = bench_of(folder, "--reattack", 1000, "--seed", 3)
    assert code == 1
    assert "strong: the record can't be reproduced" in out


def test_what_fresh_starts_break_is_no_fault_of_a_healthy_record(tmp_path: Path, capsys) -> None:
    """A single step from a random point: what it breaks depends on the point."""
    attack = "  - {attack: pgd, norm: linf, label: lucky, parameters: {steps: 1, step_size: 0.01}}\n"
    folder = Folder(tmp_path, attack, save_adversarial=False)
    again = next(
        found
        for seed in range(20)
        if (found := folder.verify(reattack=1000, seed=seed)["lucky"].again) and found.fell
    )
    assert (again.denied, again.refutes) == ((), False)
    code, out, err = bench_of(folder, "--reattack", 1000, "--seed", again.seed)
    assert (code, err) == (0, "")
    told = re.search(r"fresh random starts break (\d+) further images? of (\d+)\. .* up to ([\d.]+)%", out)
    assert told, out
    assert told[1] == str(len(again.fell))
    assert bench_of(folder, "--reattack", 1000, "--seed", again.seed, "--strict")[0] == 1


@pytest.mark.parametrize(
    ("denied", "is_exact", "expected"), [(0, True, False), (1, True, True), (5, False, False), (20, False, True)]
)
def test_rounding_elsewhere_is_told_from_a_record_that_is_wrong(denied: int, is_exact: bool, expected: bool) -> None:
    positions = tuple(range(denied))
    assert Again(200, 100, positions, 0, denied=positions, is_exact=is_exact).refutes == expected


@pytest.mark.parametrize("tried", [1, 2, 7, 30, 200])
def test_a_record_is_wrong_where_chance_would_deny_it_as_often_seldom(tried: int) -> None:
    from scipy.stats import binom

    for denied in range(1, tried + 1):
        again = Again(tried, tried, tuple(range(tried)), 0, denied=tuple(range(denied)))
        assert again.refutes == (binom.sf(denied - 1, tried, ROUNDING) < SELDOM)


def test_what_has_no_randomness_falls_again_where_it_fell_and_nowhere_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "  - {attack: fgsm, norm: linf, label: once}\n", save_adversarial=False)
    assert folder.verify() == {}
    again = folder.verify(reattack=1000)["once"].again
    assert (again.fell, again.problem) == ((), "")
    assert again.tried == again.robust == int((~folder.record("once").broken).sum())
    rows = broken(folder, "once")
    folder.forge("once", rows, broken=False, distance=np.inf)
    assert folder.verify(reattack=1000)["once"].again.fell == tuple(rows)


def test_the_sample_is_drawn_anew_each_time_or_by_the_seed_that_is_given(tmp_path: Path, monkeypatch) -> None:
    folder = Folder(tmp_path, "  - {attack: fgsm, norm: linf}\n", save_adversarial=False)
    drawn = []
    original = ATTACKS.get("fgsm").__call__

    def spy(attack, classifier, x, y, threat, noise):
        drawn.append([tuple(image.flatten().tolist()) for image in x])
        return original(attack, classifier, x, y, threat, noise)

    monkeypatch.setattr(ATTACKS.get("fgsm"), "__call__", spy)
    seeds = [folder.verify(reattack=5, **seed)["fgsm-linf"].again.seed for seed in ({}, {}, {"seed": 8}, {"seed": 8})]
    assert [len(images) for images in drawn] == [5, 5, 5, 5]
    assert drawn[0] != drawn[1] != drawn[2] == drawn[3]
    assert len(set(seeds[:2])) == 2
    assert seeds[2:] == [8, 8]


def test_images_of_other_networks_and_attacks_that_fail_are_not_attacked_again(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    folder = Folder(
        tmp_path, "  - {attack: fgsm, norm: linf, label: a}\n  - {attack: misbehaving, norm: linf, label: b}\n"
    )
    other = save(tmp_path, with_last_layer("other", 0.2, 2.0))
    suite = write_suite(tmp_path, STRONG)
    transfer(other, folder.network, suite=suite, **folder.options)
    found = folder.verify(reattack=3)
    assert found["strong"].again is None
    assert found["b"].again.problem == ""
    assert found["b"].again.robust == found["b"].again.tried == 0, "a failed attack calls nothing robust"
    monkeypatch.setattr(ATTACKS.get("fgsm"), "__call__", lambda *_: 1 / 0)
    assert "ZeroDivisionError" in folder.verify(reattack=3)["a"].again.problem
    monkeypatch.setattr(ATTACKS.get("fgsm"), "version", 99)
    assert "another version" in folder.verify(reattack=3)["a"].again.problem
    code, _, err = bench_of(folder, "--reattack", 3)
    assert code == 1
    assert re.search("^toy, a: .*another version", err, re.MULTILINE)


class Batch(Misbehaving):
    """A step in a direction that the whole batch draws together."""

    batch_independent: ClassVar[bool] = False

    def __call__(self, classifier, x: Tensor, y: Tensor, threat, noise) -> Tensor:
        return (x + threat.epsilon * torch.randn_like(x).sign()).clamp(0, 1)


def test_what_depends_on_the_images_beside_it_is_attacked_beside_them(tmp_path: Path, monkeypatch) -> None:
    """Alone it would draw other numbers than the record, which would deny nothing."""
    monkeypatch.setitem(ATTACKS._own, "misbehaving", Batch)
    folder = Folder(tmp_path, "  - {attack: misbehaving, norm: linf, label: b, epsilon: 0.5}\n")
    found = [folder.verify(reattack=1000, seed=seed)["b"].again for seed in range(4)]
    assert all(again.fell and again.is_exact for again in found)
    assert [again.denied for again in found] == [()] * 4


def test_another_version_of_torch_rounds_otherwise(folder: Folder, monkeypatch) -> None:
    monkeypatch.setattr("benchmark.evaluation.reattack.torch.__version__", "1.0")
    assert not folder.verify(reattack=3)["strong"].again.is_exact


def test_deterministic_kernels_are_used_when_asked_for_and_no_longer(folder: Folder, monkeypatch) -> None:
    used = []
    original = ATTACKS.get("pgd").__call__

    def spy(*arguments):
        used.append(torch.are_deterministic_algorithms_enabled())
        return original(*arguments)

    monkeypatch.setattr(ATTACKS.get("pgd"), "__call__", spy)
    before = torch.are_deterministic_algorithms_enabled()
    assert bench_of(folder, "--reattack", 2, "--deterministic")[0] == 0
    assert used
    assert all(used)
    assert torch.are_deterministic_algorithms_enabled() == before


@pytest.mark.parametrize("options", [["--strict"], ["--seed", 3]])
def test_options_of_what_is_attacked_again_need_it(folder: Folder, options: list) -> None:
    code, _, err = bench_of(folder, *options)
    assert code == 2
    assert "add --reattack N" in err


@pytest.mark.parametrize("options", [{"reattack": -1}, {"reattack": 1, "seed": -1}, {"reattack": 1, "seed": 2**63}])
def test_numbers_out_of_range_are_refused(tmp_path: Path, options: dict) -> None:
    with pytest.raises(BadInput, match="reattack must be 0 or more"):
        verify(tmp_path, save(tmp_path), **options)


@pytest.mark.parametrize("name", [name for name, _ in SUITES])
def test_every_attack_of_the_suites_is_made_again_from_what_an_evaluation_tells(name: str) -> None:
    suite = load_suite(name, scale=suite_scales(name)[0])
    told = json.loads(json.dumps(suite.definition()))
    assert [suite_item(item) for item in told["items"]] == list(suite.items)


def test_the_command_tells_all_of_it(folder: Folder) -> None:
    code, out, err = bench_of(folder, "--reattack", 7, "--seed", 5)
    record = folder.record("far")
    robust = int((record.evaluated & ~record.broken).sum())
    assert err == ""
    (row,) = re.findall(rf"^toy +far +{robust} +(\d+) +(\d+) +([\d.]+)–([\d.]+)", out, re.MULTILINE)
    assert row[0] == str(min(7, robust))
    assert "--seed 5" in out
    rows = broken(folder, "far")
    folder.forge("far", rows, broken=False, distance=np.inf)
    code, out, err = bench_of(folder)
    assert code == 1
    assert re.search(rf"^toy +far +0 +0 +0 +{rows[0]}, {rows[1]},", out, re.MULTILINE)
    assert "adversarial images although the record says that there are none" in err
