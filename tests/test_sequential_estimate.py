"""`bench estimate`: Rworst to a stated width, from expensive attacks on a sample."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from evaluation_toys import save, trained, write_suite

from benchmark.analysis.aggregate import r_worst
from benchmark.errors import BadInput
from benchmark.evaluation import evaluate, load_suite
from benchmark.sequential import estimate
from benchmark.sequential.attacks import members_apart
from benchmark.sequential.page import write_estimate
from benchmark.sequential.result import Estimate, Look
from benchmark.sequential.two_phase_run import split

#: A cheap attack, and an expensive one that breaks a few more.
ATTACKS = """\
  - {attack: fgsm, norm: linf, epsilon: 0.02}
  - {attack: pgd, norm: linf, epsilon: 0.02, parameters: {steps: 30}}
"""


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return save(tmp_path, replace(trained(), name="net"))


def run(network: Path, suite: Path | str, folder: Path, **options: object) -> Estimate:
    options = {"precision": "fp32", "progress": False} | options
    return estimate(network, suite=suite, results=folder / "results", out=folder / "page", **options)  # type: ignore[arg-type]


def test_the_interval_has_the_width_that_was_asked_and_the_truth(tmp_path: Path, network: Path) -> None:
    suite = write_suite(tmp_path, ATTACKS, images=300)
    found = run(network, suite, tmp_path, to=8)
    (whole,) = evaluate(network, suite=suite, results=tmp_path / "other", precision="fp32", progress=False)
    truth = r_worst(whole)
    assert truth is not None
    assert found.low <= truth <= found.high
    assert max(found.high - found.value, found.value - found.low) <= 0.08 + 1e-9
    assert found.cheap == ("fgsm-linf",)
    assert found.expensive == ("pgd-linf",)
    assert found.sampled < found.standing
    assert 0 < found.share_of_passes < 1
    assert "Rworst of net" in (tmp_path / "page" / "index.html").read_text()
    assert (tmp_path / "page" / "interval.csv").read_text().startswith("images,rworst,low,high\n")


def test_a_narrow_width_attacks_all_and_is_exact(
    tmp_path: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite = write_suite(tmp_path, ATTACKS, images=40)
    found = run(network, suite, tmp_path, to=2.5, progress=True)
    counted = re.findall(r"^\[(\d+)/(\d+)\]", capsys.readouterr().err, re.MULTILINE)
    assert counted == [("1", "2"), ("2", "2"), ("3", "3")]  # all, a sample of them, and the others
    (whole,) = evaluate(network, suite=suite, results=tmp_path / "other", precision="fp32", progress=False)
    assert found.low <= r_worst(whole) <= found.high  # type: ignore[operator]
    assert found.high - found.low <= 0.05


def test_no_attack_is_counted_beyond_the_number_told(
    tmp_path: Path, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pgd = "  - {{label: pgd-{0}, attack: pgd, norm: linf, epsilon: 0.02, parameters: {{steps: {0}}}}}\n"
    suite = ATTACKS.splitlines(keepends=True)[0] + "".join(map(pgd.format, (30, 31, 32)))
    run(network, write_suite(tmp_path, suite, images=40), tmp_path, to=2.5, progress=True)
    counted = re.findall(r"^\[(\d+)/(\d+)\]", capsys.readouterr().err, re.MULTILINE)
    assert len(counted) == 7  # all by a cheap one, a sample of them by three, and the others
    assert all(int(done) <= int(total) for done, total in counted), counted
    assert [done for done, total in counted if done == total] == ["4", "7"]


def test_run_again_and_by_a_later_evaluation_nothing_is_attacked_twice(
    tmp_path: Path, network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = write_suite(tmp_path, ATTACKS, images=40)
    first = run(network, suite, tmp_path, to=3)
    with monkeypatch.context() as patched:
        patched.setattr("benchmark.evaluation.attack_run.craft", lambda *_: pytest.fail("attacked again"))
        assert run(network, suite, tmp_path, to=3) == first
    from benchmark.evaluation import attack_run

    attacked: list[int] = []
    craft = attack_run.craft
    monkeypatch.setattr(attack_run, "craft", lambda *a: attacked.append(len(a[2])) or craft(*a))
    mode = {"mode": "worst-case", "results": tmp_path / "results", "precision": "fp32", "progress": False}
    evaluate(network, suite=suite, **mode)  # type: ignore[arg-type]
    assert sum(attacked) <= first.standing - first.sampled + 20  # the images that all attacks see in this mode


def test_an_evaluation_that_was_made_before_is_the_answer(tmp_path: Path, network: Path) -> None:
    suite = write_suite(tmp_path, ATTACKS, images=40)
    (whole,) = evaluate(network, suite=suite, results=tmp_path / "results", precision="fp32", progress=False)
    found = run(network, suite, tmp_path, to=5)
    assert found.is_exact
    assert found.value == r_worst(whole)
    assert found.passes == 0


def test_a_single_attack_is_cheap(tmp_path: Path, network: Path) -> None:
    found = run(network, write_suite(tmp_path, "  - {attack: fgsm, norm: linf}\n", images=40), tmp_path, to=5)
    assert found.is_exact
    assert found.expensive == ()


def test_nothing_left_standing_is_an_answer(tmp_path: Path) -> None:
    none = Look(0, 0.0, 0.0, 0.0)
    said = {"network": "<i>", "suite": "toy", "preset": "standard", "dataset": "digits", "images": 40}
    found = Estimate(
        **said, value=0.0, low=0.0, high=0.0, width=0.05, alpha=0.05, cheap=("fgsm",), expensive=("pgd",),
        standing=0, sampled=0, passes=40, passes_of_all=40, looks=(none,),
    )  # fmt: skip
    page = write_estimate(tmp_path, found).read_text()
    assert "&lt;i&gt;" in page
    assert "<i>" not in page
    assert "0.0 (exact)" in found.summary[0]


def test_autoattack_is_run_as_its_members() -> None:
    suite = load_suite("autoattack", "standard", "digits")
    items = members_apart(suite)
    assert [item.attack.name for item in items] == ["apgd-ce", "apgd-t", "fab-t", "square"]
    cheap, expensive = split(items)
    assert [item.attack.name for item in cheap] == ["apgd-ce"]
    assert [item.attack.name for item in expensive] == ["apgd-t", "fab-t", "square"]
    assert len({item.label for item in items}) == 4


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"to": 0}, "between 0 and 50"),
        ({"to": -1}, "between 0 and 50"),
        ({"to": float("nan")}, "between 0 and 50"),
        ({"to": float("inf")}, "between 0 and 50"),
        ({"to": 80}, "between 0 and 50"),
        ({"to": 1.0}, "less than one of 40 images, which is 2.5 points:"),
        ({"to": 0.5, "n": 100}, "less than one of 100 images, which is 1 point:"),
        ({"alpha": 0}, "alpha"),
        ({"suite": "autoatack"}, "autoattack"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, network: Path, options: dict[str, object], told: str) -> None:
    asked = {"to": 5, "suite": write_suite(tmp_path, ATTACKS, images=40)} | options
    with pytest.raises(BadInput, match=told):
        run(network, folder=tmp_path, **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "results" / "blocks").exists()


def test_the_command_line(tmp_path: Path, network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmark.cli.main import main

    suite = write_suite(tmp_path, ATTACKS, images=40)
    words = ["estimate", str(network), "--suite", str(suite), "--results", str(tmp_path / "results"), "--to", "5"]
    words += ["--out", str(tmp_path / "page"), "--precision", "fp32"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert not ended.value.code
    assert json.loads(capsys.readouterr().out)["network"] == "net"
    with pytest.raises(SystemExit):
        main(words)
    assert "Rworst of net" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main([*words, "--to", "-3"])
    assert ended.value.code == 2
