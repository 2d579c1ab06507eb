"""The verbs that try images elsewhere: on other networks, and on the same network once more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from evaluation_toys import save, with_last_layer, write_suite
from test_cli import Calls, bench

import benchmark
from benchmark.cli.main import _warn
from benchmark.errors import Notice
from benchmark.ledger.stored_adversarials import read_stored_adversarials, write_stored_adversarials

PGD = "  - {attack: pgd, norm: linf, parameters: {steps: 5, relative_step_size: 0.3, success: last}}\n"


def test_transfer_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    transfer = Calls([])
    monkeypatch.setattr(benchmark, "transfer", transfer, raising=False)
    line = (
        "transfer a.pt b.pt --targets c.pt d.pt --suite smoke --preset quick --n 10 --seed 7 --device cpu "
        "--precision bf16 --results there --dataset mnist --data-dir data --download --trust-remote-code "
        "--save-adversarial --compile --workers 2 --time-limit 60 --resize 40 --crop 32 --deterministic"
    )
    assert bench(capsys, *line.split())[0] == 0
    expected = {"sources": ["a.pt", "b.pt"], "targets": ["c.pt", "d.pt"], "suite": "smoke", "preset": "quick"}
    expected |= {"n": 10, "seed": 7, "device": "cpu", "precision": "bf16"}
    expected |= {
        "results": Path("there"),
        "dataset": "mnist",
        "data_dir": Path("data"),
        "download": True,
        "trust_remote_code": True,
    }
    expected |= {"save_adversarial": True, "compile": True, "workers": 2, "time_limit": 60.0}
    expected |= {"resize": "40", "crop": 32, "deterministic": True, "engine": "local", "gpu_share": 1.0}
    expected |= {"add_classes": False}
    assert transfer.made == [((), expected)]


def test_verify_hands_everything_on(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    verify = Calls([])
    monkeypatch.setattr(benchmark, "verify", verify, raising=False)
    line = "verify there a.pt b.pt --reattack 5 --seed 3 --device cpu --data-dir data --download --trust-remote-code"
    code, _, err = bench(capsys, *line.split())
    assert (code, "--save-adversarial" in err) == (2, True)
    options = {
        "device": "cpu",
        "data_dir": Path("data"),
        "download": True,
        "trust_remote_code": True,
        "reattack": 5,
        "seed": 3,
        "deterministic": False,
    }
    assert verify.made == [((), {"results": Path("there"), "checkpoints": ["a.pt", "b.pt"], **options})]


def test_the_matrix_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    networks = [save(tmp_path), save(tmp_path, with_last_layer("o[the]r", 0.2, 2.0))]
    suite = write_suite(tmp_path, PGD)
    words = ("transfer", *networks, "--suite", suite, "--results", tmp_path / "results", "--precision", "fp32")
    code, out, _ = bench(capsys, *words)
    assert code == 0
    assert "pgd-linf: source networks in rows, target networks in columns" in out.splitlines()[0]
    rows = re.findall(r"^(toy|o\[the\]r) +(\d+\.\d) +(\d+\.\d)$", re.sub(r" +\n", "\n", out), re.MULTILINE)
    from benchmark.analysis.transfer import transfer_matrices
    from benchmark.ledger.ledger import Ledger

    (matrix,) = transfer_matrices(Ledger.open(tmp_path / "results").transfers())
    assert {name for name, *_ in rows} == set(matrix.sources)
    targets = [name for name in ("toy", "o[the]r") if name in matrix.targets]
    for name, *shown in rows:
        found = matrix.accuracy[matrix.sources.index(name)]
        assert shown == [f"{100 * found[matrix.targets.index(target)]:.1f}" for target in targets]


def test_nothing_is_shown_of_what_a_source_does_not_say(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = bench(capsys, "show", "python:disguised_networks:plain", "--trust-remote-code")
    told = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert told["name"] == ["python:disguised_networks:plain"]
    assert all(told.values())
    assert told.keys() == {"name", "method", "architecture", "digest", "numbers"}


def test_what_is_odd_about_a_target_is_said_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    suite = write_suite(tmp_path, PGD)
    odd = "python:awkward_networks:that_expects_bytes"
    words = ("transfer", save(tmp_path), odd, "--trust-remote-code", "--dataset", "digits", "--suite", suite)
    code, _, err = bench(capsys, *words, "--results", tmp_path / "results")
    assert code == 0
    assert sum("from 0 to 255" in line for line in err.splitlines()) == 2  # before the attacks, and in the end


def test_an_attack_that_fails_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evaluation_toys import Misbehaving

    from benchmark.attacks import ATTACKS

    monkeypatch.setitem(ATTACKS._own, "misbehaving", Misbehaving)
    suite = write_suite(tmp_path, "  - {attack: misbehaving, norm: linf}\n")
    words = ("transfer", save(tmp_path), "--suite", suite, "--results", tmp_path / "results")
    code, out, err = bench(capsys, *words)
    assert code == 1
    assert "–" in out
    assert "broke down" in err


def test_kept_images_are_confirmed_or_not(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    network, results = save(tmp_path), tmp_path / "results"
    benchmark.evaluate(
        network, suite=write_suite(tmp_path, PGD), results=results, save_adversarial=True, progress=False
    )
    code, out, _ = bench(capsys, "verify", results, network)
    (row,) = re.findall(r"^toy +pgd-linf +(\d+) +(\d+) +(\d+)", out, re.MULTILINE)
    assert code == 0
    assert row[0] == row[1] == row[2] != "0"
    (path,) = (results / "adversarials").rglob("*.npz")
    kept = read_stored_adversarials(path)
    kept.images[:1] = 0.5
    write_stored_adversarials(path, kept)
    code, out, _ = bench(capsys, "verify", results, network)
    assert code == 1
    assert re.search(rf"^toy +pgd-linf +{row[0]} +{row[0]} +{int(row[0]) - 1} +{kept.rows[0]}\s*$", out, re.MULTILINE)
    path.write_bytes(b"")
    code, _, err = bench(capsys, "verify", results, network)
    assert code == 1
    assert str(path) in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("transfer nothing.pt", "nothing.pt"),
        ("transfer nothing.pt --suite transfre", "nothing.pt"),
        ("evaluate python:disguised_networks:plain --trust-remote-code", "--dataset digits, or in Python dataset="),
        ("verify no-such-folder nothing.pt", "there is no folder no-such-folder"),
    ],
)
def test_bad_input_is_one_message(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = bench(capsys, *words.split())
    assert (code, out) == (2, "")
    assert err.startswith("bench: ")
    assert message in err


def test_a_notice_is_said_once_in_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Data that is read for each job says what it has to say for each."""
    said: set[str] = set()
    for words in ("twice", "twice", "once"):
        _warn(said, Notice(words), otherwise=lambda *_: None)
    assert capsys.readouterr().err.splitlines() == ["bench: twice", "bench: once"]
